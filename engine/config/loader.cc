#include <algorithm>
#include <set>

#include "engine/base/strings.h"
#include "engine/config/config.h"
#include "engine/config/directory.h"
#include "engine/config/kinds.h"
#include "engine/yaml/tree_file.h"

namespace sluice::config {
namespace {

constexpr std::string_view kRoot = "environments";
constexpr const char* kPipelineFile = "sluice.yaml";

// Everything below environments/, cut into directories.
struct Listing {
  struct EnvironmentFiles {
    std::vector<TreeEntry> own;                           // directly in the environment's directory
    std::map<std::string, std::vector<TreeEntry>> units;  // by directory name
    std::map<std::string, std::string> refused;           // unit directory -> why
    Diagnostics problems;                                 // that hold every unit
  };
  std::vector<TreeEntry> strays;  // directly in environments/
  std::map<std::string, EnvironmentFiles> environments;
  std::set<std::string> refused;  // in environments/, no directories
  Diagnostics problems;           // that hold no unit
  bool is_missing = false;
};

void Sort(Listing& listing, const std::vector<TreeEntry>& entries) {
  for (const TreeEntry& entry : entries) {
    const auto parts = Split(entry.path, '/');
    if (parts.size() == 2) {
      listing.strays.push_back(entry);
    } else if (parts.size() == 3) {
      listing.environments[parts[1]].own.push_back(entry);
    } else if (parts.size() > 3) {
      listing.environments[parts[1]].units[parts[2]].push_back(entry);
    }
  }
}

bool IsBadContent(const Error& error) { return error.code() == ErrorCode::kInvalidConfig; }

Diagnostic Unreadable(const std::string& directory, const std::string& name,
                      const std::string& why) {
  // What no path may have does not get into the place.
  const bool is_clean = IsValidUtf8(name) && EscapeControl(name) == name;
  return {{is_clean ? directory + "/" + name : directory, 0, 0}, "unreadable-file", why};
}

// What stands directly in `directory`, with a problem for each file that cannot be read.
Result<std::vector<TreeEntry>> FindFiles(const SourceTree& tree, const std::string& directory,
                                         const ChildNames& children, Diagnostics& yaml_problems,
                                         Diagnostics& other_problems) {
  std::vector<TreeEntry> files;
  for (const std::string& name : children.files) {
    auto file = tree.Find(directory + "/" + name);
    if (file) {
      files.push_back(std::move(*file));
    } else if (IsBadContent(file.error())) {
      (ClassifyName(name) == ManifestName::kNo ? other_problems : yaml_problems)
          .push_back(Unreadable(directory, name, file.error().message()));
    } else {
      return Fail(std::move(file).error());
    }
  }
  return files;
}

// An environment that cannot be listed as a whole, piece by piece. A bad unit holds itself, a bad
// YAML file of the environment every unit of it, and what is read by nothing holds nothing.
Status ListEnvironment(const SourceTree& tree, const std::string& directory, const std::string& why,
                       Listing::EnvironmentFiles& into, Diagnostics& problems) {
  const size_t before = problems.size() + into.problems.size();
  SLUICE_TRY(const ChildNames children, tree.Children(directory));
  for (const auto& [name, problem] : children.refused) {
    const bool is_file = std::ranges::find(children.files, name) != children.files.end();
    if (ClassifyName(name) != ManifestName::kNo) {
      into.problems.push_back(Unreadable(directory, name, problem));
    } else if (is_file || !IsDnsLabel(name)) {
      problems.push_back(Unreadable(directory, name, problem));
    } else {
      into.units[name];
      into.refused[name] = problem;
    }
  }
  for (const std::string& unit : children.directories) {
    auto& files = into.units[unit];
    if (auto entries = tree.List(directory + "/" + unit)) {
      files = std::move(*entries);
    } else if (IsBadContent(entries.error())) {
      into.refused[unit] = entries.error().message();
    } else {
      return Fail(std::move(entries).error());
    }
  }
  SLUICE_TRY(into.own, FindFiles(tree, directory, children, into.problems, problems));
  if (into.refused.empty() && problems.size() + into.problems.size() == before)
    into.problems.push_back({{directory, 0, 0}, "unreadable-file", why});
  return {};
}

// One bad name or symlink makes a whole listing fail; then each directory is asked by itself, so
// that only what reads it is held.
Result<Listing> ListManaged(const SourceTree& tree) {
  Listing listing;
  const std::string root(kRoot);
  auto children = tree.Children(root);
  if (!children) {
    if (!IsBadContent(children.error()) && children.error().code() != ErrorCode::kNotFound)
      return Fail(std::move(children).error());
    listing.is_missing = true;
    if (IsBadContent(children.error()))
      listing.problems.push_back({{root, 0, 0}, "unreadable-file", children.error().message()});
    return listing;
  }
  if (auto all = tree.List(root)) {
    Sort(listing, *all);
    return listing;
  } else if (!IsBadContent(all.error())) {
    return Fail(std::move(all).error());
  }
  for (const std::string& name : children->directories) {
    const std::string directory = root + "/" + name;
    auto& environment = listing.environments[name];
    if (auto entries = tree.List(directory)) {
      Sort(listing, *entries);
    } else if (IsBadContent(entries.error())) {
      SLUICE_CHECK(ListEnvironment(tree, directory, entries.error().message(), environment,
                                   listing.problems));
    } else {
      return Fail(std::move(entries).error());
    }
  }
  for (const auto& [name, why] : children->refused) {
    const auto environment = listing.environments.find(name);
    if (environment == listing.environments.end()) listing.refused.insert(name);
    (environment == listing.environments.end() ? listing.problems : environment->second.problems)
        .push_back(Unreadable(root, name, why));
  }
  SLUICE_TRY(listing.strays, FindFiles(tree, root, *children, listing.problems, listing.problems));
  return listing;
}

void Append(Diagnostics& into, const Diagnostics& more) {
  into.insert(into.end(), more.begin(), more.end());
}

void SortUnique(Diagnostics& problems) {
  std::ranges::sort(problems);
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
}

class Loader {
 public:
  Loader(const SourceTree& tree, const TargetKinds& kinds, yaml::Cache& cache)
      : tree_(tree), kinds_(kinds), cache_(cache) {}

