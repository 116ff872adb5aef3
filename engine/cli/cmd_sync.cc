#include "engine/cli/cmd_sync.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/cli/compose.h"
#include "engine/cli/signals.h"
#include "engine/daemon/engine.h"

namespace sluice::cli {
namespace {

using rollout::Standing;

daemon::EngineOptions EngineOptionsOf(const DaemonConfig& config) {
  daemon::EngineOptions options;
  options.poll = config.repository.poll;
  options.workers = config.workers;
  return options;
}

std::string_view Word(const daemon::UnitStanding& unit) {
  if (unit.has_failed) return "Failed";
  switch (unit.standing) {
    case Standing::kDone:
      return "Synced";
    case Standing::kWaiting:
      return "Rolling out";
    case Standing::kHeld:
      return "Held";
    case Standing::kErrored:
      return "Errored";
    case Standing::kFailed:
      return "Failed";
    case Standing::kInvalid:
      return "Invalid";
  }
  return "";
}

int CodeOf(const daemon::UnitStanding& unit) {
  int code = unit.has_failed ? kExitFailed : kExitDone;
  switch (unit.standing) {
    case Standing::kDone:
    case Standing::kWaiting:
      break;
    case Standing::kHeld:
      code = Combine(code, kExitHeld);
      break;
    case Standing::kErrored:
      code = Combine(code, kExitErrored);
      break;
    case Standing::kFailed:
      code = Combine(code, kExitFailed);
      break;
    case Standing::kInvalid:
      code = Combine(code, kExitUsage);
      break;
  }
  return code;
}

// Further lines of a message are indented under the first.
std::string Indented(const std::string& message) {
  std::string out;
  for (const std::string& line : Split(message, '\n'))
    out += (out.empty() ? "" : "\n    ") + EscapeControl(line);
  return out;
}

void PrintTable(const daemon::SyncEnd& end) {
  for (const auto& [id, unit] : end.units) {
    std::string line = ToString(id);
    line.resize(std::max<size_t>(line.size(), 32), ' ');
    line += " " + std::string(Word(unit));
    if (!unit.reason.empty()) line += "  " + unit.reason + ": " + Indented(unit.message);
    std::printf("%s\n", line.c_str());
  }
}

void PrintJson(const daemon::SyncEnd& end) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [id, unit] : end.units) {
    out.push_back({{"unit", ToString(id)},
                   {"standing", Word(unit)},
                   {"reason", unit.reason},
                   {"message", unit.message}});
  }
  std::printf("%s\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Status WriteMetrics(const std::string& file, const Metrics& metrics) {
  const Metrics::Values values = metrics.Snapshot();
  const nlohmann::json out = {
      {"requests", values.requests}, {"gitCalls", values.git_calls}, {"steps", values.steps}};
  return WriteFileDurably(file, out.dump(2) + "\n", 0644);
}

int Conclude(const daemon::SyncEnd& end, const Global& global, const SyncOptions& options) {
  const bool is_nothing_known = end.error && end.units.empty();
  if (global.output != Output::kJson)
    PrintTable(end);
  else if (!is_nothing_known)
    PrintJson(end);
  std::fflush(stdout);
  int code = kExitDone;
  for (const std::string& problem : end.problems) {
    std::fprintf(stderr, "sluice: %s\n", problem.c_str());
    code = Combine(code, kExitUsage);
  }
  for (const auto& [id, unit] : end.units) {
    // The error that ended the sync has a code of its own; a unit may only echo it.
    const bool is_echo = end.error && unit.standing == Standing::kErrored && !unit.has_failed;
    if (!is_echo) code = Combine(code, CodeOf(unit));
  }
  if (end.timed_out) {
    std::fprintf(
        stderr,
        "sluice: not settled within %s; what runs goes on at the next sync (raise --timeout)\n",
        FormatDuration(options.timeout).c_str());
    code = Combine(code, kExitErrored);
  }
  return code;
}

}  // namespace

int SyncCommand(const Global& global, const SyncOptions& options) {
  auto config = ReadConfig(global.config);
  if (!config) return Report(config.error());
  ConfigureLog(global, *config);
  const Signals signals;
  auto made = Composition::Make(std::move(*config), Role::kEngine, "sync");
  if (!made) return Report(made.error());
  Composition& composition = **made;
  daemon::Engine engine(composition.MakeServices(), EngineOptionsOf(composition.config()),
                        signals.stop());
  auto end = engine.Sync(options.timeout);
  int code = kExitDone;
  if (!options.metrics_file.empty()) {
    if (auto written = WriteMetrics(options.metrics_file, composition.metrics()); !written)
      code = Report(written.error());
  }
  if (!end) return Combine(code, Report(composition.Located(end.error())));
  code = Combine(code, Conclude(*end, global, options));
  if (end->error) code = Combine(code, Report(composition.Located(*end->error)));
  return code;
}

int RunCommand(const Global& global) {
  auto config = ReadConfig(global.config);
  if (!config) return Report(config.error());
  ConfigureLog(global, *config);
  Signals signals;
  auto made = Composition::Make(std::move(*config), Role::kEngine, "run");
  if (!made) return Report(made.error());
  Composition& composition = **made;
  daemon::Engine engine(composition.MakeServices(), EngineOptionsOf(composition.config()),
                        signals.stop());
  signals.OnPoll([&engine] { engine.Wake(); });
  log::Info("started", {{"pipeline", composition.config().name},
                        {"engine", composition.engine_id()},
                        {"repository", composition.config().repository.url}});
  const Status ended = engine.Run();
  signals.OnPoll({});
  if (!ended) return Report(ended.error());
  log::Info("stopped");
  return kExitDone;
}

}  // namespace sluice::cli
