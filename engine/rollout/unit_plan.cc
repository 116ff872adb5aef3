#include "engine/rollout/unit_plan.h"

#include "engine/config/config.h"
#include "engine/render/render.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/surroundings.h"

namespace sluice::rollout {
namespace {

std::string Lines(const std::vector<Diagnostic>& problems) {
  std::string out;
  for (const Diagnostic& problem : problems) out += (out.empty() ? "" : "\n") + ToString(problem);
  return out;
}

Result<RenderedUnit> Render(const Services& services, RenderedUnit content) {
  const StepTimer timer(services, "render");
  if (!content.unit.problems.empty())
    return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid", Lines(content.unit.problems));
  SLUICE_TRY(auto rendered, render::Render(content.unit, *content.tree, services.yaml));
  if (!rendered.problems.empty())
    return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid", Lines(rendered.problems));
  content.resources = std::move(rendered.resources);
  return content;
}

}  // namespace

Result<RenderedUnit> RenderAtTip(const Services& services, const Snapshot& snapshot,
                                 const UnitId& id) {
  const DeclaredUnit* declared = snapshot.Find(id);
  if (!declared)
    return Fail(ErrorCode::kNotFound, ToString(id) + " is not declared at " + snapshot.revision);
  RenderedUnit content{*declared, nullptr, {}};
  SLUICE_TRY(content.tree,
             services.mirror.Tree(snapshot.revision, RepositoryPath(services.options, "")));
  return Render(services, std::move(content));
}

Result<RenderedUnit> RenderFrom(const Services& services, std::unique_ptr<SourceTree> tree,
                                const UnitId& id) {
  RenderedUnit content;
  content.tree = std::move(tree);
  SLUICE_TRY(content.unit, config::LoadUnit(*content.tree, id, services.kinds, services.yaml));
  return Render(services, std::move(content));
}

namespace {

// Of the unit's record: what has run to its end here.
std::vector<DoneWork> DoneIn(const Services& services, const UnitId& unit) {
  const auto state = services.log.Get();
  const Record* record = FindRecord(*state, unit);
  return record ? record->done : std::vector<DoneWork>();
}

}  // namespace

std::set<UnitId> PipelineUnits(const Services& services, const Snapshot& snapshot) {
  std::set<UnitId> units;
  for (const auto& [unit, declared] : snapshot.declared.units) units.insert(unit);
  const auto state = services.log.Get();
  for (const auto& [unit, record] : state->records) units.insert(unit);
  return units;
}

PlanRequest RolloutRequest(const Services& services, const Snapshot& snapshot,
                           const RenderedUnit& rendered) {
  PlanRequest request;
  request.unit = rendered.unit.id;
  request.pipeline = snapshot.declared.pipeline.name;
  request.resources = &rendered.resources;
  request.environment = &rendered.unit.environment;
  request.health_rules = rendered.unit.application.health_rules;
  request.done = DoneIn(services, rendered.unit.id);
  request.snapshot = &snapshot;
  request.pipeline_units = [&services, &snapshot] { return PipelineUnits(services, snapshot); };
  request.around = SurroundingsOf(services, rendered.unit, nullptr);
  return request;
}

PlanRequest RestoreRequest(const Services& services, const std::string& pipeline,
                           const RenderedUnit& rendered, const DeclaredUnit* tip) {
  PlanRequest request;
  request.unit = rendered.unit.id;
  request.pipeline = pipeline;
  request.resources = &rendered.resources;
  request.health_rules = rendered.unit.application.health_rules;
  request.done = DoneIn(services, rendered.unit.id);
  request.keep_leftovers = true;
  request.force = targets::Force::kYes;
  request.around = SurroundingsOf(services, rendered.unit, tip);
  return request;
}

Result<std::vector<TargetSession>> PlanUnit(const Services& services, PlanRequest request,
                                            const std::vector<Target>& targets,
                                            deploylog::Inventory inventory) {
  std::vector<TargetSession> sessions;
  for (const Target& target : targets) {
    request.inventory = std::move(inventory[target.name]);
    SLUICE_TRY(auto session, OpenTarget(services, target, request));
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace sluice::rollout
