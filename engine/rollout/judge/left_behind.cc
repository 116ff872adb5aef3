#include "engine/rollout/judge/left_behind.h"

#include <algorithm>

namespace sluice::rollout::judge {
namespace {

using Kind = targets::Prediction::Kind;

bool Differs(Kind kind) { return kind != Kind::kSame; }

}  // namespace

std::string ToString(const LeftBehind& left) {
  return left.ref.kind.empty() ? left.why : sluice::ToString(left.ref) + " stays: " + left.why;
}

std::string Join(const std::vector<LeftBehind>& left) {
  constexpr size_t kMost = 5;
  std::string out;
  for (size_t i = 0; i < left.size() && i < kMost; ++i)
    out += (out.empty() ? "" : "; ") + ToString(left[i]);
  if (left.size() > kMost) out += "; and " + std::to_string(left.size() - kMost) + " more";
  return out;
}

std::set<ObjectRef> RefsOf(const std::vector<LeftBehind>& left) {
  std::set<ObjectRef> refs;
  for (const LeftBehind& object : left) refs.insert(object.ref);
  return refs;
}

std::string WhyItStays(const TargetSession& session, size_t index) {
  const targets::Prediction& prediction = session.predictions[index];
  const ObjectRef& ref = session.prepared.objects[index].resource.ref;
  if (!prediction.blocked_by.empty()) return prediction.blocked_by + ": " + prediction.message;
  if (!Differs(prediction.kind)) return "";
  const bool is_refused = prediction.kind == Kind::kRefused ||
                          (prediction.kind == Kind::kImmutable && !session.IsReplaced(ref));
  if (is_refused) {
    return "the server refuses it: " +
           (prediction.message.empty() ? "no reason given" : prediction.message);
  }
  if (!prediction.takes_away.empty()) return "applying it would take away " + prediction.takes_away;
  return "";
}

std::vector<LeftBehind> LeaveBehind(TargetSession& session) {
  std::vector<LeftBehind> left;
  for (size_t i = 0; i < session.predictions.size(); ++i) {
    const ObjectRef& ref = session.prepared.objects[i].resource.ref;
    Change& change = session.plan.changes[i];
    std::string why = WhyItStays(session, i);
    if (why.empty() && !change.blocked_by.empty()) why = change.reason;
    if (why.empty()) continue;
    change.action = Action::kSkip;
    change.reason = why;
    left.push_back({ref, why});
  }
  for (const PlanBlocker& blocker : session.prepared.blockers)
    left.push_back({{}, blocker.reason + ": " + blocker.message});
  session.plan.blockers.clear();
  return left;
}

}  // namespace sluice::rollout::judge
