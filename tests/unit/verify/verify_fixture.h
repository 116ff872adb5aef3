// What the tests of the verifier share: a real HTTP client, a clock whose waits take no time, and a
// unit's files in memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/io/http_client.h"
#include "engine/verify/verify.h"
#include "tests/support/catch.h"
#include "tests/support/kinds.h"

namespace sluice::verify {

// Waits are noted down, and added to the time.
class SkippingClock final : public Clock {
 public:
  SystemTime SystemNow() const override { return {}; }
  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now() + skipped; }
  bool Sleep(Duration duration, std::stop_token stop) const override {
    waits.push_back(duration);
    skipped += duration;
    return !stop.stop_requested();
  }
  mutable std::vector<Duration> waits;
  mutable Duration skipped{0};
};

class MemoryTree final : public SourceTree {
 public:
  struct File {
    std::string bytes;
    bool is_executable = false;
  };
  explicit MemoryTree(std::map<std::string, File> files) : files_(std::move(files)) {}

  Result<std::vector<TreeEntry>> List(const std::string& path) const override {
    std::vector<TreeEntry> entries;
    for (const auto& [name, file] : files_) {
      if (!path.empty() && !name.starts_with(path + "/")) continue;
      entries.push_back({name, GitBlobId(file.bytes), static_cast<int64_t>(file.bytes.size()),
                         file.is_executable});
    }
    return entries;
  }
  Result<ChildNames> Children(const std::string&) const override { return ChildNames{}; }
  Result<std::string> Read(const TreeEntry& entry) const override {
    const auto found = files_.find(entry.path);
    if (found == files_.end()) return Fail(ErrorCode::kNotFound, entry.path);
    return found->second.bytes;
  }

 private:
  std::map<std::string, File> files_;
};

struct VerifyFixture {
  std::unique_ptr<HttpClient> http = std::move(*MakeCurlHttpClient());
  SkippingClock clock;
  std::map<std::string, MemoryTree::File> files;

  Context MakeContext() {
    tree_ = std::make_unique<MemoryTree>(files);
    Context context;
    context.unit = {"prod", "checkout"};
    context.revision = "3f2c1d0";
    context.version = "2026.11.3";
    context.target = "eu";
    context.tree = tree_.get();
    context.directory = "environments/prod/checkout";
    context.files = *tree_->List(context.directory);
    context.allow_commands = true;
    return context;
  }
  std::vector<TestResult> RunAll(const std::vector<SmokeTest>& tests, const Context& context,
                                 Duration time = std::chrono::minutes(2),
                                 std::stop_token stop = {}) {
    return Verifier(*http, clock)
        .Run(tests, context, {std::chrono::steady_clock::now() + time, stop});
  }
  TestResult Run(const SmokeTest& test) { return RunWith(test, MakeContext()); }
  TestResult RunWith(const SmokeTest& test, const Context& context) {
    const auto results = RunAll({test}, context);
    REQUIRE(results.size() == 1);
    CHECK(results[0].name == test.name);
    return results[0];
  }

 private:
  std::unique_ptr<MemoryTree> tree_;
};

}  // namespace sluice::verify

namespace Catch {
template <>
struct StringMaker<sluice::verify::Verdict> {
  static std::string convert(sluice::verify::Verdict verdict) {
    return std::string(ToString(verdict));
  }
};
}  // namespace Catch
