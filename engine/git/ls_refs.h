// Git's protocol v2, as much as a listing of refs needs (gitprotocol-v2). Pure; what is parsed
// comes from the network.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace sluice::git {

struct Capabilities {
  bool has_v2_ls_refs = false;  // else: an older protocol, or something else altogether
  std::string object_format = "sha1";
};

// The answer to GET <url>/info/refs?service=git-upload-pack with "Git-Protocol: version=2".
Capabilities ParseCapabilities(std::string_view body);

// The body of POST <url>/git-upload-pack that asks for refs with these names as prefixes.
std::string MakeLsRefsRequest(const std::vector<std::string>& refs);

// Of the listed refs, exactly those in `refs`. kCorrupted when the answer is not one or is cut
// short; kRejected with the server's words when it says ERR.
Result<std::map<std::string, std::string>> ParseLsRefs(std::string_view body,
                                                       const std::vector<std::string>& refs);

// The same from `git ls-remote`: "<id>\t<name>" lines.
std::map<std::string, std::string> ParseLsRemote(std::string_view text,
                                                 const std::vector<std::string>& refs);

}  // namespace sluice::git
