// What conditions mean by their common names, whichever controller writes them.
#include <algorithm>
#include <array>
#include <vector>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

// How a condition reads when it is True, when it is False, and while it is neither. What is unwell
// is as bad, unless its controller is at work on it.
enum class Says { kNothing, kNotYet, kUnwell, kBad };
struct Meaning {
  std::string_view type;
  Says when_true, when_false, otherwise;
};
constexpr std::array<Meaning, 16> kMeanings = {{
    {"Degraded", Says::kBad, Says::kNothing, Says::kNothing},
    {"Failed", Says::kBad, Says::kNothing, Says::kNothing},
    {"Error", Says::kBad, Says::kNothing, Says::kNothing},
    {"Errored", Says::kBad, Says::kNothing, Says::kNothing},
    {"NotReady", Says::kBad, Says::kNothing, Says::kNothing},
    {"ReplicaFailure", Says::kBad, Says::kNothing, Says::kNothing},
    {"InvalidSpec", Says::kBad, Says::kNothing, Says::kNothing},
    {"Healthy", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Synced", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Accepted", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"ResolvedRefs", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Programmed", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Reconciled", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Available", Says::kNothing, Says::kUnwell, Says::kNotYet},
    {"Succeeded", Says::kNothing, Says::kBad, Says::kNotYet},
    {"Ready", Says::kNothing, Says::kNotYet, Says::kNotYet},
}};

Verdict In(const nlohmann::json& condition, Health health) {
  const std::string type = ToText(At(condition, "type"));
  const std::string status = ToText(At(condition, "status"));
  const std::string reason = ToText(At(condition, "reason"));
  const std::string message = OneLine(ToText(At(condition, "message")));
  const std::string name = type == "Ready" ? "NotReady" : status == "True" ? type : "Not" + type;
  return {health, reason.empty() ? name : reason,
          message.empty() ? "condition " + type + " is " + status : message};
}

// Of both uses: "rolling now", which ends with False, and a Deployment's, which stays True once all
// is there and turns False when it gave up.
std::optional<Verdict> JudgeProgressing(const nlohmann::json& condition, bool is_ready) {
  const std::string status = ToText(At(condition, "status"));
  const std::string reason = ToText(At(condition, "reason"));
  if (status == "True" && !is_ready && !reason.ends_with("Available"))
    return In(condition, Health::kProgressing);
  const bool gave_up = reason.ends_with("DeadlineExceeded") || reason.ends_with("Aborted");
  if (status == "False" && gave_up) return In(condition, Health::kDegraded);
  return std::nullopt;
}

bool IsOld(const nlohmann::json& condition, const nlohmann::json& live) {
  const std::optional<int64_t> observed = Number(At(condition, "observedGeneration"));
  const std::optional<int64_t> generation = Number(At(live, "metadata", "generation"));
  return observed && generation && *observed < *generation;
}

std::optional<Verdict> JudgeOne(const nlohmann::json& condition, const nlohmann::json& live,
                                bool is_at_work) {
  const std::string type = ToText(At(condition, "type"));
  const auto* meaning = std::ranges::find(kMeanings, type, &Meaning::type);
  if (meaning == kMeanings.end()) return std::nullopt;
  if (IsOld(condition, live)) {
    return Verdict{Health::kProgressing, "GenerationNotObserved",
                   "condition " + type + " is of an older generation"};
  }
  const std::string status = ToText(At(condition, "status"));
  const Says says = status == "True"    ? meaning->when_true
                    : status == "False" ? meaning->when_false
                                        : meaning->otherwise;
  if (says == Says::kNothing) return std::nullopt;
  const bool is_bad = says == Says::kBad || (says == Says::kUnwell && !is_at_work);
  return In(condition, is_bad ? Health::kDegraded : Health::kProgressing);
}

// The object's own, and those that each of its parents (a route's Gateways) or ancestors (a
// policy's) wrote about it.
std::vector<const nlohmann::json*> AllConditions(const nlohmann::json& live) {
  std::vector<const nlohmann::json*> all;
  const auto add = [&](const nlohmann::json& status) {
    for (const nlohmann::json& condition : Items(At(status, "conditions")))
      all.push_back(&condition);
  };
  const nlohmann::json& status = At(live, "status");
  add(status);
  for (const char* list : {"parents", "ancestors"}) {
    for (const nlohmann::json& writer : Items(At(status, list))) add(writer);
  }
  return all;
}

}  // namespace

std::optional<Verdict> JudgeConditions(const nlohmann::json& live, bool is_at_work) {
  const bool is_ready = IsConditionTrue(live, "Ready") && !IsOld(Condition(live, "Ready"), live);
  const auto rolling = JudgeProgressing(Condition(live, "Progressing"), is_ready);
  is_at_work |= rolling && rolling->health == Health::kProgressing;
  // These sum up what the others say; whichever of those speaks first is nearer to the cause.
  const auto sums_up = [](const std::string& type) {
    return type == "Ready" || type == "Progressing";
  };
  std::optional<Verdict> bad, not_yet, bad_in_sum, not_yet_in_sum;
  for (const nlohmann::json* condition : AllConditions(live)) {
    const std::string type = ToText(At(*condition, "type"));
    std::optional<Verdict> verdict = type == "Progressing" ? JudgeProgressing(*condition, is_ready)
                                                           : JudgeOne(*condition, live, is_at_work);
    if (!verdict) continue;
    const bool is_bad = verdict->health == Health::kDegraded;
    std::optional<Verdict>& place =
        is_bad ? (sums_up(type) ? bad_in_sum : bad) : (sums_up(type) ? not_yet_in_sum : not_yet);
    if (!place) place = std::move(verdict);
  }
  for (std::optional<Verdict>* found : {&bad, &bad_in_sum, &not_yet}) {
    if (*found) return *found;
  }
  return not_yet_in_sum;
}

}  // namespace sluice::targets
