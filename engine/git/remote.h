// The network half of Git: the `git` program as a child with a deadline, plus one hand-written
// protocol v2 ls-refs request over HTTP(S). Credentials never appear in arguments, URLs or errors.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/effects.h"
#include "engine/base/error.h"
#include "engine/base/metrics.h"
#include "engine/model/config.h"

namespace sluice::git {

struct RefUpdate {
  std::string ref;           // full name, "refs/heads/main"
  std::string new_oid;       // must be in the mirror; "" deletes the ref
  std::string expected_old;  // what the remote must have now; "" : the ref must not exist
};

enum class PushOutcome {
  kLanded,
  kRaced,    // somebody moved a ref first: fetch and decide again
  kRefused,  // the server will not take it (protected branch, hook): a person must act
  kUnknown,  // the connection broke after sending: look for the operation id before any second push
};

struct PushResult {
  PushOutcome outcome = PushOutcome::kUnknown;
  std::string message;  // the server's words, redacted; "" when landed
};

// Thread-safe. Listings wait for each other, so do pushes, and fetches of the same ref. A call that
// tells of no progress for repository.timeout is ended; its own deadline holds, too.
class Remote {
 public:
  virtual ~Remote() = default;
  // The ids of exactly these full ref names; absent ones are left out. kUnavailable and friends
  // when the remote cannot be asked; kNotFound when there is no such repository.
  virtual Result<std::map<std::string, std::string>> List(const std::vector<std::string>& refs,
                                                          const Call& call) = 0;
  // Brings the refs' objects into the mirror and sets refs/remotes/origin/<ref without refs/> there
  // by force. A ref missing at the remote is kNotFound.
  virtual Status Fetch(const std::vector<std::string>& refs, const Call& call) = 0;
  // All or nothing (--atomic, with leases). An error means that nothing was sent.
  virtual Result<PushResult> Push(const std::vector<RefUpdate>& updates, const Call& call) = 0;
};

struct RemoteOptions {
  RepositoryConfig repository;
  std::string mirror_path;  // the bare repository of Mirror
};

// Checks the url's scheme and the credential files; kInvalidConfig names the field. Counts each
// network call in `metrics` and each push in `effects`.
Result<std::unique_ptr<Remote>> MakeRemote(RemoteOptions options, Metrics& metrics,
                                           Effects& effects);

// Where Fetch puts a remote ref: "refs/heads/main" -> "refs/remotes/origin/heads/main".
std::string MirrorRef(const std::string& remote_ref);

}  // namespace sluice::git
