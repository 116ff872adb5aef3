#include "engine/config/directory.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/base/strings.h"
#include "engine/config/kinds.h"
#include "engine/yaml/tree_file.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "./a//b" -> "a/b"
std::string Normal(const std::string& path) {
  std::vector<std::string> parts;
  for (const std::string& part : Split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return Join(parts, "/");
}

class Directory {
 public:
  Directory(const SourceTree& tree, const std::vector<TreeEntry>& files, const TargetKinds& kinds,
            yaml::Cache& cache, DeclaredUnit& unit)
      : tree_(tree), files_(files), kinds_(kinds), cache_(cache), unit_(unit) {}

  Status Read() {
    SLUICE_CHECK(ReadApplicationFile());
    SLUICE_CHECK(ReadReleaseFile());
    const auto& tests = unit_.application.smoke_tests;
    for (size_t i = 0; i < tests.size(); ++i)
      SLUICE_CHECK(TakeReferences(tests[i], "/spec/smokeTests/" + std::to_string(i)));
    for (const TreeEntry& file : files_) Classify(file);
    std::ranges::sort(unit_.inputs, {}, &TreeEntry::path);
    std::ranges::sort(unit_.manifests, {}, &TreeEntry::path);
    return {};
  }

 private:
  std::string Relative(const TreeEntry& file) const {
    return file.path.substr(unit_.directory.size() + 1);
  }

  const TreeEntry* Find(const std::string& relative) const {
    const auto found =
        std::ranges::find(files_, unit_.directory + "/" + relative, &TreeEntry::path);
    return found == files_.end() ? nullptr : &*found;
  }

  void Problem(const std::string& file, std::string rule, std::string message) {
    unit_.problems.push_back({{file, 0, 0}, std::move(rule), std::move(message)});
  }

  // Of app.yaml, which has been read.
  void ProblemAt(const std::string& pointer, std::string rule, std::string message) {
    const yaml::Place place = application_file_->documents.front().At(pointer);
    unit_.problems.push_back({{unit_.directory + "/app.yaml", place.line, place.column},
                              std::move(rule),
                              std::move(message)});
  }

  Status ReadApplicationFile() {
    unit_.application.name = unit_.id.application;
    const TreeEntry* entry = Find("app.yaml");
    if (entry == nullptr) {
      const auto nested = std::ranges::find_if(
          files_, [](const TreeEntry& f) { return BaseName(f.path) == "app.yaml"; });
      const std::string hint =
          nested == files_.end()
              ? "add one, or remove the directory"
              : "an application stands directly below its environment, not at " + nested->path;
      Problem(unit_.directory + "/app.yaml", "missing-file",
              "is missing while its directory has files; " + hint);
      return {};
    }
    unit_.inputs.push_back(*entry);
    SLUICE_TRY(application_file_, yaml::ParseFile(tree_, *entry, cache_));
    if (const yaml::Document* document =
            OnlyDocument(*application_file_, entry->path, "Application", unit_.problems)) {
      Source source{entry->path, *document, unit_.problems};
      unit_.application = ReadApplication(source, unit_.id.application, kinds_);
    }
    return {};
  }

  Status ReadReleaseFile() {
    const TreeEntry* entry = Find("release.yaml");
    if (entry == nullptr) return {};
    unit_.inputs.push_back(*entry);
    SLUICE_TRY(const auto parsed, yaml::ParseFile(tree_, *entry, cache_));
    if (const yaml::Document* document =
            OnlyDocument(*parsed, entry->path, "Release", unit_.problems)) {
      Source source{entry->path, *document, unit_.problems};
      unit_.release = ReadRelease(source, unit_.id.application);
    }
    return {};
  }

  // A script by run[0], what its further words name with "./", and a task's manifest are read for
  // the unit.
  Status TakeReferences(const SmokeTest& test, const std::string& pointer) {
    const std::string whose = "smoke test " + test.name;
    if (const auto* command = std::get_if<CommandSmokeTest>(&test.check)) {
      for (size_t i = 0; i < command->run.size(); ++i) {
        const std::string& word = command->run[i];
        const bool is_script = i == 0 && word.find('/') != std::string::npos;
        if (!is_script && !word.starts_with("./")) continue;
        const TreeEntry* file = Find(Normal(word));
        if (file != nullptr) referenced_.insert(file->path);
        if (!is_script) continue;
        if (file == nullptr) {
          ProblemAt(pointer + "/command/run/0", "missing-file",
                    whose + " runs " + word + ", which is not in " + unit_.directory);
        } else if (!file->is_executable) {
          Problem(file->path, "not-executable",
                  "is run by " + whose + " but is not executable; git update-index --chmod=+x");
        }
      }
    } else if (const auto* task = std::get_if<TaskSmokeTest>(&test.check);
               task != nullptr && !task->manifest.empty()) {
      return TakeTask(*task, pointer, whose);
    }
    return {};
  }

  Status TakeTask(const TaskSmokeTest& test, const std::string& pointer, const std::string& whose) {
    const Task task = test.kind->TaskOfTests();
    const std::string place = pointer + "/" + std::string(task.word) + "/manifest";
    const TreeEntry* file = Find(Normal(test.manifest));
    if (file == nullptr) {
      ProblemAt(place, "missing-file",
                whose + " names " + test.manifest + ", which is not in " + unit_.directory);
      return {};
    }
    if (Relative(*file) == "app.yaml" || Relative(*file) == "release.yaml") {
      ProblemAt(place, "invalid-value",
                whose + " names " + test.manifest + ", which is no " + std::string(task.object));
      return {};
    }
    tasks_.insert(file->path);
    return CheckTask(*file, *test.kind, whose);
  }

  Status CheckTask(const TreeEntry& file, const TargetKind& kind, const std::string& whose) {
    const Task task = kind.TaskOfTests();
    SLUICE_TRY(const auto parsed, yaml::ParseFile(tree_, file, cache_));
    if (const yaml::Document* document =
            OnlyDocument(*parsed, file.path, task.object, unit_.problems)) {
      if (!kind.IsTask(document->value)) {
        const yaml::Place place = document->At("/kind");
        unit_.problems.push_back({{file.path, place.line, place.column},
                                  "wrong-kind",
                                  "must be a " + std::string(task.object) + " of " +
                                      std::string(task.type) + ", for " + whose});
      }
    }
    return {};
  }

  void Classify(const TreeEntry& file) {
    const std::string relative = Relative(file);
    const std::string base = BaseName(relative);
    if (relative == "app.yaml" || relative == "release.yaml") return;
    if (tasks_.contains(file.path)) {
      unit_.inputs.push_back(file);
      return;
    }
    static constexpr std::array<std::string_view, 5> kOtherSources = {
        "kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml", "Chart.yml"};
    static constexpr std::array<std::string_view, 8> kMisnamed = {
        "app.yml",          "app.json",         "release.yml",     "release.json",
        "application.yaml", "environment.yaml", "environment.yml", "sluice.yaml"};
    if (std::ranges::find(kOtherSources, base) != kOtherSources.end()) {
      Problem(file.path, "unsupported",
              "kustomize and helm sources are not supported by this version; a plain source holds "
              "manifests only");
      return;
    }
    if (relative == base && std::ranges::find(kMisnamed, base) != kMisnamed.end()) {
      Problem(file.path, "stray-file",
              "is not a name that is read here; an application has app.yaml, release.yaml and "
              "manifests");
      return;
    }
    switch (ClassifyName(relative)) {
      case ManifestName::kYes:
        unit_.manifests.push_back(file);
        unit_.inputs.push_back(file);
        return;
      case ManifestName::kOdd:
        Problem(file.path, "stray-file",
                "would not be read: its ending must be .yaml, .yml or .json in lower case");
        return;
      case ManifestName::kNo:
        if (referenced_.contains(file.path)) unit_.inputs.push_back(file);
        return;
    }
  }

  const SourceTree& tree_;
  const std::vector<TreeEntry>& files_;
  const TargetKinds& kinds_;
  yaml::Cache& cache_;
  DeclaredUnit& unit_;
  std::shared_ptr<const yaml::Parsed> application_file_;
  std::set<std::string> referenced_, tasks_;
};

// One source cannot be meant for two kinds.
void TakeKind(DeclaredUnit& unit, const SourcePosition& place) {
  if (unit.targets.empty()) return;
  const Target& first = unit.targets.front();
  unit.kind = first.kind;
  for (const SmokeTest& test : unit.application.smoke_tests) {
    const auto* task = std::get_if<TaskSmokeTest>(&test.check);
    if (task == nullptr || task->kind == unit.kind) continue;
    unit.problems.push_back({place, "wrong-kind",
                             "smoke test " + test.name + " is a " +
                                 std::string(task->kind->TaskOfTests().word) + ", which target '" +
                                 first.name + "' cannot run: it is " +
                                 std::string(unit.kind->Name())});
  }
  const auto other = std::ranges::find_if(
      unit.targets, [&](const Target& target) { return target.kind != first.kind; });
  if (other == unit.targets.end()) return;
  unit.problems.push_back({place, "mixed-targets",
                           "target '" + first.name + "' is " + std::string(first.kind->Name()) +
                               " and target '" + other->name + "' is " +
                               std::string(other->kind->Name()) +
                               "; name targets of one kind in spec.targets"});
}

}  // namespace

