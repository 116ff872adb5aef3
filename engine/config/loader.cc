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
    std::map<std::string, std::string> unlistable;        // unit directory -> why
  };
  std::vector<TreeEntry> strays;  // directly in environments/
  std::map<std::string, EnvironmentFiles> environments;
  std::map<std::string, std::string> unlistable;  // environment directory -> why
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

// One bad name or symlink makes the whole listing fail; then each directory is asked by itself, so
// that only the unit that has it is held.
Result<Listing> ListManaged(const SourceTree& tree) {
  Listing listing;
  const std::string root(kRoot);
  auto environments = tree.Directories(root);
  if (!environments) {
    if (environments.error().code() != ErrorCode::kNotFound)
      return Fail(std::move(environments).error());
    listing.is_missing = true;
    return listing;
  }
  if (auto all = tree.List(root)) {
    Sort(listing, *all);
    return listing;
  } else if (!IsBadContent(all.error())) {
    return Fail(std::move(all).error());
  }
  for (const std::string& environment : *environments) {
    const std::string directory = root + "/" + environment;
    if (auto entries = tree.List(directory)) {
      Sort(listing, *entries);
      continue;
    } else if (!IsBadContent(entries.error())) {
      return Fail(std::move(entries).error());
    } else {
      listing.unlistable[environment] = entries.error().message();
    }
    SLUICE_TRY(const auto units, tree.Directories(directory));
    for (const std::string& unit : units) {
      auto entries = tree.List(directory + "/" + unit);
      if (entries) {
        Sort(listing, *entries);
      } else if (IsBadContent(entries.error())) {
        listing.environments[environment].units[unit];
        listing.environments[environment].unlistable[unit] = entries.error().message();
      } else {
        return Fail(std::move(entries).error());
      }
    }
    auto file = tree.Find(directory + "/environment.yaml");
    if (file) listing.environments[environment].own.push_back(*file);
  }
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
  Loader(const SourceTree& tree, yaml::Cache& cache) : tree_(tree), cache_(cache) {}

  Result<Declared> Run() {
    SLUICE_TRY(listing_, ListManaged(tree_));
    SLUICE_CHECK(ReadPipelineFile());
    if (listing_.is_missing)
      Problem("environments", "missing-directory",
              "is missing; it holds one directory for each environment");
    for (const TreeEntry& file : listing_.strays)
      CheckStray(file, declared_.problems, "belongs into the directory of an environment");
    std::set<std::string> names;
    for (const auto& [name, files] : listing_.environments) names.insert(name);
    for (const auto& [name, why] : listing_.unlistable) names.insert(name);
    for (const std::string& name : declared_.pipeline.environments) {
      if (names.contains(name) || listing_.is_missing) continue;
      declared_.problems.push_back(
          {PlaceOfListed(name), "missing-directory",
           "environment '" + name + "' has no directory environments/" + name});
    }
    for (const std::string& name : names) SLUICE_CHECK(ReadEnvironmentDirectory(name));
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

  Status ReadEnvironmentDirectory(const std::string& name) {
    const std::string directory = std::string(kRoot) + "/" + name;
    const auto& order = declared_.pipeline.environments;
    Diagnostics problems;
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
    if (const auto bad = listing_.unlistable.find(name);
        bad != listing_.unlistable.end() && listing_.environments[name].unlistable.empty()) {
      problems.push_back({{directory, 0, 0}, "unreadable-file", bad->second});
    }
    Listing::EnvironmentFiles& files = listing_.environments[name];
    SLUICE_TRY(const Environment environment,
               ReadEnvironmentFile(name, directory, files.own, problems));
    for (const TreeEntry& file : files.own) {
      if (file.path != directory + "/environment.yaml")
        CheckStray(file, problems, "move it into an application's directory");
    }
    declared_.environments[name] = environment;
    for (const auto& [unit, entries] : files.units) {
      SLUICE_CHECK(ReadUnit(unit, environment, entries, files.unlistable, problems));
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
      problems.push_back({{path, 0, 0},
                          "missing-file",
                          "is missing; it names the targets of environment " + name});
      return environment;
    }
    SLUICE_TRY(const auto parsed, yaml::ParseFile(tree_, *entry, cache_));
    if (const yaml::Document* document = OnlyDocument(*parsed, path, "Environment", problems)) {
      Source source{path, *document, problems};
      environment = ReadEnvironment(source, name);
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
                  const std::map<std::string, std::string>& unlistable,
                  const Diagnostics& environment_problems) {
    const std::string directory = std::string(kRoot) + "/" + environment.name + "/" + name;
    if (!IsDnsLabel(name)) {
      Problem(directory, "invalid-name", "is not a DNS label, so it cannot be an application");
      return {};
    }
    const UnitId id{environment.name, name};
    DeclaredUnit unit;
    if (const auto bad = unlistable.find(name); bad != unlistable.end()) {
      unit.id = id;
      unit.directory = directory;
      unit.application.name = name;
      unit.problems.push_back({{directory, 0, 0}, "unreadable-file", bad->second});
    } else {
      SLUICE_TRY(unit, ReadUnitDirectory(tree_, id, directory, files, cache_));
    }
    SLUICE_CHECK(ResolveTargets(unit, environment, tree_, cache_));
    Append(unit.problems, environment_problems);
    declared_.units.emplace(id, std::move(unit));
    return {};
  }

  const SourceTree& tree_;
  yaml::Cache& cache_;
  Listing listing_;
  Declared declared_;
  std::shared_ptr<const yaml::Parsed> pipeline_file_;
  Diagnostics pipeline_problems_;
};

}  // namespace

Result<Declared> Load(const SourceTree& tree, yaml::Cache& cache) {
  return Loader(tree, cache).Run();
}

Result<DeclaredUnit> LoadUnit(const SourceTree& tree, const UnitId& id, yaml::Cache& cache) {
  const std::string environment_directory = std::string(kRoot) + "/" + id.environment;
  const std::string directory = environment_directory + "/" + id.application;
  auto files = tree.List(directory);
  DeclaredUnit unit;
  if (files && files->empty())
    return Fail(ErrorCode::kNotFound, "there is no directory " + directory);
  if (!files && !IsBadContent(files.error())) return Fail(std::move(files).error());
  if (files) {
    SLUICE_TRY(unit, ReadUnitDirectory(tree, id, directory, *files, cache));
  } else {
    unit.id = id;
    unit.directory = directory;
    unit.application.name = id.application;
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
    SLUICE_CHECK(ResolveTargets(unit, ReadEnvironment(source, id.environment), tree, cache));
  }
  SortUnique(unit.problems);
  return unit;
}

}  // namespace sluice::config
