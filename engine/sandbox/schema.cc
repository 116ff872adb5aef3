#include "engine/sandbox/schema.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/strings.h"
#include "engine/sandbox/schema_tables.h"

namespace sluice::sandbox {

Type* Schema::New(Shape shape) {
  types_.push_back(std::make_unique<Type>());
  types_.back()->shape = shape;
  return types_.back().get();
}

const Type* Schema::FindType(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

// Reads the table notation of schema.h. The tables are part of the program, so it does not check
// them.
class TableReader {
 public:
  explicit TableReader(Schema& schema) : schema_(schema) {}

  void Read(std::string_view table) {
    Type* current = nullptr;
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string word;
      if (line[0] != ' ') {
        words >> word;
        word.pop_back();  // the colon
        const bool atomic = word.back() == '!';
        if (atomic) word.pop_back();
        current = Struct(word);
        current->atomic = atomic;
      }
      while (words >> word) {
        const size_t equals = word.find('=');
        text_ = std::string_view(word).substr(equals + 1);
        current->fields[word.substr(0, equals)] = ReadType();
      }
    }
  }

  // References that are atomic or keep keys only where they are used get a copy of their struct.
  void Finish() {
    for (const auto& [copy, original] : copies_) copy->fields = original->fields;
  }

 private:
  Type* Struct(const std::string& name) {
    Type*& type = schema_.by_name_[name];
    if (type == nullptr) type = schema_.New(Shape::kStruct);
    return type;
  }
  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string TakeUntil(char c) {
    const size_t end = text_.find(c);
    std::string out(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return out;
  }

  const Type* ReadReference(bool retain_keys) {
    std::string name(text_);
    text_ = {};
    const bool atomic = name.back() == '!';
    if (atomic) name.pop_back();
    Type* target = Struct(name);
    if (!atomic && !retain_keys) return target;
    Type* copy = schema_.New(Shape::kStruct);
    copy->atomic = atomic;
    copy->retain_keys = retain_keys;
    copies_.emplace_back(copy, target);
    return copy;
  }

  const Type* ReadList(char opener) {
    Type* list = schema_.New(Shape::kList);
    if (opener == '(') {
      std::string keys = TakeUntil(')');
      const size_t semicolon = keys.find(';');
      if (semicolon != std::string::npos) {
        list->merge_key = keys.substr(semicolon + 1);
        keys.resize(semicolon);
      }
      if (!keys.empty()) list->keys = Split(keys, ',');
    } else {
      list->is_set = opener == '%';
      list->merge_items = Take('+');
    }
    list->atomic = list->keys.empty() && !list->is_set;
    list->element = ReadType();
    return list;
  }

  const Type* ReadType() {
    const char c = text_[0];
    text_.remove_prefix(1);
    switch (c) {
      case '~':
        text_.remove_prefix(1);
        return ReadReference(true);
      case '@':
        return ReadReference(false);
      case '{': {
        Type* map = schema_.New(Shape::kMap);
        map->atomic = Take('!');
        map->element = ReadType();
        return map;
      }
      case '(':
      case '[':
      case '%':
        return ReadList(c);
      case 's': {
        Type* text = schema_.New(Shape::kString);
        if (Take('<')) text->allowed = Split(TakeUntil('>'), '|');
        if (Take('"')) text->default_text = TakeUntil('"');
        return text;
      }
      case 'i':
        return schema_.New(Shape::kInteger);
      case 'b':
        return schema_.New(Shape::kBoolean);
      case 'n':
        return schema_.New(Shape::kNumber);
      case 't':
        return schema_.New(Shape::kTime);
      case 'y':
        return schema_.New(Shape::kBytes);
      case 'x':
        return schema_.New(Shape::kIntOrString);
      case 'q':
        return schema_.New(Shape::kQuantity);
      default:
        return &AnyType();
    }
  }

  Schema& schema_;
  std::string_view text_;
  std::vector<std::pair<Type*, Type*>> copies_;
};

const Schema& Schema::BuiltIn() {
  static const std::unique_ptr<const Schema> instance = [] {
    auto schema = std::make_unique<Schema>();
    TableReader reader(*schema);
    reader.Read(kCoreTypes);
    reader.Read(kGroupTypes);
    reader.Finish();
    return schema;
  }();
  return *instance;
}

// Reads a structural schema (OpenAPI v3 with the x-kubernetes extensions).
class CrdReader {
 public:
  explicit CrdReader(Schema& schema) : schema_(schema) {}

  const Type* Read(const Json& node) {
    const std::string kind = TextAt(node, {"type"});
    Type* type = schema_.New(Shape::kAny);
    type->rules = &node;
    type->nullable = BoolAt(node, {"nullable"});
    type->preserve_unknown = BoolAt(node, {"x-kubernetes-preserve-unknown-fields"});
    if (BoolAt(node, {"x-kubernetes-int-or-string"})) {
      type->shape = Shape::kIntOrString;
    } else if (kind == "string") {
      type->shape = Shape::kString;
    } else if (kind == "integer") {
      type->shape = Shape::kInteger;
    } else if (kind == "number") {
      type->shape = Shape::kNumber;
    } else if (kind == "boolean") {
      type->shape = Shape::kBoolean;
    } else if (kind == "array") {
      ReadArray(node, *type);
    } else if (kind == "object" || node.contains("properties")) {
      ReadObject(node, *type);
    }
    return type;
  }

 private:
  void ReadArray(const Json& node, Type& type) {
    type.shape = Shape::kList;
    const std::string list_type = TextAt(node, {"x-kubernetes-list-type"});
    type.is_set = list_type == "set";
    if (list_type == "map") {
      for (const Json& key : ArrayAt(node, {"x-kubernetes-list-map-keys"})) {
        if (key.is_string()) type.keys.push_back(key.get<std::string>());
      }
    }
    type.atomic = !type.is_set && type.keys.empty();
    type.element = Read(ObjectAt(node, {"items"}));
  }

  void ReadObject(const Json& node, Type& type) {
    type.atomic = TextAt(node, {"x-kubernetes-map-type"}) == "atomic";
    const Json* additional = Find(node, {"additionalProperties"});
    if (additional != nullptr && additional->is_object()) {
      type.shape = Shape::kMap;
      type.element = Read(*additional);
      return;
    }
    if (additional != nullptr && additional->is_boolean() && additional->get<bool>()) {
      type.preserve_unknown = true;
    }
    type.shape = Shape::kStruct;
    for (const auto& [name, child] : ObjectAt(node, {"properties"}).items()) {
      type.fields[name] = Read(child);
    }
    if (BoolAt(node, {"x-kubernetes-embedded-resource"})) {
      type.fields["metadata"] = &ObjectMetaType();
    }
  }

  Schema& schema_;
};

std::shared_ptr<const Schema> Schema::FromCrd(const Json& open_api_schema) {
  auto schema = std::make_shared<Schema>();
  schema->source_ = std::make_shared<const Json>(open_api_schema);
  CrdReader reader(*schema);
  Type* root = const_cast<Type*>(reader.Read(*schema->source_));
  if (root->shape != Shape::kStruct) {
    root->shape = Shape::kStruct;
    root->preserve_unknown = true;
  }
  root->fields["apiVersion"] = schema->New(Shape::kString);
  root->fields["kind"] = schema->New(Shape::kString);
  root->fields["metadata"] = &ObjectMetaType();
  schema->root_ = root;
  return schema;
}

const Type& AnyType() {
  static const Type any;
  return any;
}

const Type& ObjectMetaType() { return *Schema::BuiltIn().FindType("ObjectMeta"); }

const Type* MemberType(const Type& type, std::string_view field) {
  switch (type.shape) {
    case Shape::kAny:
      return &AnyType();
    case Shape::kMap:
      return type.element;
    case Shape::kStruct: {
      const auto it = type.fields.find(field);
      if (it != type.fields.end()) return it->second;
      return type.preserve_unknown ? &AnyType() : nullptr;
    }
    default:
      return nullptr;
  }
}

bool IsGranularMap(const Type& type, const Json& value) {
  if (type.shape == Shape::kAny) return value.is_object();
  return (type.shape == Shape::kStruct || type.shape == Shape::kMap) && !type.atomic;
}

bool IsGranularList(const Type& type, const Json& /*value*/) {
  return type.shape == Shape::kList && !type.atomic;
}

}  // namespace sluice::sandbox
