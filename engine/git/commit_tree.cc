#include "engine/git/commit_tree.h"

#include <algorithm>
#include <utility>

#include "engine/git/tree_rules.h"

namespace sluice::git {
namespace {

// Enough for several revisions of a large repository; then it starts afresh.
constexpr size_t kMaxCachedItems = 500'000;

std::string KeyOf(const git_oid& oid) {
  return {reinterpret_cast<const char*>(oid.id), GIT_OID_RAWSZ};
}

class CommitTree final : public SourceTree {
 public:
  CommitTree(RepositoryPtr repository, OdbPtr odb, const git_oid& root,
             std::shared_ptr<ListingCache> cache)
      : repository_(std::move(repository)),
        odb_(std::move(odb)),
        root_(root),
        cache_(std::move(cache)) {}

  Result<std::vector<TreeEntry>> List(const std::string& path) const override;
  Result<ChildNames> Children(const std::string& path) const override;
  Result<TreeEntry> Find(const std::string& path) const override;
  Result<std::string> Read(const TreeEntry& entry) const override;

 private:
  using ListingPtr = std::shared_ptr<const Listing>;
  struct Found {
    std::string path;  // normal
    git_oid oid{};
  };

  Result<Found> FindDirectory(const std::string& path) const;
  Result<ListingPtr> ReadListing(const git_oid& tree, const std::string& path) const;
  // `name` is left empty.
  Result<Listing::Item> ReadItem(const git_oid& oid, git_filemode_t mode,
                                 const std::string& path) const;
  Status Collect(const git_oid& tree, const std::string& path, int depth, TreeBudget& budget,
                 std::vector<TreeEntry>& into) const;

