#include "tests/support/json_schema.h"

#include <re2/re2.h>

#include <fstream>
#include <set>
#include <stdexcept>

#include "tests/support/paths.h"

namespace sluice::test {
namespace {

using nlohmann::json;

size_t Characters(const std::string& text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

class Checker {
 public:
  explicit Checker(const json& root) : root_(root) {}

  std::vector<std::string> problems;

  void Check(const json& schema, const json& value, const std::string& at) {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) Wrong(at, "is not allowed");
      return;
    }
    for (const auto& [keyword, argument] : schema.items())
      Keyword(schema, keyword, argument, value, at);
  }

 private:
  void Wrong(const std::string& at, const std::string& message) {
    problems.push_back((at.empty() ? "/" : at) + ": " + message);
  }

  bool Fits(const json& schema, const json& value) {
    Checker inner(root_);
    inner.Check(schema, value, "");
    return inner.problems.empty();
  }

  size_t CountFitting(const json& schemas, const json& value) {
    size_t count = 0;
    for (const json& schema : schemas) count += Fits(schema, value) ? 1 : 0;
    return count;
  }

  static bool IsOfType(const std::string& type, const json& value) {
    if (type == "integer")
      return value.is_number_integer() ||
             (value.is_number_float() && value == static_cast<double>(value.get<int64_t>()));
    if (type == "number") return value.is_number();
    return type == value.type_name();  // object array string boolean null
  }

  void Keyword(const json& schema, const std::string& keyword, const json& argument,
               const json& value, const std::string& at) {
    static const std::set<std::string> kWords = {"$schema", "$id",     "title",       "description",
                                                 "format",  "default", "definitions", "then"};
    if (kWords.contains(keyword)) return;
    if (keyword == "$ref") {
      const auto reference = argument.get<std::string>();
      Check(root_.at(json::json_pointer(reference.substr(1))), value, at);
    } else if (keyword == "type") {
      bool fits = false;
      for (const json& type : argument.is_array() ? argument : json::array({argument}))
        fits = fits || IsOfType(type, value);
      if (!fits) Wrong(at, "is " + std::string(value.type_name()) + ", not " + argument.dump());
    } else if (keyword == "enum") {
      if (std::find(argument.begin(), argument.end(), value) == argument.end())
        Wrong(at, value.dump() + " is none of " + argument.dump());
    } else if (keyword == "const") {
      if (value != argument) Wrong(at, value.dump() + " is not " + argument.dump());
    } else if (keyword == "oneOf") {
      if (CountFitting(argument, value) != 1)
        Wrong(at, "fits " + std::to_string(CountFitting(argument, value)) + " of oneOf");
    } else if (keyword == "anyOf") {
      if (CountFitting(argument, value) == 0) Wrong(at, "fits none of anyOf");
    } else if (keyword == "allOf") {
      for (const json& each : argument) Check(each, value, at);
    } else if (keyword == "not") {
      if (Fits(argument, value)) Wrong(at, "fits what it must not: " + argument.dump());
    } else if (keyword == "if") {
      if (Fits(argument, value) && schema.contains("then")) Check(schema["then"], value, at);
    } else if (!OfObject(schema, keyword, argument, value, at) &&
               !OfArray(keyword, argument, value, at) && !OfScalar(keyword, argument, value, at)) {
      Wrong(at, "the schema uses a keyword that is not known here: " + keyword);
    }
  }

  bool OfObject(const json& schema, const std::string& keyword, const json& argument,
                const json& value, const std::string& at) {
    if (keyword == "required") {
      for (const json& name : argument) {
        if (value.is_object() && !value.contains(name.get<std::string>()))
          Wrong(at, "lacks " + name.get<std::string>());
      }
    } else if (keyword == "properties") {
      for (const auto& [name, each] : argument.items()) {
        if (value.is_object() && value.contains(name)) Check(each, value[name], at + "/" + name);
      }
    } else if (keyword == "additionalProperties") {
      if (!value.is_object()) return true;
      for (const auto& [name, member] : value.items()) {
        if (!schema.contains("properties") || !schema["properties"].contains(name))
          Check(argument, member, at + "/" + name);
      }
    } else {
      return false;
    }
    return true;
  }

  bool OfArray(const std::string& keyword, const json& argument, const json& value,
               const std::string& at) {
    const bool is_array = value.is_array();
    if (keyword == "items") {
      for (size_t i = 0; is_array && i < value.size(); ++i)
        Check(argument, value[i], at + "/" + std::to_string(i));
    } else if (keyword == "minItems") {
      if (is_array && value.size() < argument.get<size_t>()) Wrong(at, "has too few items");
    } else if (keyword == "maxItems") {
      if (is_array && value.size() > argument.get<size_t>()) Wrong(at, "has too many items");
    } else if (keyword == "uniqueItems") {
      if (is_array && std::set<json>(value.begin(), value.end()).size() != value.size())
        Wrong(at, "has an item twice");
    } else {
      return false;
    }
    return true;
  }

  bool OfScalar(const std::string& keyword, const json& argument, const json& value,
                const std::string& at) {
    if (keyword == "pattern") {
      if (value.is_string() &&
          !RE2::PartialMatch(value.get<std::string>(), argument.get<std::string>())) {
        Wrong(at, value.dump() + " does not match " + argument.get<std::string>());
      }
    } else if (keyword == "minLength") {
      if (value.is_string() && Characters(value) < argument.get<size_t>())
        Wrong(at, "is too short");
    } else if (keyword == "maxLength") {
      if (value.is_string() && Characters(value) > argument.get<size_t>()) Wrong(at, "is too long");
    } else if (keyword == "minimum") {
      if (value.is_number() && value < argument)
        Wrong(at, value.dump() + " is below " + argument.dump());
    } else if (keyword == "maximum") {
      if (value.is_number() && value > argument)
        Wrong(at, value.dump() + " is above " + argument.dump());
    } else {
      return false;
    }
    return true;
  }

  const json& root_;
};

}  // namespace

std::vector<std::string> CheckSchema(const json& schema, const json& value) {
  Checker checker(schema);
  checker.Check(schema, value, "");
  return checker.problems;
}

json ReadSchema(const std::string& name) {
  const std::string path = test::SourceDirectory() + "/manifests-schema/" + name + ".json";
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  return json::parse(in);
}

}  // namespace sluice::test
