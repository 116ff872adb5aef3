// What a live Kubernetes object says about itself: Healthy, Progressing, Degraded, and why. Pure:
// the driver reads, this judges. One file per kind (health_<kind>.cc); kinds without a rule fall to
// health_generic.cc. Sources: kstatus, kubectl rollout status, gitops-engine; stricter than
// kstatus: a Job is Healthy only when Complete, a Failed Pod is Degraded, a custom resource's phase
// and conditions count, and a custom resource with a status subresource, a LoadBalancer Service and
// an Ingress wait for what their controllers report - where somebody reports (health_report.h).
//
// Start reading at AssessObject. How the driver uses it:
//   needs = NeedsFor(live, Depth::kJudge or kDiagnose); read replica sets, revisions and pods;
//   uids = EventSubjects(live, context); read their events; AssessObject(live, context).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/health.h"

namespace sluice::targets {

// Facts beside the object itself. Arrays hold whole objects; null and empty mean "not read or
// none".
struct HealthContext {
  // The object as it was before the apply; null when it was absent or is not known. A condition
  // ProgressDeadlineExceeded that has not moved since then is stale and says nothing
  // (kubernetes.md 5.3).
  nlohmann::json before;
  nlohmann::json replica_sets;          // of the namespace; others' are skipped by owner uid
  nlohmann::json controller_revisions;  // likewise
  nlohmann::json pods;                  // those that match the selector; others' are skipped
  nlohmann::json events;  // core/v1 Events of the object, its ReplicaSets, Jobs and pods
  // The type is served from a CRD that has a status subresource.
  bool has_status_subresource = false;
  // Somebody in this cluster reports on objects like it, so it is waited for.
  bool is_reported_on = false;
  // Since the object, or what may report on it, changed last.
  Duration quiet_for{0};
  // volumeBindingMode of a claim's storage class; "" when it is not known.
  std::string binding_mode;
  SystemTime now{};
  // ImagePullBackOff, CrashLoopBackOff and Unschedulable become terminal only when the pod has been
  // unready for this long: registries and autoscalers recover.
  Duration grace{60000};
  // A crash loop needs this many restarts besides.
  int crash_restarts = 3;
};

// How much is wanted: a verdict, or a verdict with its cause from pods and events.
enum class Depth { kJudge, kDiagnose };

// What to read for an object besides the object itself.
struct RelatedNeeds {
  bool replica_sets = false;          // GET replicasets?labelSelector=`selector`
  bool controller_revisions = false;  // GET controllerrevisions?labelSelector=`selector`
  bool pods = false;                  // GET pods?labelSelector=`selector`
  std::string selector;               // not URL-encoded; "" when nothing of the above is needed
  bool events = false;        // GET events?fieldSelector=involvedObject.uid=UID for EventSubjects()
  std::string storage_class;  // GET storageclasses/NAME
  bool IsNothing() const {
    return !replica_sets && !controller_revisions && !pods && !events && storage_class.empty();
  }
};

// Nothing for objects that are healthy by their own status, so that a quiet pass costs no request.
RelatedNeeds NeedsFor(const nlohmann::json& live, Depth depth);

// The uids whose events may explain the object: the object, its new ReplicaSet, its unready new
// pods. At most 6.
std::vector<std::string> EventSubjects(const nlohmann::json& live, const HealthContext& context);

// Judges one live object. Null means absent: Missing, with an empty ref. Never throws; a malformed
// object is Unknown.
ObjectHealth AssessObject(const nlohmann::json& live, const HealthContext& context);

// A Job that was there under this uid and is not any more, by its events; null: they may not be
// read. Its own TTL removes it some time after its end, whichever that was.
ObjectHealth JudgeGoneJob(const ObjectRef& ref, const std::string& uid,
                          const nlohmann::json& events);

// Pods of the revision the object now declares (kubernetes.md 5.4); for a Job all its pods; for
// others none.
nlohmann::json PodsOfNewRevision(const nlohmann::json& live, const HealthContext& context);

// "app=web,tier in (a,b)" from a LabelSelector; "" when it selects nothing.
std::string SelectorText(const nlohmann::json& label_selector);

// API groups served by Kubernetes itself (not from CRDs).
bool IsBuiltInGroup(std::string_view group);

}  // namespace sluice::targets