ManifestName ClassifyName(const std::string& path) {
  const auto has_ending = [](const std::string& name) {
    return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
  };
  if (has_ending(path)) return ManifestName::kYes;
  return has_ending(ToLower(path)) ? ManifestName::kOdd : ManifestName::kNo;
}

Result<DeclaredUnit> ReadUnitDirectory(const SourceTree& tree, const UnitId& id,
                                       const std::string& directory,
                                       const std::vector<TreeEntry>& files,
                                       const TargetKinds& kinds, yaml::Cache& cache) {
  DeclaredUnit unit;
  unit.id = id;
  unit.directory = directory;
  unit.environment.name = id.environment;
  unit.kind = kinds.front();
  SLUICE_CHECK(Directory(tree, files, kinds, cache, unit).Read());
  return unit;
}

Status ResolveTargets(DeclaredUnit& unit, const Environment& environment, const SourceTree& tree,
                      yaml::Cache& cache) {
  const std::string file = unit.directory + "/app.yaml";
  const auto entry = std::ranges::find(unit.inputs, file, &TreeEntry::path);
  std::shared_ptr<const yaml::Parsed> parsed;
  if (entry != unit.inputs.end()) {
    SLUICE_TRY(parsed, yaml::ParseFile(tree, *entry, cache));
  }
  const auto place = [&](size_t i) {
    const yaml::Place found =
        parsed && !parsed->documents.empty()
            ? parsed->documents.front().At("/spec/targets/" + std::to_string(i))
            : yaml::Place{};
    return SourcePosition{file, found.line, found.column};
  };
  unit.environment = environment;
  unit.targets.clear();
  std::vector<std::string> known;
  for (const Target& target : environment.targets) known.push_back(target.name);
  const auto& wanted = unit.application.targets;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (std::ranges::find(known, wanted[i]) != known.end()) continue;
    unit.problems.push_back({place(i), "unknown-target",
                             "environment " + environment.name + " has no target '" + wanted[i] +
                                 "'" + DidYouMean(wanted[i], known) +
                                 (known.empty() ? "" : " (it has " + Join(known, ", ") + ")")});
  }
  for (const Target& target : environment.targets) {
    if (wanted.empty() || std::ranges::find(wanted, target.name) != wanted.end())
      unit.targets.push_back(target);
  }
  TakeKind(unit, place(0));
  return {};
}

}  // namespace sluice::config
