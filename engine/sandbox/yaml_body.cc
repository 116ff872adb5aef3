#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/sandbox/apply_body.h"

namespace sluice::sandbox {
namespace {

constexpr int kMaxNodes = 200000;
constexpr int kMaxDepth = 100;

bool OneOf(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (text == word) return true;
  }
  return false;
}

std::string WithoutUnderscores(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

// Integers as YAML 1.1 writes them: decimal, 0x, 0b, 0o and a leading 0 for octal.
bool ReadInteger(const std::string& plain, Json& out) {
  static const RE2 shape("([-+]?)(0b[01]+|0x[0-9a-fA-F]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)");
  std::string sign, digits;
  if (!RE2::FullMatch(plain, shape, &sign, &digits)) return false;
  int base = 10;
  if (digits.rfind("0b", 0) == 0) {
    base = 2;
    digits = digits.substr(2);
  } else if (digits.rfind("0x", 0) == 0) {
    base = 16;
    digits = digits.substr(2);
  } else if (digits.rfind("0o", 0) == 0 || digits.rfind("0O", 0) == 0) {
    base = 8;
    digits = digits.substr(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  errno = 0;
  const long long value = std::strtoll((sign + digits).c_str(), nullptr, base);
  if (errno != 0) return false;
  out = static_cast<int64_t>(value);
  return true;
}

Json ScalarValue(const std::string& text) {
  if (OneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (OneOf(text, {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"}))
    return true;
  if (OneOf(text, {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"}))
    return false;
  const std::string plain = text[0] == '_' ? text : WithoutUnderscores(text);
  Json out;
  if (ReadInteger(plain, out)) return out;
  static const RE2 number("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (RE2::FullMatch(plain, number)) {
    const double value = std::strtod(plain.c_str(), nullptr);
    if (std::isfinite(value)) {
      if (std::trunc(value) == value && std::fabs(value) < 9e18) return static_cast<int64_t>(value);
      return value;
    }
  }
  return text;
}

class Converter {
 public:
  explicit Converter(std::vector<std::string>& duplicates) : duplicates_(duplicates) {}
  std::string problem;

  Json Convert(const YAML::Node& node, const std::string& path, int depth) {
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
      problem = "document is too large or nests too deep";
      return nullptr;
    }
    if (node.IsSequence()) {
      Json out = Json::array();
      for (const YAML::Node& item : node) {
        out.push_back(Convert(item, path, depth + 1));
        if (!problem.empty()) break;
      }
      return out;
    }
    if (node.IsMap()) return ConvertMap(node, path, depth);
    if (!node.IsScalar()) return nullptr;
    return node.Tag() == "!" ? Json(node.Scalar()) : ScalarValue(node.Scalar());
  }

 private:
  Json ConvertMap(const YAML::Node& node, const std::string& path, int depth) {
    Json out = Json::object();
    for (const auto& pair : node) {
      if (!problem.empty()) break;
      if (!pair.first.IsScalar()) {
        problem = "invalid map key";
        break;
      }
      const Json typed =
          pair.first.Tag() == "!" ? Json(pair.first.Scalar()) : ScalarValue(pair.first.Scalar());
      const std::string key = typed.is_string() ? typed.get<std::string>() : Dump(typed);
      const std::string below = path.empty() ? key : path + "." + key;
      if (out.contains(key)) duplicates_.push_back(below);
      out[key] = Convert(pair.second, below, depth + 1);
    }
    return out;
  }

  std::vector<std::string>& duplicates_;
  int nodes_ = 0;
};

}  // namespace

ApiResult<Json> ReadYaml(std::string_view text, std::vector<std::string>& duplicates) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty())
      return BadRequest(
          "error decoding YAML: error converting YAML to JSON: yaml: the body is empty");
    Converter converter(duplicates);
    Json out = converter.Convert(documents[0], "", 0);
    if (!converter.problem.empty())
      return BadRequest("error decoding YAML: error converting YAML to JSON: yaml: " +
                        converter.problem);
    return out;
  } catch (const YAML::Exception& e) {
    return BadRequest(std::string("error decoding YAML: error converting YAML to JSON: yaml: ") +
                      e.what());
  }
}

}  // namespace sluice::sandbox
