#include "engine/cli/cmd_local.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/cli/compose.h"
#include "engine/cli/output.h"
#include "engine/cli/units.h"
#include "engine/config/config.h"
#include "engine/config/report.h"
#include "engine/daemon/engine.h"
#include "engine/daemon/poller.h"
#include "engine/render/render.h"
#include "engine/rollout/config_commit.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "0.0.0"
#endif

namespace sluice::cli {
namespace {

// A plain directory, or the tip of the config repo.
struct Source {
  std::unique_ptr<Composition> composition;  // keeps the mirror alive
  std::unique_ptr<SourceTree> tree;
};

Result<Source> OpenSource(const Global& global, const std::string& directory,
                          const std::string& command) {
  Source source;
  if (!directory.empty()) {
    auto tree = git::OpenDirectory(directory);
    if (!tree)
      return Fail(ErrorCode::kInvalidArgument,
                  tree.error().message() + "; name a folder with a sluice.yaml");
    source.tree = std::move(*tree);
    return source;
  }
  SLUICE_TRY(auto config, ReadConfig(global.config));
  SLUICE_TRY(source.composition, Composition::Make(std::move(config), Role::kOperator, command));
  const rollout::Services services = source.composition->MakeServices();
  SLUICE_TRY(const std::string tip, source.composition->FetchTip());
  auto tree = source.composition->mirror().Tree(tip, rollout::RepositoryPath(services.options, ""));
  if (!tree) return Fail(source.composition->Located(tree.error()));
  source.tree = std::move(*tree);
  return source;
}

config::ReportFormat FormatOf(const Global& global) {
  switch (global.output) {
    case Output::kJson:
      return config::ReportFormat::kJson;
    case Output::kSarif:
      return config::ReportFormat::kSarif;
    case Output::kJunit:
      return config::ReportFormat::kJunit;
    default:
      return config::ReportFormat::kText;
  }
}

Result<Diagnostics> Check(const SourceTree& tree, Declared& declared) {
  yaml::Cache cache;
  SLUICE_TRY(declared, config::Load(tree, Kinds(), cache));
  return render::ValidateAll(declared, tree, cache);
}

}  // namespace

int ValidateCommand(const Global& global, const ValidateOptions& options) {
  auto source = OpenSource(global, options.directory, "validate");
  if (!source) return Report(source.error());
  Declared declared;
  auto problems = Check(*source->tree, declared);
  if (!problems) return Report(problems.error());
  // sluice.yaml and each environment.yaml, too.
  size_t files = 1 + declared.environments.size();
  for (const auto& [id, unit] : declared.units) files += unit.inputs.size();
  std::fputs(config::FormatReport(*problems, FormatOf(global), static_cast<int>(files)).c_str(),
             stdout);
  return problems->empty() ? kExitDone : kExitUsage;
}

int RenderCommand(const Global& global, const RenderOptions& options) {
  auto id = ParseUnit(options.unit);
  if (!id) return Report(id.error());
  auto source = OpenSource(global, options.directory, "render");
  if (!source) return Report(source.error());
  yaml::Cache cache;
  auto unit = config::LoadUnit(*source->tree, *id, Kinds(), cache);
  if (!unit) {
    const bool is_unknown = unit.error().code() == ErrorCode::kNotFound;
    const int code = Report(unit.error());
    return is_unknown ? kExitUsage : code;
  }
  auto rendered = render::Render(*unit, *source->tree, cache);
  if (!rendered) return Report(rendered.error());
  Diagnostics problems = unit->problems;
  problems.insert(problems.end(), rendered->problems.begin(), rendered->problems.end());
  for (const Diagnostic& problem : problems)
    std::fprintf(stderr, "sluice: %s\n", ToString(problem).c_str());
  if (!problems.empty()) return kExitUsage;
  nlohmann::json all = nlohmann::json::array();
  for (const Resource& resource : rendered->resources) all.push_back(resource.body);
  if (global.output == Output::kJson) {
    std::printf("%s\n", all.dump(2).c_str());
    return kExitDone;
  }
  for (const auto& object : all)
    std::printf("---\n%s", yaml::Write(object, {"apiVersion", "kind", "metadata", "spec"}).c_str());
  return kExitDone;
}

int VersionCommand(const Global& global) {
  if (!PrintValue(global, {{"version", SLUICE_VERSION}}))
    std::printf("sluice %s\n", SLUICE_VERSION);
  return kExitDone;
}

int InitCommand(const Global& global, const InitOptions& options) {
  auto config = ReadConfig(global.config);
  if (!config) return Report(config.error());
  ConfigureLog(global, *config);
  auto made = Composition::Make(std::move(*config), Role::kEngine, "init");
  if (!made) return Report(made.error());
  Composition& composition = **made;
  std::stop_source stop;
  rollout::Services services = composition.MakeServices();
  services.options.accept_empty_log = options.new_log;
  deploylog::Lease& lease = *services.lease;
  if (auto acquired = lease.Acquire(
          {composition.clock().SteadyNow() + std::chrono::minutes(2), stop.get_token()});
      !acquired) {
    return Report(acquired.error());
  }
  const auto work = [&]() -> Status {
    if (options.new_log) SLUICE_CHECK(composition.log().StartNewLog(services.GitCall()));
    daemon::Poller poller(services);
    if (options.accept_history) poller.AcceptRewrittenHistory();
    SLUICE_TRY(const bool moved, poller.Poll());
    (void)moved;
    return {};
  };
  const Status done = work();
  const Status released = lease.Release(services.GitCall());
  if (!done) return Report(composition.Located(done.error()));
  if (!released) return Report(released.error());
  const auto state = composition.log().Get();
  std::printf("pipeline %s: deploy log %s at %s\n",
              state->initialised ? state->initialised->pipeline.c_str() : "?",
              services.options.log_branch.c_str(), state->tip.substr(0, 10).c_str());
  return kExitDone;
}

}  // namespace sluice::cli
