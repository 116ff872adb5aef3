#include <re2/re2.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/sandbox/validation.h"

namespace sluice::sandbox {
namespace {

std::string TypeName(Shape shape) {
  switch (shape) {
    case Shape::kString:
      return "string";
    case Shape::kInteger:
      return "integer";
    case Shape::kNumber:
      return "number";
    case Shape::kBoolean:
      return "boolean";
    case Shape::kList:
      return "array";
    case Shape::kIntOrString:
      return "integer,string";
    default:
      return "object";
  }
}

bool HasShape(Shape shape, const Json& value) {
  switch (shape) {
    case Shape::kString:
      return value.is_string();
    case Shape::kInteger:
      return value.is_number_integer() ||
             (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
    case Shape::kNumber:
      return value.is_number();
    case Shape::kBoolean:
      return value.is_boolean();
    case Shape::kList:
      return value.is_array();
    case Shape::kStruct:
    case Shape::kMap:
      return value.is_object();
    case Shape::kIntOrString:
      return value.is_string() || value.is_number_integer();
    default:
      return true;
  }
}

std::string JsonTypeName(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  return value.is_array() ? "array" : "object";
}

size_t Characters(const std::string& text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

void CheckBounds(const Json& rules, const std::string& path, const Json& value,
                 std::vector<Cause>& causes) {
  const auto say = [&](const std::string& detail) {
    causes.push_back(InvalidValue(path, value, path + " in body " + detail));
  };
  if (value.is_number()) {
    const double number = value.get<double>();
    if (const Json* low = Find(rules, {"minimum"}); low != nullptr && number < low->get<double>()) {
      say("should be greater than or equal to " + Dump(*low));
    }
    if (const Json* high = Find(rules, {"maximum"});
        high != nullptr && number > high->get<double>()) {
      say("should be less than or equal to " + Dump(*high));
    }
  }
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const auto length = static_cast<int64_t>(Characters(text));
    if (length < IntAt(rules, {"minLength"}, 0)) {
      say("should be at least " + std::to_string(IntAt(rules, {"minLength"})) + " chars long");
    }
    if (length > IntAt(rules, {"maxLength"}, INT64_MAX)) {
      say("should be at most " + std::to_string(IntAt(rules, {"maxLength"})) + " chars long");
    }
    const std::string pattern = TextAt(rules, {"pattern"});
    if (!pattern.empty()) {
      RE2::Options options;
      options.set_log_errors(false);
      const RE2 expression(pattern, options);
      if (expression.ok() && !RE2::PartialMatch(text, expression))
        say("should match '" + pattern + "'");
    }
  }
  if (value.is_array()) {
    const auto size = static_cast<int64_t>(value.size());
    if (size < IntAt(rules, {"minItems"}, 0))
      say("should have at least " + std::to_string(IntAt(rules, {"minItems"})) + " items");
    if (size > IntAt(rules, {"maxItems"}, INT64_MAX))
      say("should have at most " + std::to_string(IntAt(rules, {"maxItems"})) + " items");
  }
}

void CheckEnum(const Json& rules, const std::string& path, const Json& value,
               std::vector<Cause>& causes) {
  const Json* allowed = Find(rules, {"enum"});
  if (allowed == nullptr || !allowed->is_array()) return;
  std::vector<std::string> words;
  for (const Json& item : *allowed) {
    if (item == value) return;
    words.push_back(item.is_string() ? item.get<std::string>() : Dump(item));
  }
  causes.push_back(UnsupportedValue(path, value, words));
}

}  // namespace

void ValidateAgainstRules(const Type& type, const std::string& path, const Json& value,
                          std::vector<Cause>& causes) {
  if (type.rules != nullptr) {
    if (!(value.is_null() && type.nullable) && !HasShape(type.shape, value)) {
      causes.push_back({"FieldValueTypeInvalid",
                        "Invalid value: \"" + JsonTypeName(value) + "\": " + path +
                            " in body must be of type " + TypeName(type.shape) + ": \"" +
                            JsonTypeName(value) + "\"",
                        path});
      return;
    }
    CheckEnum(*type.rules, path, value, causes);
    CheckBounds(*type.rules, path, value, causes);
    for (const Json& name : ArrayAt(*type.rules, {"required"})) {
      if (value.is_object() && name.is_string() &&
          !value.contains(name.get_ref<const std::string&>())) {
        const std::string text = name.get<std::string>();
        causes.push_back(RequiredValue(path.empty() ? text : path + "." + text));
      }
    }
  }
  if (type.shape == Shape::kList && value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      ValidateAgainstRules(*type.element, path + "[" + std::to_string(i) + "]", value[i], causes);
    }
  } else if (value.is_object() && (type.shape == Shape::kStruct || type.shape == Shape::kMap)) {
    for (const auto& [name, member] : value.items()) {
      const Type* below = MemberType(type, name);
      if (below == nullptr || below->rules == nullptr) continue;
      ValidateAgainstRules(*below, path.empty() ? name : path + "." + name, member, causes);
    }
  }
}

}  // namespace sluice::sandbox
