#include "engine/targets/kubernetes/health.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/model/resource.h"
#include "engine/targets/kubernetes/diagnosis.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"
#include "engine/targets/kubernetes/health_report.h"

namespace sluice::targets {
namespace {

struct KindRule {
  std::string_view group, kind;
  Rule rule;
};

// Kinds that are not listed go to JudgeGeneric: ConfigMap, Secret, PodDisruptionBudget,
// Namespace, ServiceAccount, RBAC, HorizontalPodAutoscaler have nothing to wait for and carry no
// condition Ready.
constexpr std::array<KindRule, 18> kRules = {{
    {"apps", "Deployment", JudgeDeployment},
    {"apps", "ReplicaSet", JudgeReplicaSet},
    {"apps", "StatefulSet", JudgeStatefulSet},
    {"apps", "DaemonSet", JudgeDaemonSet},
    {"", "Pod", JudgePod},
    {"", "ReplicationController", JudgeReplicaSet},
    {"", "Service", JudgeService},
    {"", "PersistentVolumeClaim", JudgePvc},
    {"batch", "Job", JudgeJob},
    {"networking.k8s.io", "Ingress", JudgeIngress},
    {"extensions", "Ingress", JudgeIngress},
    {"apiextensions.k8s.io", "CustomResourceDefinition", JudgeCrd},
    {"apiregistration.k8s.io", "APIService", JudgeApiService},
    {"extensions", "Deployment", JudgeDeployment},
    {"batch", "CronJob", JudgeCronJob},
    {"argoproj.io", "Rollout", JudgeRollout},
    {"apps.kruise.io", "CloneSet", JudgeCloneSet},
    {"apps.kruise.io", "StatefulSet", JudgeCloneSet},
}};

Rule RuleFor(const ObjectRef& ref) {
  const auto* it = std::ranges::find_if(
      kRules, [&](const KindRule& r) { return r.group == ref.group && r.kind == ref.kind; });
  return it == kRules.end() ? JudgeGeneric : it->rule;
}

ObjectRef RefOf(const nlohmann::json& live) {
  return {GroupOf(ToText(At(live, "apiVersion"))), ToText(At(live, "kind")),
          ToText(At(live, "metadata", "namespace")), NameOf(live)};
}

Verdict Terminating(const nlohmann::json& live) {
  std::string message = "being deleted since " + ToText(At(live, "metadata", "deletionTimestamp"));
  std::string finalizers;
  for (const nlohmann::json& name : Items(At(live, "metadata", "finalizers"))) {
    finalizers += (finalizers.empty() ? "" : ", ") + ToText(name);
  }
  if (!finalizers.empty()) message += "; waits for finalizers " + OneLine(finalizers);
  return {Health::kProgressing, "Terminating", message};
}

// "" when its controller has seen the newest content, or does not say what it has seen.
std::string BehindText(const nlohmann::json& live) {
  const std::optional<int64_t> generation = Number(At(live, "metadata", "generation"));
  const std::optional<int64_t> observed = Number(At(live, "status", "observedGeneration"));
  if (!generation || !observed || *generation == *observed) return "";
  return "its controller has seen generation " + std::to_string(*observed) + " of " +
         std::to_string(*generation);
}

// A controller that was told to leave the object alone observes no generation either. What it said
// is bad before it was stopped stays so.
std::optional<Verdict> JudgeStopped(const nlohmann::json& live, const ObjectRef& ref) {
  if (IsBuiltInGroup(ref.group)) return std::nullopt;
  std::optional<Verdict> pause = JudgePause(live);
  const std::optional<Verdict> phase = JudgePhase(live);
  const bool is_bad = phase && phase->health == Health::kDegraded && BehindText(live).empty();
  return is_bad ? std::nullopt : pause;
}

// What holds for every kind, before its own rule. nullopt: go on.
std::optional<Verdict> JudgeCommon(const nlohmann::json& live, const ObjectRef& ref) {
  if (!At(live, "metadata", "deletionTimestamp").is_null()) return Terminating(live);
  if (auto stopped = JudgeStopped(live, ref)) return stopped;
  const std::optional<int64_t> observed = Number(At(live, "status", "observedGeneration"));
  if (const std::string behind = BehindText(live); !behind.empty())
    return Verdict{Health::kProgressing, "GenerationNotObserved", behind};
  if (IsConditionTrue(live, "Reconciling")) {
    const nlohmann::json& condition = Condition(live, "Reconciling");
    const std::string reason = ToText(At(condition, "reason"));
    return Verdict{Health::kProgressing, reason.empty() ? "Reconciling" : reason,
                   OneLine(ToText(At(condition, "message")))};
  }
  if (IsConditionTrue(live, "Stalled")) {
    const nlohmann::json& condition = Condition(live, "Stalled");
    const std::string reason = ToText(At(condition, "reason"));
    // Only a controller that says which generation it judged is believed at once.
    return Verdict{Health::kDegraded, reason.empty() ? "Stalled" : reason,
                   OneLine(ToText(At(condition, "message"))), observed.has_value()};
  }
  return std::nullopt;
}

// The cause replaces the bare count; what the object itself said is kept in front when it is a
// verdict.
void Explain(Verdict& verdict, const Diagnosis& cause) {
  std::string message = cause.message;
  if (verdict.health == Health::kDegraded && !verdict.reason.empty() &&
      verdict.reason != cause.reason) {
    message = verdict.reason + ": " + message;
  } else if (verdict.reason == kRolloutInProgress) {
    message = verdict.message + "; " + message;
  }
  verdict.reason = cause.reason;
  verdict.message = message;
  verdict.is_unreported = false;  // somebody has
  if (cause.is_terminal) {
    verdict.is_terminal = true;
    verdict.health = Health::kDegraded;
  }
}

void Diagnose(Verdict& verdict, const nlohmann::json& live, const ObjectRef& ref,
              const HealthContext& context) {
  if (ref.kind == "Pod" && ref.group.empty()) return;  // JudgePod has done it
  std::optional<Diagnosis> cause = DiagnosePods(PodsOfNewRevision(live, context), context);
  if (!cause && verdict.health == Health::kProgressing) cause = DiagnoseEvents(live, context);
  if (!cause) return;
  if (ref.kind == "Job" && ref.group == "batch") {
    // A Job counts its own failures (backoffLimit), so crashes are its to judge; what never starts
    // is not counted.
    if (cause->reason == "CrashLoopBackOff" || cause->reason == "OOMKilled")
      cause->is_terminal = false;
    if (verdict.is_terminal) {  // BackoffLimitExceeded and its like are the better names
      verdict.message += (verdict.message.empty() ? "" : "; ") + cause->message;
      return;
    }
  }
  Explain(verdict, *cause);
}

// Silence is a fault only where somebody is known to speak. A report may be on its way, so it is
// given a moment.
void SettleUnreported(Verdict& verdict, const ObjectRef& ref, const HealthContext& context) {
  if (context.is_reported_on || AlwaysReports(ref)) {
    verdict.is_unreported = false;
  } else if (context.quiet_for >= kReportGrace) {
    verdict.health = Health::kHealthy;
    verdict.reason = "NotReported";
    verdict.message += ", and nobody in this cluster is known to report on a " + ref.kind +
                       " like it; not waited for (`health.require` in app.yaml waits)";
  }
}

}  // namespace

ObjectHealth AssessObject(const nlohmann::json& live, const HealthContext& context) {
  if (live.is_null()) return {{}, Health::kMissing, "Missing", "the object does not exist", false};
  ObjectHealth result;
  result.ref = RefOf(live);
  if (result.ref.kind.empty() || result.ref.name.empty()) {
    return {result.ref, Health::kUnknown, "MalformedObject",
            "the server sent an object without kind or name", false};
  }
  std::optional<Verdict> verdict = JudgeCommon(live, result.ref);
  if (!verdict) {
    verdict = RuleFor(result.ref)(live, context);
    const bool is_unwell =
        verdict->health == Health::kProgressing || verdict->health == Health::kDegraded;
    if (is_unwell) Diagnose(*verdict, live, result.ref, context);
    if (verdict->is_unreported) SettleUnreported(*verdict, result.ref, context);
  }
  result.health = verdict->health;
  result.reason = verdict->reason;
  result.message = verdict->message;
  result.is_terminal = verdict->is_terminal;
  result.is_unreported = verdict->is_unreported;
  result.is_done = verdict->is_done;
  return result;
}

const nlohmann::json& Items(const nlohmann::json& value) {
  static const nlohmann::json empty = nlohmann::json::array();
  return value.is_array() ? value : empty;
}

const nlohmann::json& Condition(const nlohmann::json& live, std::string_view type) {
  for (const nlohmann::json& condition : Items(At(live, "status", "conditions"))) {
    if (ToText(At(condition, "type")) == type) return condition;
  }
  return NullJson();
}

bool IsConditionTrue(const nlohmann::json& live, std::string_view type) {
  return ToText(At(Condition(live, type), "status")) == "True";
}

std::optional<int64_t> Number(const nlohmann::json& value) {
  if (value.is_number_integer()) return ToInt(value);
  const std::string text = ToText(value);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return is_whole ? std::optional(number) : std::nullopt;
}

std::string UidOf(const nlohmann::json& object) { return ToText(At(object, "metadata", "uid")); }
std::string NameOf(const nlohmann::json& object) { return ToText(At(object, "metadata", "name")); }

bool IsControlledBy(const nlohmann::json& object, std::string_view uid) {
  if (uid.empty()) return false;
  return std::ranges::any_of(
      Items(At(object, "metadata", "ownerReferences")), [&](const nlohmann::json& owner) {
        return ToBool(At(owner, "controller")) && ToText(At(owner, "uid")) == uid;
      });
}

std::optional<SystemTime> TimeAt(const nlohmann::json& value) {
  if (!value.is_string()) return std::nullopt;
  const Result<SystemTime> time = ParseTime(value.get<std::string>());
  return time ? std::optional(*time) : std::nullopt;
}

std::string CountText(int64_t have, int64_t want, std::string_view what) {
  return std::to_string(have) + " of " + std::to_string(want) + " " + std::string(what);
}

std::string OneLine(std::string_view text, size_t limit) {
  std::string line;
  for (const char c : Trim(text)) {
    const bool is_space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (is_space && !line.empty() && line.back() == ' ') continue;
    line += is_space ? ' ' : c;
  }
  line = RedactCredentials(EscapeControl(line));
  return line.size() <= limit ? line : "..." + Tail(line, limit - 3);
}

}  // namespace sluice::targets
