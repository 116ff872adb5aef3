#include "engine/cli/cmd_plan.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/cli/compose.h"
#include "engine/cli/output.h"
#include "engine/cli/units.h"
#include "engine/plan/plan_builder.h"
#include "engine/rollout/drift.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/removal_plan.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::cli {
namespace {

struct Context {
  std::unique_ptr<Composition> composition;
  std::shared_ptr<const rollout::Snapshot> snapshot;
  std::set<UnitId> units;
};

Result<Context> Open(const Global& global, const std::vector<std::string>& units,
                     const std::string& command) {
  Context context;
  SLUICE_TRY(auto config, ReadConfig(global.config));
  SLUICE_TRY(context.composition, Composition::Make(std::move(config), Role::kOperator, command));
  SLUICE_TRY(context.snapshot, context.composition->Fetch());
  SLUICE_TRY(context.units,
             SelectUnits(units, *context.snapshot, *context.composition->log().Get()));
  return context;
}

Result<Plan> PlanOf(const rollout::Services& services, const rollout::Snapshot& snapshot,
                    const UnitId& id) {
  const DeclaredUnit* unit = snapshot.Find(id);
  if (!unit) return rollout::PlanRemoval(services, snapshot, id);
  SLUICE_TRY(const auto content, rollout::RenderAtTip(services, snapshot, id));
  SLUICE_TRY(auto inventory, services.log.ReadInventory(id));
  SLUICE_TRY(const auto sessions,
             rollout::PlanUnit(services, rollout::RolloutRequest(services, snapshot, content),
                               unit->targets, std::move(inventory)));
  return rollout::MergePlans(sessions, services.options.hmac_key);
}

std::string Described(const Error& error) {
  return (error.reason().empty() ? "" : error.reason() + ": ") + error.message();
}

struct PlannedUnit {
  UnitId unit;
  Plan plan;
  std::string error;
  int code = kExitDone;
};

PlannedUnit Describe(const rollout::Services& services, const rollout::Snapshot& snapshot,
                     const UnitId& id) {
  PlannedUnit out{id, {}, "", kExitDone};
  auto plan = PlanOf(services, snapshot, id);
  if (!plan) {
    out.error = (plan.error().reason().empty() ? "" : plan.error().reason() + ": ") +
                plan.error().message();
    out.code = plan.error().code() == ErrorCode::kInvalidConfig ? kExitUsage : kExitErrored;
    return out;
  }
  out.plan = std::move(*plan);
  for (const PlanBlocker& blocker : out.plan.blockers) {
    out.error += (out.error.empty() ? "" : "; ") + blocker.reason + ": " + blocker.message;
    out.code = Combine(out.code, kExitHeld);
  }
  return out;
}

void PrintPlan(const Global& global, const PlannedUnit& planned, plan::Shown shown) {
  const auto style = global.output == Output::kMarkdown ? plan::Style::kMarkdown
                     : IsTerminal()                     ? plan::Style::kColour
                                                        : plan::Style::kPlain;
  std::printf(global.output == Output::kMarkdown ? "## %s\n\n" : "%s\n",
              ToString(planned.unit).c_str());
  // What blocks a plan is said by the plan itself.
  if (!planned.error.empty() && planned.plan.blockers.empty()) {
    for (const std::string& line : Split(planned.error, '\n'))
      std::printf("  error: %s\n", EscapeControl(line).c_str());
    return;
  }
  std::fputs(plan::Format(planned.plan, style, shown).c_str(), stdout);
}

}  // namespace

int PlanCommand(const Global& global, const PlanOptions& options) {
  auto context = Open(global, options.units, "plan");
  if (!context) return Report(context.error());
  const rollout::Services services = context->composition->MakeServices();
  nlohmann::json out = nlohmann::json::array();
  int code = kExitDone;
  const bool is_value = global.output == Output::kJson || global.output == Output::kYaml;
  for (const UnitId& id : context->units) {
    const PlannedUnit planned = Describe(services, *context->snapshot, id);
    code = Combine(code, planned.code);
    if (options.exit_code && !planned.plan.IsEmpty()) code = Combine(code, kExitDifferences);
    if (is_value) {
      out.push_back(
          {{"unit", ToString(id)},
           {"changes", plan::ToJson(planned.plan, options.all)},
           {"error", planned.error.empty() ? nlohmann::json() : nlohmann::json(planned.error)}});
    } else {
      PrintPlan(global, planned, {options.all, options.verbose});
    }
  }
  for (const Diagnostic& problem : context->snapshot->declared.problems) {
    std::fprintf(stderr, "sluice: %s\n", ToString(problem).c_str());
    code = Combine(code, kExitUsage);
  }
  if (is_value) PrintValue(global, out);
  return code;
}

int DriftCommand(const Global& global, const DriftOptions& options) {
  auto context = Open(global, options.units, "drift");
  if (!context) return Report(context.error());
  const rollout::Services services = context->composition->MakeServices();
  nlohmann::json out = nlohmann::json::array();
  int code = kExitDone;
  for (const UnitId& id : context->units) {
    nlohmann::json unit = {{"unit", ToString(id)},
                           {"changes", nlohmann::json::array()},
                           {"health", nullptr},
                           {"error", nullptr}};
    auto report = rollout::CheckDrift(services, *context->snapshot, id);
    Plan plan;
    if (!report) {
      unit["error"] = Described(report.error());
      code = Combine(code, kExitErrored);
    } else if (report->is_known) {
      plan.changes = report->changes;
      unit["changes"] = plan::ToJson(plan, false);
      unit["health"] = ToString(Worst(report->health));
      if (options.exit_code && !plan.changes.empty()) code = Combine(code, kExitDifferences);
    }
    out.push_back(unit);
    if (global.output != Output::kTable) continue;
    std::string state = !report                ? "error: " + Described(report.error())
                        : !report->is_known    ? "nothing runs yet"
                        : plan.changes.empty() ? "no drift"
                                               : "drifted";
    const auto log = context->composition->log().Get();
    const Record* record = rollout::FindRecord(*log, id);
    if (record && record->reason == rollout::kHealFought)
      state += "; " + record->reason + ": " + record->message;
    std::printf("%s: %s\n", ToString(id).c_str(), state.c_str());
    if (!plan.changes.empty())
      std::fputs(plan::Format(plan, IsTerminal() ? plan::Style::kColour : plan::Style::kPlain,
                              {.verbose = options.verbose})
                     .c_str(),
                 stdout);
  }
  PrintValue(global, out);
  return code;
}

}  // namespace sluice::cli