  Result<Declared> Run() {
    SLUICE_TRY(listing_, ListManaged(tree_));
    SLUICE_CHECK(ReadPipelineFile());
    declared_.problems = listing_.problems;
    if (listing_.is_missing && listing_.problems.empty())
      Problem("environments", "missing-directory",
              "is missing; it holds one directory for each environment");
    for (const TreeEntry& file : listing_.strays)
      CheckStray(file, declared_.problems, "belongs into the directory of an environment");
    for (const std::string& name : declared_.pipeline.environments) {
      if (listing_.environments.contains(name) || listing_.refused.contains(name) ||
          listing_.is_missing)
        continue;
      declared_.problems.push_back(
          {PlaceOfListed(name), "missing-directory",
           "environment '" + name + "' has no directory environments/" + name});
    }
    for (const auto& [name, files] : listing_.environments)
      SLUICE_CHECK(ReadEnvironmentDirectory(name, files));
    for (auto& [id, unit] : declared_.units) {
      Append(unit.problems, pipeline_problems_);
      SortUnique(unit.problems);
    }
    Append(declared_.problems, pipeline_problems_);
    SortUnique(declared_.problems);
    return std::move(declared_);
  }

 private:
  void Problem(const std::string& file, std::string rule, std::string message) {
    declared_.problems.push_back({{file, 0, 0}, std::move(rule), std::move(message)});
  }

