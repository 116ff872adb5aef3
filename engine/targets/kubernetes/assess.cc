// Reads what health.h asks for and lets it judge.
#include <algorithm>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"
#include "engine/targets/kubernetes/health_report.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

// When the newest of these Deployments became available. What comes with a unit's custom resources
// may be their controller, which speaks once it runs.
SystemTime CameUp(const LiveState& live) {
  SystemTime newest{};
  for (const auto& [ref, object] : live.objects) {
    if (ref.kind != "Deployment") continue;
    const nlohmann::json& available = Condition(object.body, "Available");
    newest = std::max(newest, TimeAt(At(available, "lastTransitionTime")).value_or(newest));
  }
  return newest;
}

// Times of the server on our clock. Where the clocks disagree nothing is waited for.
Duration QuietFor(SystemTime changed, SystemTime now) {
  const auto quiet = std::chrono::duration_cast<Duration>(now - changed);
  return quiet < -kReportGrace ? kReportGrace : std::max(quiet, Duration{0});
}

using Labels = std::vector<std::pair<std::string, std::string>>;

// Of a selector "a=1,b=2"; nullopt for any other.
std::optional<Labels> EqualityLabels(const std::string& selector) {
  Labels labels;
  for (const std::string& term : Split(selector, ',')) {
    const size_t equals = term.find('=');
    const bool is_equality =
        equals != std::string::npos && term.find_first_of(" !()") == std::string::npos;
    if (!is_equality) return std::nullopt;
    labels.emplace_back(term.substr(0, equals), term.substr(equals + 1));
  }
  return labels.empty() ? std::nullopt : std::optional(std::move(labels));
}

nlohmann::json Labelled(const SharedReads::Items& items, const Labels& labels) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& entry : items) {
    const SharedItem& item = entry.second;
    const bool fits = std::ranges::all_of(
        labels, [&](const auto& label) { return item.HasLabel(label.first, label.second); });
    if (fits) out.push_back(item.Unpack());
  }
  return out;
}

}  // namespace

Result<nlohmann::json> KubernetesDriver::ReadRelated(const std::string& group,
                                                     const std::string& kind, const std::string& ns,
                                                     const std::string& selector,
                                                     const Call& call) {
  SLUICE_TRY(const ResourceType type, TypeOf(group, "", kind, call));
  if (const auto labels = EqualityLabels(selector)) {
    if (const auto items = AskShared(type, ns, Owners::kDrop, call))
      return Labelled(*items, *labels);
  }
  std::vector<std::pair<std::string, std::string>> query;
  if (!selector.empty()) query.emplace_back("labelSelector", selector);
  SLUICE_TRY(std::vector<nlohmann::json> items,
             ReadList(type, ns, std::move(query), "application/json", call));
  return nlohmann::json(std::move(items));
}

nlohmann::json KubernetesDriver::ReadEvents(const std::vector<std::string>& uids,
                                            const std::string& ns, const Call& call) {
  nlohmann::json all = nlohmann::json::array();
  const ResourceType type{
      .version = "v1", .kind = "Event", .plural = "events", .is_namespaced = true};
  for (const std::string& uid : uids) {
    auto events =
        ReadList(type, ns.empty() ? "default" : ns,
                 {{"fieldSelector", "involvedObject.uid=" + uid}}, "application/json", call);
    if (!events) break;
    for (nlohmann::json& event : *events) all.push_back(std::move(event));
  }
  return all;
}

Status KubernetesDriver::ReadRelatedOf(const nlohmann::json& live, const ObjectRef& ref,
                                       Diagnose diagnose, HealthContext& context,
                                       const Call& call) {
  if (!IsBuiltInGroup(ref.group)) {
    SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
    context.has_status_subresource = type.has_status;
  }
  const RelatedNeeds needs =
      NeedsFor(live, diagnose == Diagnose::kNo ? Depth::kJudge : Depth::kDiagnose);
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
  if (!needs.storage_class.empty()) {
    SLUICE_TRY(context.binding_mode, BindingModeOf(needs.storage_class, call));
  }
  const bool is_asked = diagnose == Diagnose::kFully || !needs.storage_class.empty();
  if (needs.events && is_asked)
    context.events = ReadEvents(EventSubjects(live, context), ref.ns, call);
  return {};
}

