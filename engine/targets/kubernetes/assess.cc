// Reads what health.h asks for and lets it judge.
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {

Result<nlohmann::json> KubernetesDriver::ReadRelated(const std::string& group,
                                                     const std::string& kind, const std::string& ns,
                                                     const std::string& selector,
                                                     const Call& call) {
  SLUICE_TRY(const ResourceType type, TypeOf(group, "", kind, call));
  std::vector<std::pair<std::string, std::string>> query;
  if (!selector.empty()) query.emplace_back("labelSelector", selector);
  SLUICE_TRY(std::vector<nlohmann::json> items,
             ReadList(type, ns, std::move(query), "application/json", call));
  return nlohmann::json(std::move(items));
}

Result<ObjectHealth> KubernetesDriver::AssessOne(const ObjectRef& ref, const LiveState& now,
                                                 const LiveState& before, Diagnose diagnose,
                                                 const Call& call) {
  HealthContext context;
  context.now = client_.clock().SystemNow();
  const auto found = now.objects.find(ref);
  const nlohmann::json& live = found == now.objects.end() ? NullJson() : found->second.body;
  if (const auto it = before.objects.find(ref); it != before.objects.end())
    context.before = it->second.body;
  if (!live.is_null()) {
    if (!IsBuiltInGroup(ref.group)) {
      SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
      context.has_status_subresource = type.has_status;
    }
    const RelatedNeeds needs =
        NeedsFor(live, diagnose == Diagnose::kYes ? Depth::kDiagnose : Depth::kJudge);
    if (needs.replica_sets) {
      SLUICE_TRY(context.replica_sets,
                 ReadRelated("apps", "ReplicaSet", ref.ns, needs.selector, call));
    }
    if (needs.controller_revisions) {
      SLUICE_TRY(context.controller_revisions,
                 ReadRelated("apps", "ControllerRevision", ref.ns, needs.selector, call));
    }
    if (needs.pods) {
      SLUICE_TRY(context.pods, ReadRelated("", "Pod", ref.ns, needs.selector, call));
    }
    if (needs.events) {
      context.events = nlohmann::json::array();
      const ResourceType type{
          .version = "v1", .kind = "Event", .plural = "events", .is_namespaced = true};
      for (const std::string& uid : EventSubjects(live, context)) {
        // Best effort: events are never the only evidence, and not everybody may read them.
        auto events =
            ReadList(type, ref.ns.empty() ? "default" : ref.ns,
                     {{"fieldSelector", "involvedObject.uid=" + uid}}, "application/json", call);
        if (!events) break;
        for (nlohmann::json& event : *events) context.events.push_back(std::move(event));
      }
    }
  }
  ObjectHealth health = AssessObject(live, context);
  health.ref = ref;
  return health;
}

Result<std::vector<ObjectHealth>> KubernetesDriver::Assess(const std::vector<ObjectRef>& refs,
                                                           const LiveState& before,
                                                           Diagnose diagnose, const Call& call) {
  // Not waiting for a server that is behind: the caller asks again, and knows his deadline.
  SLUICE_TRY(const LiveState now, ReadLive(refs, Stale::kFail, call));
  std::vector<Result<ObjectHealth>> results(refs.size(), ObjectHealth{});
  ForEachInParallel(
      refs.size(), [&](size_t i) { results[i] = AssessOne(refs[i], now, before, diagnose, call); });
  std::vector<ObjectHealth> healths;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) return Fail(results[i].error().With("health of " + ToString(refs[i])));
    healths.push_back(std::move(*results[i]));
  }
  return healths;
}

}  // namespace sluice::targets::kubernetes
