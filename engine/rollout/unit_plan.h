// The one place where a unit's plan is made: for a rollout, a rollback, a drift check, a preview
// and `sluice plan` alike.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/source_tree.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {

// What a unit declares at some revision, with the objects that come of it.
struct RenderedUnit {
  DeclaredUnit unit;
  std::unique_ptr<SourceTree> tree;
  std::vector<Resource> resources;
};

// kInvalidConfig with every problem for a unit that cannot be used.
Result<RenderedUnit> RenderAtTip(const Services& services, const Snapshot& snapshot,
                                 const UnitId& id);
// The same of a tree that holds the unit, such as the log's copy of last known good.
Result<RenderedUnit> RenderFrom(const Services& services, std::unique_ptr<SourceTree> tree,
                                const UnitId& id);

// Declared at the snapshot or recorded in the log.
std::set<UnitId> PipelineUnits(const Services& services, const Snapshot& snapshot);

// What a plan to bring live to this content is asked with; who asks adds what is special (adopted).
// `rendered` and `snapshot` must outlive it.
PlanRequest RolloutRequest(const Services& services, const Snapshot& snapshot,
                           const RenderedUnit& rendered);
// What a plan to bring live back to content that ran here is asked with: nothing is pruned, and
// fields of its own are taken back (docs/decisions/0010-a-rollback-takes-its-fields-back.md).
// `tip` is the unit as it is declared now, whose rules count too; null when it is not.
PlanRequest RestoreRequest(const Services& services, const std::string& pipeline,
                           const RenderedUnit& rendered, const DeclaredUnit* tip);

// Target by target in the order of the file; `inventory` of each. Reads only.
Result<std::vector<TargetSession>> PlanUnit(const Services& services, PlanRequest request,
                                            const std::vector<Target>& targets,
                                            deploylog::Inventory inventory);

}  // namespace sluice::rollout
