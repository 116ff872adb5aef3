// What the writer accepts, both parsers read back as the same value: the strict YAML one (as the
// API server would) and a JSON one; and no byte that a YAML 1.1 reader refuses or folds is in it.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/targets/kubernetes/json_writer.h"
#include "engine/yaml/yaml.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

bool HasDoubles(const nlohmann::json& value) {
  if (value.is_number_float()) return true;
  if (!value.is_structured()) return false;
  for (const auto& member : value) {
    if (HasDoubles(member)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  nlohmann::json value = nlohmann::json::parse(input, nullptr, false);
  // What is no JSON is taken as text, half of it as a key.
  if (value.is_discarded())
    value = {{std::string(input.substr(0, size / 2)), std::string(input.substr(size / 2))}};
  const auto text = sluice::targets::kubernetes::WriteJson(value);
  if (!text) return 0;
  for (size_t i = 0; i < text->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*text)[i]);
    Require(byte >= 0x20 && byte != 0x7F);
    if (byte == 0xC2) Require(static_cast<unsigned char>((*text)[i + 1]) >= 0xA0);
  }
  for (size_t i = 0; i + 1 < text->size(); ++i) {
    if ((*text)[i] != '\\') continue;
    ++i;  // the escaped character
    Require((*text)[i] != '/');
    Require((*text)[i] != 'u' || (*text)[i + 1] != 'd');
  }
  const auto again = nlohmann::json::parse(*text, nullptr, false);
  Require(!again.is_discarded());
  // Whole doubles come back as integers, and a double of many digits may lose its last.
  if (HasDoubles(value)) return 0;
  Require(again == value);
  if (!value.is_object() || text->size() > 10000) return 0;
  const auto yaml = sluice::yaml::Parse("- " + *text, "fuzz");
  if (!yaml.problems.empty()) return 0;  // deeper or larger than our own parser allows
  Require(yaml.documents.size() == 1 && yaml.documents[0].value[0] == value);
  return 0;
}
