// Commits to the config branch: by the engine (promotion) and by operators' commands (release,
// promote, rollback, retry). Compare-and-swap: fetch, decide on the new tip, commit, push, again
// when raced.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/git/mirror.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"

namespace sluice::rollout {

// Lists and fetches the config branch; kNotFound says which branch is missing where.
Result<std::string> FetchTip(const Services& services);

// False for a commit that a rewrite of history took away.
Result<bool> IsHere(const Services& services, const std::string& commit);

// What the commit of an operation leaves at `path` (from the repository's root): something of which
// `is_there` is true at that commit. Without a path nothing is known of it.
struct Effect {
  std::string path;
  std::function<Result<bool>(const std::string& commit)> is_there;
};
// The object `oid`.
Effect ObjectEffect(const Services& services, const std::string& path, const std::string& oid);

// The commit after `since` up to `tip` that carries the operation id and brought `effect`. Trailers
// on the config branch are anybody's words: an id that others can compute counts only with its
// effect. Where `since` is gone with a history that was rewritten, the newest commits are looked
// through.
Result<std::optional<std::string>> FindOperation(const Services& services, const std::string& tip,
                                                 const std::string& since,
                                                 const std::string& operation,
                                                 const Effect& effect);

struct ConfigChange {
  std::vector<git::TreeEdit> edits;  // paths from the repository's root
  std::string subject;
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      trailers;  // without the prefix; Operation is added
};

// What to commit on top of this snapshot; nullopt: nothing (any more).
using DecideChange = std::function<Result<std::optional<ConfigChange>>(const Snapshot& tip)>;

struct Committed {
  enum class How {
    kLanded,
    kNothing,  // `decide` wanted nothing
    kRefused,  // the branch will not take it: `commit` exists in the mirror only, `message` has the
               // server's words
  } how = How::kNothing;
  std::string commit;
  std::string message;
};

// `operation` is looked for in what came after `since` ("": only among what comes while pushing)
// before every push, so that an unknown outcome never leads to a second commit.
Result<Committed> CommitConfig(const Services& services, const git::Person& author,
                               const std::string& operation, const Effect& effect,
                               const std::string& since, const DecideChange& decide);

// The same for commands, where a refusal is an error: kRejected, reason PushRefused. "" when
// nothing was to be done. An operation id that nobody can know before needs no `effect`.
Result<std::string> CommitConfigOrFail(const Services& services, const git::Person& author,
                                       const std::string& operation, const DecideChange& decide,
                                       const Effect& effect = {});

}  // namespace sluice::rollout
