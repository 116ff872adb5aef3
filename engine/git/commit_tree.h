// The capped walker of a commit's tree, for the .cc files of this module only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/git/libgit2_handles.h"
#include "engine/model/source_tree.h"

namespace sluice::git {

// One directory that passed the rules. Its content is a function of its tree id, so it is read
// once.
struct Listing {
  struct Item {
    std::string name;
    git_oid oid{};
    bool is_directory = false;
    bool is_executable = false;
    int64_t size = 0;
  };
  std::vector<Item> items;  // sorted by name
};

// Shared by all trees of a mirror, so that a new commit costs only what changed. Thread-safe.
class ListingCache {
 public:
  std::shared_ptr<const Listing> Find(const git_oid& tree) const;
  void Add(const git_oid& tree, std::shared_ptr<const Listing> listing);

 private:
  struct State {
    std::map<std::string, std::shared_ptr<const Listing>> by_tree;  // binary id
    size_t items = 0;
  };
  Guarded<State> state_;
};

// The tree `root`, read through `repository`, a handle of its own.
Result<std::unique_ptr<SourceTree>> MakeCommitTree(RepositoryPtr repository, const git_oid& root,
                                                   std::shared_ptr<ListingCache> cache);

}  // namespace sluice::git
