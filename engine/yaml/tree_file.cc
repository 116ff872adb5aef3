#include "engine/yaml/tree_file.h"

namespace sluice::yaml {

Result<std::shared_ptr<const Parsed>> ParseFile(const SourceTree& tree, const TreeEntry& entry,
                                                Cache& cache) {
  if (auto known = cache.Find(entry.blob, entry.path)) return known;
  auto text = tree.Read(entry);
  if (text) return cache.Get(entry.blob, entry.path, *text);
  if (text.error().code() != ErrorCode::kInvalidConfig)
    return Fail(std::move(text).error().With("reading " + entry.path));
  auto unreadable = std::make_shared<Parsed>();
  unreadable->problems.push_back({{entry.path, 0, 0}, "unreadable-file", text.error().message()});
  return std::shared_ptr<const Parsed>(std::move(unreadable));
}

}  // namespace sluice::yaml
