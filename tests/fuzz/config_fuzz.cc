// A config repo of any bytes: loading, validating and rendering it ends without a fault, a unit
// without problems renders, and a release that was read is written so that it reads the same.
// Input: files one after the other, each after a line "@@ PATH".
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/config/config.h"
#include "engine/model/source_tree.h"
#include "engine/render/render.h"
#include "engine/targets/kubernetes/kubernetes_kind.h"
#include "engine/yaml/yaml.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

class InputTree final : public sluice::SourceTree {
 public:
  explicit InputTree(std::string_view input) {
    std::string* file = nullptr;
    while (!input.empty()) {
      const size_t end = std::min(input.find('\n'), input.size() - 1) + 1;
      const std::string_view line = input.substr(0, end);
      if (line.starts_with("@@ ")) {
        const std::string path(line.substr(3, line.find('\n') - 3));
        file = IsSafe(path) ? &files_[path] : nullptr;
      } else if (file != nullptr) {
        *file += line;
      }
      input.remove_prefix(end);
    }
  }

  sluice::Result<std::vector<sluice::TreeEntry>> List(const std::string& path) const override {
    std::vector<sluice::TreeEntry> out;
    for (const auto& [name, text] : files_) {
      if (path.empty() || name.starts_with(path + "/")) out.push_back(Entry(name, text));
    }
    return out;
  }
  sluice::Result<sluice::ChildNames> Children(const std::string& path) const override {
    const std::string prefix = path.empty() ? "" : path + "/";
    sluice::ChildNames out;
    for (const auto& [name, text] : files_) {
      if (!name.starts_with(prefix)) continue;
      const size_t slash = name.find('/', prefix.size());
      const std::string child = name.substr(prefix.size(), slash - prefix.size());
      auto& list = slash == std::string::npos ? out.files : out.directories;
      if (list.empty() || list.back() != child) list.push_back(child);
    }
    if (out.directories.empty() && out.files.empty())
      return sluice::Fail(sluice::ErrorCode::kNotFound, "there is no directory " + path);
    return out;
  }
  sluice::Result<std::string> Read(const sluice::TreeEntry& entry) const override {
    return files_.at(entry.path);
  }

 private:
  // What the real trees let through (engine/git/tree_rules.h).
  static bool IsSafe(const std::string& path) {
    return !path.empty() && path.size() < 200 && !path.starts_with('/') && !path.ends_with('/') &&
           path.find("..") == std::string::npos && path.find("//") == std::string::npos &&
           std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
  }
  static sluice::TreeEntry Entry(const std::string& path, const std::string& text) {
    return {path, sluice::Sha256Hex(text).substr(0, 40), static_cast<int64_t>(text.size()), false};
  }
  std::map<std::string, std::string> files_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  if (const auto release = sluice::config::ParseRelease(input, "release.yaml")) {
    const auto written = sluice::config::FormatRelease(*release);
    Require(written.has_value());
    const auto again = sluice::config::ParseRelease(*written, "release.yaml");
    Require(again.has_value() && again->digest == release->digest);
  }
  (void)sluice::config::ParseDaemonConfig(input, "/etc/sluice/daemon.yaml");

  const InputTree tree(input);
  sluice::yaml::Cache cache;
  const sluice::TargetKinds kinds = {&sluice::targets::kubernetes::KindOfTarget()};
  const auto declared = sluice::config::Load(tree, kinds, cache);
  Require(declared.has_value());
  Require(sluice::render::ValidateAll(*declared, tree, cache).has_value());
  for (const auto& [id, unit] : declared->units) {
    if (!unit.problems.empty()) continue;
    Require(!sluice::render::Fingerprint(unit).empty());
    const auto rendered = sluice::render::Render(unit, tree, cache);
    Require(rendered.has_value());
  }
  return 0;
}
