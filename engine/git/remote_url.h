// Which addresses a config repository may have, and the names of refs. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace sluice::git {

struct RemoteUrl {
  enum class Kind { kHttp, kSsh, kPath };  // kHttp: http and https
  Kind kind = Kind::kPath;
  std::string text;      // as given, what git gets; never has a password
  std::string origin;    // kHttp: "https://host:port/"
  std::string protocol;  // for GIT_ALLOW_PROTOCOL: https, http, ssh, file
  bool is_loopback = false;
};

enum class PlainHttp { kLoopbackOnly, kAllowed };

// kInvalidConfig for everything but https, ssh, user@host:path, an absolute path, and http as
// `plain_http` says.
Result<RemoteUrl> ParseRemoteUrl(const std::string& url, PlainHttp plain_http);

// True for a full ref name ("refs/heads/main") that git accepts.
bool IsFullRefName(std::string_view name);

}  // namespace sluice::git
