// Credentials and trust for one call, read anew each time so that a rotated token is used at once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/base/error.h"
#include "engine/git/remote_url.h"
#include "engine/io/http_client.h"
#include "engine/model/config.h"

namespace sluice::git {

// The environment of a git child that talks to `url`. What is secret is in it, never among
// arguments. kInvalidConfig names the field whose file cannot be used.
Result<std::map<std::string, std::string>> RemoteEnvironment(const RemoteUrl& url,
                                                             const RepositoryConfig& config);

// "Basic ..." for usernameFile and tokenFile; "" when no token is configured.
Result<std::string> ReadAuthorization(const RepositoryConfig& config);

// Trusts caFile alone, or the system's authorities without one.
Result<std::shared_ptr<const TlsSettings>> ReadTls(const RepositoryConfig& config);

}  // namespace sluice::git
