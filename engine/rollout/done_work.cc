#include "engine/rollout/done_work.h"

#include <algorithm>

namespace sluice::rollout {
namespace {

bool WasDone(const PlanRequest& request, const std::string& target,
             const targets::PreparedObject& object) {
  const DoneWork work{target, ToInventoryLine(object.resource.ref), object.work};
  return !object.work.empty() && std::ranges::find(request.done, work) != request.done.end();
}

}  // namespace

std::vector<Change> SetDoneAside(TargetSession& session, const PlanRequest& request) {
  std::vector<Change> told;
  std::vector<targets::PreparedObject> objects;
  std::vector<targets::Prediction> predictions;
  for (size_t i = 0; i < session.prepared.objects.size(); ++i) {
    targets::PreparedObject& object = session.prepared.objects[i];
    const ObjectRef ref = object.resource.ref;
    const bool is_live = session.live.objects.contains(ref);
    const bool is_other = session.predictions[i].kind == targets::Prediction::Kind::kImmutable;
    if (WasDone(request, session.target.name, object) && (!is_live || is_other)) {
      (is_live ? session.overtaken : session.done).insert(ref);
      if (is_live) continue;
      told.push_back({.target = session.target.name,
                      .action = Action::kSkip,
                      .api_version = object.resource.api_version,
                      .ref = ref,
                      .reason = "done before with this content, and removed since"});
      continue;
    }
    objects.push_back(std::move(object));
    predictions.push_back(std::move(session.predictions[i]));
  }
  session.prepared.objects = std::move(objects);
  session.predictions = std::move(predictions);
  return told;
}

}  // namespace sluice::rollout