  RepositoryPtr repository_;
  OdbPtr odb_;
  git_oid root_;
  std::shared_ptr<ListingCache> cache_;
};

Result<CommitTree::Found> CommitTree::FindDirectory(const std::string& path) const {
  Found found;
  SLUICE_TRY(found.path, NormalizePath(path));
  SLUICE_TRY(const FoundEntry entry, FindEntry(repository_.get(), root_, found.path));
  if (entry.mode == GIT_FILEMODE_LINK) return RefuseEntry(found.path, "a symbolic link");
  if (entry.mode == GIT_FILEMODE_COMMIT) return RefuseEntry(found.path, "a submodule");
  if (entry.mode != GIT_FILEMODE_TREE) {
    return Fail(ErrorCode::kNotFound, "there is no directory " + Quoted(found.path));
  }
  found.oid = entry.oid;
  return found;
}

Result<Listing::Item> CommitTree::ReadItem(const git_oid& oid, git_filemode_t mode,
                                           const std::string& path) const {
  Listing::Item item;
  item.oid = oid;
  switch (mode) {
    case GIT_FILEMODE_TREE:
      item.is_directory = true;
      return item;
    case GIT_FILEMODE_BLOB:
      break;
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      item.is_executable = true;
      break;
    case GIT_FILEMODE_LINK:
      return RefuseEntry(path, "a symbolic link");
    case GIT_FILEMODE_COMMIT:
      return RefuseEntry(path, "a submodule");
    default:
      return RefuseEntry(path, "of an unknown kind");
  }
  SLUICE_TRY(const BlobHeader header, ReadHeader(odb_.get(), item.oid, path));
  if (header.type != GIT_OBJECT_BLOB) {
    return Fail(ErrorCode::kCorrupted, Quoted(path) + " is listed as a file, but object " +
                                           ToHex(item.oid) + " is not one");
  }
  item.size = header.size;
  if (MayBeLfsPointer(item.size)) {
    SLUICE_TRY(const std::string bytes, ReadBlob(odb_.get(), item.oid, path, kMaxFileBytes));
    if (IsLfsPointer(bytes)) return RefuseEntry(path, "a Git LFS pointer");
  }
  return item;
}

Result<CommitTree::ListingPtr> CommitTree::ReadListing(const git_oid& tree,
                                                       const std::string& path) const {
  if (auto known = cache_->Find(tree)) return known;
  SLUICE_TRY(const TreePtr handle, LookupTree(repository_.get(), tree));
  auto listing = std::make_shared<Listing>();
  NameSet names;
  const size_t count = git_tree_entrycount(handle.get());
  if (count > kMaxTreeEntries) {
    return Fail(ErrorCode::kInvalidConfig, std::string(kReasonTreeTooLarge),
                "directory " + Quoted(path) + " has " + std::to_string(count) +
                    " entries; 200000 are the limit");
  }
  for (size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(handle.get(), i);
    std::string name = git_tree_entry_name(entry);
    const std::string item_path = JoinPath(path, name);
    if (const std::string problem = NameProblem(name); !problem.empty())
      return RefuseName(item_path, problem);
    SLUICE_TRY(Listing::Item item,
               ReadItem(*git_tree_entry_id(entry), git_tree_entry_filemode(entry), item_path));
    item.name = std::move(name);
    SLUICE_CHECK(names.Add(path, item.name));
    listing->items.push_back(std::move(item));
  }
  std::ranges::sort(listing->items, {}, &Listing::Item::name);
  cache_->Add(tree, listing);
  return ListingPtr(std::move(listing));
}

Status CommitTree::Collect(const git_oid& tree, const std::string& path, int depth,
                           TreeBudget& budget, std::vector<TreeEntry>& into) const {
  SLUICE_TRY(const ListingPtr listing, ReadListing(tree, path));
  for (const Listing::Item& item : listing->items) {
    std::string item_path = JoinPath(path, item.name);
    SLUICE_CHECK(budget.Count(item_path, depth, item.size));
    if (item.is_directory) {
      SLUICE_CHECK(Collect(item.oid, item_path, depth + 1, budget, into));
    } else {
      into.push_back({std::move(item_path), ToHex(item.oid), item.size, item.is_executable});
    }
  }
  return {};
}

Result<std::vector<TreeEntry>> CommitTree::List(const std::string& path) const {
  SLUICE_TRY(const Found directory, FindDirectory(path));
  std::vector<TreeEntry> entries;
  TreeBudget budget;
  SLUICE_CHECK(Collect(directory.oid, directory.path, 1, budget, entries));
  std::ranges::sort(entries, {}, &TreeEntry::path);
  return entries;
}

Result<ChildNames> CommitTree::Children(const std::string& path) const {
  SLUICE_TRY(const Found directory, FindDirectory(path));
  SLUICE_TRY(const TreePtr tree, LookupTree(repository_.get(), directory.oid));
  const size_t count = git_tree_entrycount(tree.get());
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.emplace_back(git_tree_entry_name(git_tree_entry_byindex(tree.get(), i)));
  ChildNames children;
  children.refused = RefusedNames(directory.path, names);
  for (size_t i = 0; i < count; ++i) {
    const std::string& name = names[i];
    const std::string item_path = JoinPath(directory.path, name);
    if (!NameProblem(name).empty()) continue;
    const git_filemode_t mode = git_tree_entry_filemode(git_tree_entry_byindex(tree.get(), i));
    if (mode == GIT_FILEMODE_LINK || mode == GIT_FILEMODE_COMMIT) {
      children.refused[name] =
          RefuseEntry(item_path, mode == GIT_FILEMODE_LINK ? "a symbolic link" : "a submodule")
              .value()
              .message();
    } else {
      (mode == GIT_FILEMODE_TREE ? children.directories : children.files).push_back(name);
    }
  }
  std::ranges::sort(children.directories);
  std::ranges::sort(children.files);
  return children;
}

Result<TreeEntry> CommitTree::Find(const std::string& path) const {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(const FoundEntry found, FindEntry(repository_.get(), root_, normal));
  if (found.mode == GIT_FILEMODE_UNREADABLE || found.mode == GIT_FILEMODE_TREE) {
    return Fail(ErrorCode::kNotFound, "there is no file " + Quoted(normal));
  }
  SLUICE_TRY(const Listing::Item item, ReadItem(found.oid, found.mode, normal));
  return TreeEntry{normal, ToHex(item.oid), item.size, item.is_executable};
}

Result<std::string> CommitTree::Read(const TreeEntry& entry) const {
  SLUICE_TRY(const git_oid oid, ParseOid(entry.blob));
  return ReadBlob(odb_.get(), oid, entry.path, kMaxFileBytes);
}

}  // namespace

std::shared_ptr<const Listing> ListingCache::Find(const git_oid& tree) const {
  return state_.With([&](const State& state) -> std::shared_ptr<const Listing> {
    const auto it = state.by_tree.find(KeyOf(tree));
    return it == state.by_tree.end() ? nullptr : it->second;
  });
}

void ListingCache::Add(const git_oid& tree, std::shared_ptr<const Listing> listing) {
  state_.With([&](State& state) {
    if (state.items > kMaxCachedItems) state = {};
    state.items += listing->items.size() + 1;
    state.by_tree.insert_or_assign(KeyOf(tree), std::move(listing));
  });
}

Result<std::unique_ptr<SourceTree>> MakeCommitTree(RepositoryPtr repository, const git_oid& root,
                                                   std::shared_ptr<ListingCache> cache) {
  OdbPtr odb;
  if (const int rc = git_repository_odb(Out(odb), repository.get()); rc < 0) {
    return Fail(GitError(rc, "opening the mirror's objects"));
  }
  return std::unique_ptr<SourceTree>(
      std::make_unique<CommitTree>(std::move(repository), std::move(odb), root, std::move(cache)));
}

}  // namespace sluice::git
