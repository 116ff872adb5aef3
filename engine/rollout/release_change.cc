#include "engine/rollout/release_change.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/config/config.h"
#include "engine/render/render.h"

namespace sluice::rollout {
namespace {

// A tree with one file changed or added; nothing is written.
class TreeWithFile final : public SourceTree {
 public:
  TreeWithFile(const SourceTree& tree, std::string path, std::string text)
      : tree_(tree), text_(std::move(text)) {
    file_.path = std::move(path);
    file_.blob = Sha256Hex(text_).substr(0, 40);
    file_.size = static_cast<int64_t>(text_.size());
  }

  Result<std::vector<TreeEntry>> List(const std::string& path) const override {
    SLUICE_TRY(auto entries, tree_.List(path));
    if (!path.empty() && !file_.path.starts_with(path + "/")) return entries;
    std::erase_if(entries, [&](const TreeEntry& entry) { return entry.path == file_.path; });
    entries.insert(std::ranges::upper_bound(entries, file_.path, {}, &TreeEntry::path), file_);
    return entries;
  }
  Result<ChildNames> Children(const std::string& path) const override {
    SLUICE_TRY(ChildNames names, tree_.Children(path));
    const size_t slash = file_.path.rfind('/');
    const std::string name = file_.path.substr(slash + 1);
    if (path == file_.path.substr(0, slash) &&
        std::ranges::find(names.files, name) == names.files.end())
      names.files.insert(std::ranges::upper_bound(names.files, name), name);
    return names;
  }
  Result<TreeEntry> Find(const std::string& path) const override {
    if (path == file_.path) return file_;
    return tree_.Find(path);
  }
  Result<std::string> Read(const TreeEntry& entry) const override {
    if (entry.path == file_.path) return text_;
    return tree_.Read(entry);
  }

 private:
  const SourceTree& tree_;
  TreeEntry file_;
  std::string text_;
};

// What validate says of the unit. Places are left out, for they move with the layout of
// release.yaml.
Result<std::set<std::string>> ProblemsIn(const Services& services, const UnitId& id,
                                         const SourceTree& tree) {
  SLUICE_TRY(const DeclaredUnit unit, config::LoadUnit(tree, id, services.kinds, services.yaml));
  SLUICE_TRY(const render::Rendered rendered, render::Render(unit, tree, services.yaml));
  std::set<std::string> texts;
  for (const Diagnostics* problems : {&unit.problems, &rendered.problems}) {
    for (const Diagnostic& problem : *problems)
      texts.insert(problem.at.file + ": " + problem.message);
  }
  return texts;
}

Status CheckRelease(const Services& services, const UnitId& id, const SourceTree& tree,
                    const std::string& path, const std::string& text) {
  SLUICE_TRY(const auto known, ProblemsIn(services, id, tree));
  SLUICE_TRY(const auto found, ProblemsIn(services, id, TreeWithFile(tree, path, text)));
  std::vector<std::string> added;
  std::ranges::set_difference(found, known, std::back_inserter(added));
  if (added.empty()) return {};
  return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid",
              "nothing is committed, for this release would make " + ToString(id) +
                  " invalid: " + Join(added, "\n"));
}

}  // namespace

Result<std::optional<ReleaseChange>> ChangeRelease(const Services& services, const Snapshot& tip,
                                                   const DeclaredUnit& unit, const Release& release,
                                                   const std::string& otherwise) {
  const std::string path = unit.directory + "/release.yaml";
  const std::string full_path = RepositoryPath(services.options, path);
  SLUICE_TRY(const auto declared, services.mirror.ReadFile(tip.revision, full_path));
  config::ReleaseText wanted{otherwise};
  if (declared || otherwise.empty()) {
    SLUICE_TRY(wanted, config::EditRelease(declared.value_or(""), release));
  }
  if (declared == wanted.text) return std::optional<ReleaseChange>();
  SLUICE_TRY(const auto tree,
             services.mirror.Tree(tip.revision, RepositoryPath(services.options, "")));
  SLUICE_CHECK(CheckRelease(services, unit.id, *tree, path, wanted.text));
  ReleaseChange change;
  change.edit = {full_path, git::TreeEdit::Content{std::move(wanted.text)}};
  if (wanted.is_rewritten)
    change.note =
        "release.yaml is written anew in part, for its layout has no place for the change.";
  return std::optional(std::move(change));
}

}  // namespace sluice::rollout
