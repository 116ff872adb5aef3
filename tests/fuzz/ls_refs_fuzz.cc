// What a Git server or the git program says, in any bytes: parsed without a crash, and never taken
// for more than it is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "engine/git/ls_refs.h"
#include "engine/git/message.h"
#include "engine/git/push_result.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const std::vector<std::string> refs = {"refs/heads/main", "refs/heads/deployments"};

  (void)sluice::git::ParseCapabilities(text);
  if (const auto listed = sluice::git::ParseLsRefs(text, refs)) {
    for (const auto& [name, id] : *listed)
      Require(id.size() == 40 && name.starts_with("refs/heads/"));
  }
  for (const auto& [name, id] : sluice::git::ParseLsRemote(text, refs)) Require(id.size() == 40);
  for (const auto& [key, value] : sluice::git::ParseTrailers(text)) {
    Require(!key.empty() && value.find('\n') == std::string::npos);
  }

  const std::vector<sluice::git::RefUpdate> updates = {{refs[0], std::string(40, 'a'), ""},
                                                       {refs[1], std::string(40, 'b'), ""}};
  const size_t half = size / 2;
  const auto result =
      sluice::git::ClassifyPush(updates, {text.substr(0, half), text.substr(half), false});
  if (result) {
    for (const char c : result->message)
      Require(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
  }
  return 0;
}
