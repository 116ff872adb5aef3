#include "engine/base/hash.h"
#include "engine/yaml/tree_file.h"
#include "tests/support/memory_tree.h"
#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {

TEST_CASE("a blob is parsed once, and its problems name the file of the present call") {
  Cache cache;
  const auto first = cache.Get("b1", "a.yaml", "a: 1\na: 2\n");
  CHECK(cache.Has("b1"));
  const auto second = cache.Get("b1", "other.yaml", "");
  CHECK(second->problems.at(0).at.file == "other.yaml");
  CHECK(first->problems.at(0).at.file == "a.yaml");
  CHECK(cache.Get("b1", "a.yaml", "") == first);
  CHECK(cache.Find("b2", "a.yaml") == nullptr);
}

TEST_CASE("the oldest blobs are forgotten when the cache is full") {
  Cache cache(10'000);
  const std::string text = "a: " + std::string(997, 'x');
  for (int i = 0; i < 80; ++i) (void)cache.Get("b" + std::to_string(i), "f", text);
  CHECK_FALSE(cache.Has("b69"));
  CHECK(cache.Has("b70"));
  CHECK(cache.Has("b79"));
}

TEST_CASE("a file of a tree is read once for each blob") {
  test::MemoryTree tree({{"a.yaml", "a: 1\n"}, {"b.yaml", "a: 1\n"}});
  Cache cache;
  const auto entries = tree.List("");
  for (const auto& entry : *entries) CHECK((*ParseFile(tree, entry, cache))->documents.size() == 1);
  CHECK(tree.reads() == 1);
}

}  // namespace sluice::yaml
