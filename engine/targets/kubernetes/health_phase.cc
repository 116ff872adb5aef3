// A custom resource's phase: one word of its controller's own, of which some are common.
#include <set>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

using Words = std::set<std::string, std::less<>>;

// Compared in lower case.
const Words kBad = {"crashed", "degraded", "error",    "errored",  "failed",
                    "failure", "invalid",  "rejected", "unhealthy"};
const Words kNotYet = {"creating",     "deleting",    "deploying",  "initializing", "initialising",
                       "inprogress",   "installing",  "notready",   "pending",      "progressing",
                       "provisioning", "reconciling", "restarting", "rollingback",  "scaling",
                       "starting",     "terminating", "updating",   "upgrading",    "waiting"};
const Words kStopped = {"paused", "suspended"};

// Where it stands: status.phase of most, status.state of others, Argo CD's status.health.status.
std::string PhaseOf(const nlohmann::json& live) {
  const nlohmann::json& status = At(live, "status");
  for (const nlohmann::json* word :
       {&At(status, "phase"), &At(status, "state"), &At(status, "health", "status")}) {
    if (const std::string text = ToText(*word); !text.empty()) return text;
  }
  return "";
}

std::string Why(const nlohmann::json& live, const std::string& phase) {
  const std::string said = OneLine(ToText(At(live, "status", "message")));
  return "its controller calls it " + OneLine(phase, 60) + (said.empty() ? "" : ": " + said);
}

}  // namespace

std::optional<Verdict> JudgePhase(const nlohmann::json& live) {
  const std::string phase = PhaseOf(live);
  const std::string word = ToLower(phase);
  if (kBad.contains(word)) return Verdict{Health::kDegraded, phase, Why(live, phase)};
  if (kNotYet.contains(word)) return Verdict{Health::kProgressing, phase, Why(live, phase)};
  if (kStopped.contains(word)) return Verdict{Health::kSuspended, phase, Why(live, phase)};
  return std::nullopt;
}

}  // namespace sluice::targets
