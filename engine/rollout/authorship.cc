#include "engine/rollout/authorship.h"

#include "engine/rollout/config_commit.h"

namespace sluice::rollout {
namespace {

constexpr int kLookBack = 2000;        // commits; older authorship is not worth the time
constexpr size_t kMostDropped = 2000;  // commits that a revert names

std::string Format(const git::Person& person) { return person.name + " <" + person.email + ">"; }

}  // namespace

Result<Authorship> FindAuthorship(const Services& services, const std::string& revision,
                                  const std::string& directory) {
  SLUICE_TRY(const auto here, services.mirror.ObjectAt(revision, directory));
  Authorship found;
  std::optional<git::Commit> newest;
  SLUICE_TRY(newest, services.mirror.ReadCommit(revision));
  int left = kLookBack;
  while (left-- > 0 && !newest->parents.empty()) {
    SLUICE_TRY(const auto before, services.mirror.ObjectAt(newest->parents.front(), directory));
    if (before != here) break;
    SLUICE_TRY(newest, services.mirror.ReadCommit(newest->parents.front()));
  }
  found.revision = newest->oid;
  found.author = Format(newest->author);
  if (newest->parents.size() > 1) {
    // A merge: the merged side wrote it, the merge's author let it in.
    SLUICE_TRY(const git::Commit merged, services.mirror.ReadCommit(newest->parents[1]));
    found.approved_by = found.author;
    found.author = Format(merged.author);
    if (found.approved_by == found.author) found.approved_by.clear();
  }
  return found;
}

Result<std::vector<std::string>> CommitsTouching(const Services& services, const std::string& tip,
                                                 const std::string& good,
                                                 const std::string& directory) {
  SLUICE_TRY(const bool is_bounded, IsHere(services, good));
  const std::string until = is_bounded ? good : "";
  const size_t most = is_bounded ? kMostDropped : 1;
  std::vector<std::string> commits;
  Status inner;
  SLUICE_CHECK(
      services.mirror.Log(tip, until, git::Mirror::Walk::kAll, [&](const git::Commit& commit) {
        auto here = services.mirror.ObjectAt(commit.oid, directory);
        if (!here) {
          inner = Fail(here.error());
          return false;
        }
        bool differs_from_all = true;
        for (const std::string& parent : commit.parents) {
          auto before = services.mirror.ObjectAt(parent, directory);
          if (!before) {
            inner = Fail(before.error());
            return false;
          }
          if (*before == *here) differs_from_all = false;
        }
        if (commit.parents.empty()) differs_from_all = here->has_value();
        if (differs_from_all) commits.push_back(commit.oid);
        return commits.size() < most;
      }));
  SLUICE_CHECK(inner);
  return commits;
}

}  // namespace sluice::rollout