  Status ReadPipelineFile() {
    const auto entry = tree_.Find(kPipelineFile);
    if (!entry) {
      if (entry.error().code() != ErrorCode::kNotFound && !IsBadContent(entry.error()))
        return Fail(entry.error());
      const bool is_absent = entry.error().code() == ErrorCode::kNotFound;
      pipeline_problems_.push_back({{kPipelineFile, 0, 0},
                                    "missing-file",
                                    is_absent
                                        ? "is missing; it names the environments in promotion order"
                                        : entry.error().message()});
      return {};
    }
    SLUICE_TRY(pipeline_file_, yaml::ParseFile(tree_, *entry, cache_));
    if (const yaml::Document* document =
            OnlyDocument(*pipeline_file_, kPipelineFile, "Pipeline", pipeline_problems_)) {
      Source source{kPipelineFile, *document, pipeline_problems_};
      declared_.pipeline = ReadPipeline(source);
    }
    return {};
  }

  SourcePosition PlaceOfListed(const std::string& name) const {
    const auto& order = declared_.pipeline.environments;
    const auto index = std::ranges::find(order, name) - order.begin();
    const yaml::Place place =
        pipeline_file_->documents.front().At("/spec/environments/" + std::to_string(index));
    return {kPipelineFile, place.line, place.column};
  }

  static void CheckStray(const TreeEntry& file, Diagnostics& problems, const std::string& remedy) {
    if (ClassifyName(file.path) == ManifestName::kNo) return;
    problems.push_back({{file.path, 0, 0},
                        "stray-file",
                        "is read by nothing here; " + remedy + ", or out of environments/"});
  }

  Status ReadEnvironmentDirectory(const std::string& name, const Listing::EnvironmentFiles& files) {
    const std::string directory = std::string(kRoot) + "/" + name;
    const auto& order = declared_.pipeline.environments;
    Diagnostics problems = files.problems;
    if (!IsDnsLabel(name)) {
      Problem(directory, "invalid-name", "is not a DNS label, so it cannot be an environment");
      return {};
    }
    if (pipeline_problems_.empty() && std::ranges::find(order, name) == order.end()) {
      problems.push_back(
          {{directory, 0, 0},
           "unlisted-environment",
           "is not listed in sluice.yaml under spec.environments" + DidYouMean(name, order)});
    }
    SLUICE_TRY(const Environment environment,
               ReadEnvironmentFile(name, directory, files.own, problems));
    for (const TreeEntry& file : files.own) {
      if (file.path != directory + "/environment.yaml")
        CheckStray(file, problems, "move it into an application's directory");
    }
    declared_.environments[name] = environment;
    for (const auto& [unit, entries] : files.units) {
      SLUICE_CHECK(ReadUnit(unit, environment, entries, files.refused, problems));
    }
    Append(declared_.problems, problems);
    return {};
  }

  Result<Environment> ReadEnvironmentFile(const std::string& name, const std::string& directory,
                                          const std::vector<TreeEntry>& files,
                                          Diagnostics& problems) {
    Environment environment;
    environment.name = name;
    const std::string path = directory + "/environment.yaml";
    const auto entry = std::ranges::find(files, path, &TreeEntry::path);
    if (entry == files.end()) {
      const auto is_about_it = [&](const Diagnostic& problem) { return problem.at.file == path; };
      if (std::ranges::any_of(problems, is_about_it)) return environment;
      problems.push_back({{path, 0, 0},
                          "missing-file",
                          "is missing; it names the targets of environment " + name});
      return environment;
    }
    SLUICE_TRY(const auto parsed, yaml::ParseFile(tree_, *entry, cache_));
    if (const yaml::Document* document = OnlyDocument(*parsed, path, "Environment", problems)) {
      Source source{path, *document, problems};
      environment = ReadEnvironment(source, name, kinds_);
      CheckPromotion(environment, source);
    }
    return environment;
  }

