// Any bytes: the parser must end soon, without a fault, and what it accepts must survive being
// written and read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/yaml/yaml.h"

using sluice::yaml::Parse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sluice::yaml::Limits limits;
  limits.max_nodes = 20'000;
  for (const char* file : {"f.yaml", "f.json"}) {
    const auto parsed = Parse(text, file, limits);
    if (!parsed.problems.empty()) {
      if (!parsed.documents.empty()) std::abort();  // a refused text must leave nothing to use
      continue;
    }
    for (const auto& document : parsed.documents) {
      const auto again =
          Parse(sluice::yaml::Write(document.value), "again.yaml", {64 << 20, 200, 1'000'000});
      if (!again.problems.empty() || again.documents.size() != 1 ||
          again.documents[0].value != document.value)
        std::abort();
    }
  }
  return 0;
}