Result<KubernetesDriver::Look> KubernetesDriver::AssessOne(const ObjectRef& ref,
                                                           const Moment& moment, Diagnose diagnose,
                                                           const Call& call) {
  Look look;
  look.context.now = client_.clock().SystemNow();
  const auto found = moment.now.objects.find(ref);
  const nlohmann::json& live = found == moment.now.objects.end() ? NullJson() : found->second.body;
  if (const auto it = moment.before.objects.find(ref); it != moment.before.objects.end())
    look.context.before = it->second.body;
  if (live.is_null() && declared_.vanishing.contains(ref)) {
    look.health = AssessGone(ref, call);
    return look;
  }
  if (!live.is_null()) {
    SystemTime changed = LastChange(live);
    if (!IsBuiltInGroup(ref.group)) changed = std::max(changed, moment.came_up);
    look.context.quiet_for = QuietFor(changed, look.context.now);
    SLUICE_CHECK(ReadRelatedOf(live, ref, diagnose, look.context, call));
  }
  look.health = AssessObject(live, look.context);
  look.health.ref = ref;
  return look;
}

ObjectHealth KubernetesDriver::AssessGone(const ObjectRef& ref, const Call& call) {
  const std::string uid = connection_->own_writes.Uid(ref, client_.clock().SteadyNow());
  ObjectHealth health = AssessObject(NullJson(), {});
  health.ref = ref;
  if (uid.empty()) return health;  // it was not there in our time
  const ResourceType type{
      .version = "v1", .kind = "Event", .plural = "events", .is_namespaced = true};
  auto events = ReadList(type, ref.ns, {{"fieldSelector", "involvedObject.uid=" + uid}},
                         "application/json", call);
  const bool may_not = !events && events.error().code() == ErrorCode::kPermissionDenied;
  if (!events && !may_not) return health;  // asked again at the next look
  return JudgeGoneJob(ref, uid, may_not ? NullJson() : nlohmann::json(std::move(*events)));
}

Status KubernetesDriver::JudgeSilence(const Moment& moment, Look& look, const Call& call) {
  const ObjectRef ref = look.health.ref;
  const nlohmann::json& live = moment.now.objects.at(ref).body;
  const nlohmann::json& then = look.context.before;
  look.context.is_reported_on = UidOf(then) == UidOf(live) && HasReport(then);
  if (!look.context.is_reported_on) {
    SLUICE_TRY(look.context.is_reported_on, IsReportedOn(live, ref, call));
  }
  look.health = AssessObject(live, look.context);
  look.health.ref = ref;
  return {};
}

// Fields that others took since are theirs to keep until the next plan; what was written in our
// name was not written by this rollout.
bool KubernetesDriver::IsChangedMeanwhile(const ObjectRef& ref, const nlohmann::json& live,
                                          const nlohmann::json& before) const {
  auto expected = written_.With([&](const auto& all) {
    const auto it = all.find(ref);
    return it == all.end() ? std::optional<Written>() : std::optional(it->second);
  });
  if (!expected) expected = WrittenIn(before);
  if (!expected) return false;
  const auto now = WrittenIn(live);
  return now ? *now != *expected : UidOf(live) != expected->uid;
}

Result<std::vector<ObjectHealth>> KubernetesDriver::Assess(const std::vector<ObjectRef>& refs,
                                                           const Since& since, Diagnose diagnose,
                                                           const Call& call) {
  const LiveState nothing;
  const LiveState& before = since.before ? *since.before : nothing;
  // Not waiting for a server that is behind: the caller asks again, and knows his deadline.
  SLUICE_TRY(const LiveState now, ReadLive(refs, Stale::kFail, Sharing::kYes, call));
  const Moment moment{now, before, CameUp(now)};
  std::vector<Result<Look>> looks(refs.size(), Look{});
  Progress progress(client_.clock(), call);
  ForEachInParallel(refs.size(), [&](size_t i) {
    looks[i] = AssessOne(refs[i], moment, diagnose, progress.Bound(call));
    if (looks[i]) progress.Note();
  });
  std::vector<ObjectHealth> healths;
  for (size_t i = 0; i < looks.size(); ++i) {
    // One after the other: what is learned for one object holds for its likes.
    Status status = looks[i] ? Status{} : Status(Fail(looks[i].error()));
    if (status && looks[i]->health.is_unreported) status = JudgeSilence(moment, *looks[i], call);
    if (!status) return Fail(std::move(status).error().With("health of " + ToString(refs[i])));
    const auto live = now.objects.find(refs[i]);
    looks[i]->health.is_changed_meanwhile =
        live != now.objects.end() &&
        IsChangedMeanwhile(refs[i], live->second.body, looks[i]->context.before);
    healths.push_back(std::move(looks[i]->health));
  }
  return healths;
}

}  // namespace sluice::targets::kubernetes