  // `from` names an environment that comes earlier.
  void CheckPromotion(const Environment& environment, Source& source) const {
    const std::string& from = environment.promotion.from;
    const auto& order = declared_.pipeline.environments;
    const auto here = std::ranges::find(order, environment.name);
    if (from.empty() || here == order.end() || std::find(order.begin(), here, from) != here) return;
    const std::vector<std::string> earlier(order.begin(), here);
    const Node place(source, source.document.value["spec"]["promotion"]["from"],
                     "/spec/promotion/from");
    place.Problem(
        "unknown-environment",
        "must name an environment before " + environment.name + ", not '" + from + "'" +
            (earlier.empty() ? "; there is none before the first" : DidYouMean(from, earlier)));
  }

  Status ReadUnit(const std::string& name, const Environment& environment,
                  const std::vector<TreeEntry>& files,
                  const std::map<std::string, std::string>& refused,
                  const Diagnostics& environment_problems) {
    const std::string directory = std::string(kRoot) + "/" + environment.name + "/" + name;
    if (!IsDnsLabel(name)) {
      Problem(directory, "invalid-name", "is not a DNS label, so it cannot be an application");
      return {};
    }
    const UnitId id{environment.name, name};
    DeclaredUnit unit;
    const auto bad = refused.find(name);
    if (bad == refused.end() || !files.empty()) {
      SLUICE_TRY(unit, ReadUnitDirectory(tree_, id, directory, files, kinds_, cache_));
    } else {
      unit.id = id;
      unit.directory = directory;
      unit.application.name = name;
      unit.kind = kinds_.front();
    }
    if (bad != refused.end())
      unit.problems.push_back({{directory, 0, 0}, "unreadable-file", bad->second});
    SLUICE_CHECK(ResolveTargets(unit, environment, tree_, cache_));
    Append(unit.problems, environment_problems);
    declared_.units.emplace(id, std::move(unit));
    return {};
  }

  const SourceTree& tree_;
  const TargetKinds& kinds_;
  yaml::Cache& cache_;
  Listing listing_;
  Declared declared_;
  std::shared_ptr<const yaml::Parsed> pipeline_file_;
  Diagnostics pipeline_problems_;
};

}  // namespace

Result<Declared> Load(const SourceTree& tree, const TargetKinds& kinds, yaml::Cache& cache) {
  return Loader(tree, kinds, cache).Run();
}

Result<DeclaredUnit> LoadUnit(const SourceTree& tree, const UnitId& id, const TargetKinds& kinds,
                              yaml::Cache& cache) {
  const std::string environment_directory = std::string(kRoot) + "/" + id.environment;
  const std::string directory = environment_directory + "/" + id.application;
  auto files = tree.List(directory);
  DeclaredUnit unit;
  if (files && files->empty())
    return Fail(ErrorCode::kNotFound, "there is no directory " + directory);
  if (!files && !IsBadContent(files.error())) return Fail(std::move(files).error());
  if (files) {
    SLUICE_TRY(unit, ReadUnitDirectory(tree, id, directory, *files, kinds, cache));
  } else {
    unit.id = id;
    unit.directory = directory;
    unit.application.name = id.application;
    unit.kind = kinds.front();
    unit.problems.push_back({{directory, 0, 0}, "unreadable-file", files.error().message()});
  }
  const auto entry = tree.Find(environment_directory + "/environment.yaml");
  if (!entry) {
    if (entry.error().code() != ErrorCode::kNotFound) return Fail(entry.error());
    unit.environment.name = id.environment;
    SortUnique(unit.problems);
    return unit;
  }
  SLUICE_TRY(const auto parsed, yaml::ParseFile(tree, *entry, cache));
  if (const yaml::Document* document =
          OnlyDocument(*parsed, entry->path, "Environment", unit.problems)) {
    Source source{entry->path, *document, unit.problems};
    SLUICE_CHECK(ResolveTargets(unit, ReadEnvironment(source, id.environment, kinds), tree, cache));
  }
  SortUnique(unit.problems);
  return unit;
}

}  // namespace sluice::config
