#include "engine/sandbox/decode.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/quantity.h"

namespace sluice::sandbox {
namespace {

std::string GoName(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  return "number";
}

class Decoder {
 public:
  Decoder(const ResourceType& type, std::vector<std::string>& unknown)
      : resource_(type), unknown_(unknown), lenient_(type.IsCustom()) {}

  std::string problem;  // the first wrong shape

  void Visit(const Type& type, Json& value) {
    switch (type.shape) {
      case Shape::kStruct:
        return VisitStruct(type, value);
      case Shape::kMap:
        return VisitMap(type, value);
      case Shape::kList:
        return VisitList(type, value);
      case Shape::kString:
      case Shape::kTime:
        if (!value.is_string()) Wrong(value, "string");
        return;
      case Shape::kBytes:
        if (!value.is_string()) return Wrong(value, "string");
        if (problem.empty() && !Base64Decode(value.get<std::string>()))
          problem = "illegal base64 data in " + path_;
        return;
      case Shape::kBoolean:
        if (!value.is_boolean()) Wrong(value, "bool");
        return;
      case Shape::kInteger:
        return VisitInteger(value);
      case Shape::kNumber:
        if (!value.is_number()) Wrong(value, "float64");
        return;
      case Shape::kIntOrString:
        if (!value.is_string() && !value.is_number_integer()) Wrong(value, "intstr.IntOrString");
        return;
      case Shape::kQuantity:
        return VisitQuantity(value);
      case Shape::kAny:
        return;
    }
  }

 private:
  void Wrong(const Json& value, const std::string& go_type) {
    if (lenient_ || !problem.empty()) return;
    problem = "json: cannot unmarshal " + GoName(value) + " into Go struct field " +
              resource_.kind + "." + path_ + " of type " + go_type;
  }

  void VisitInteger(Json& value) {
    if (value.is_number_float()) {
      const double number = value.get<double>();
      if (std::trunc(number) == number && std::fabs(number) < 9e15) {
        value = static_cast<int64_t>(number);
        return;
      }
    }
    if (!value.is_number_integer()) Wrong(value, "int32");
  }

  void VisitQuantity(Json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : Dump(value);
    const std::optional<std::string> canonical = CanonicalQuantity(text);
    if (canonical) {
      value = *canonical;
    } else if (!lenient_ && problem.empty()) {
      problem =
          "quantities must match the regular expression "
          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    }
  }

  // Visits one member; returns false when it is to be dropped.
  bool Member(const std::string& name, const Type* type, Json& value) {
    const size_t length = path_.size();
    path_ += (path_.empty() ? "" : ".") + name;
    bool keep = true;
    if (type == nullptr) {
      unknown_.push_back("unknown field \"" + path_ + "\"");
      keep = false;
    } else if (value.is_null()) {
      keep = type->nullable || (lenient_ && type->shape == Shape::kAny);
    } else {
      Visit(*type, value);
      // What Go's omitempty leaves out.
      const bool empty_list = value.is_array() && value.empty();
      const bool empty_map = type->shape == Shape::kMap && value.is_object() && value.empty();
      if (!lenient_ && type->shape != Shape::kAny && (empty_list || empty_map)) keep = false;
    }
    path_.resize(length);
    return keep;
  }

  void VisitStruct(const Type& type, Json& value) {
    if (!value.is_object()) return Wrong(value, "struct");
    for (auto it = value.begin(); it != value.end();) {
      const bool own_meta = lenient_ && path_ == "metadata";
      if (own_meta) lenient_ = false;
      const bool keep = Member(it.key(), MemberType(type, it.key()), it.value());
      if (own_meta) lenient_ = true;
      it = keep ? std::next(it) : value.erase(it);
    }
  }

  void VisitMap(const Type& type, Json& value) {
    if (!value.is_object()) return Wrong(value, "map");
    for (auto it = value.begin(); it != value.end();) {
      if (it.value().is_null() && type.element->shape == Shape::kString && !lenient_)
        it.value() = "";
      it = Member(it.key(), type.element, it.value()) ? std::next(it) : value.erase(it);
    }
  }

  void VisitList(const Type& type, Json& value) {
    if (!value.is_array()) return Wrong(value, "slice");
    const size_t length = path_.size();
    for (size_t i = 0; i < value.size(); ++i) {
      path_ += "[" + std::to_string(i) + "]";
      if (!value[i].is_null()) Visit(*type.element, value[i]);
      path_.resize(length);
    }
  }

  const ResourceType& resource_;
  std::vector<std::string>& unknown_;
  bool lenient_;
  std::string path_;
};

}  // namespace

ApiStatus Decode(const ResourceType& type, Json& object, std::vector<std::string>& unknown_fields) {
  Decoder decoder(type, unknown_fields);
  decoder.Visit(*type.schema, object);
  if (!decoder.problem.empty()) {
    return BadRequest(type.kind + " in version \"" + type.version + "\" cannot be handled as a " +
                      type.kind + ": " + decoder.problem);
  }
  return {};
}

void ApplySchemaDefaults(const Type& type, Json& value) {
  if (type.shape == Shape::kStruct && value.is_object()) {
    for (const auto& [name, member] : type.fields) {
      const auto it = value.find(name);
      const bool absent = it == value.end() || (it->is_null() && !member->nullable);
      if (absent && member->rules != nullptr && member->rules->contains("default")) {
        value[name] = member->rules->at("default");
      }
      const auto now = value.find(name);
      if (now != value.end()) ApplySchemaDefaults(*member, *now);
    }
  } else if (type.shape == Shape::kMap && value.is_object()) {
    for (auto& [name, member] : value.items()) ApplySchemaDefaults(*type.element, member);
  } else if (type.shape == Shape::kList && value.is_array()) {
    for (Json& item : value) ApplySchemaDefaults(*type.element, item);
  }
}

}  // namespace sluice::sandbox
