#include "engine/rollout/leaving.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/deploy.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {
namespace {

SystemTime Newest(const std::vector<Leaving>& leaving) {
  SystemTime newest{};
  for (const Leaving& one : leaving) {
    if (!one.waits) newest = std::max(newest, one.since);
  }
  return newest;
}

// What was refused is not on its way: it has to be asked for again.
bool IsUnchanged(const Leaving& known, const targets::LiveState& live) {
  const auto it = live.objects.find(known.ref);
  return it != live.objects.end() && it->second.uid == known.uid && it->second.is_deleting;
}

}  // namespace

std::string LeavingLine(const Leaving& leaving) {
  return ToString(leaving.ref) + " is not gone: " + leaving.held_by;
}

std::string LeavingSummary(const std::vector<Leaving>& leaving) {
  const Leaving* first = nullptr;
  size_t waiting = 0;
  for (const Leaving& one : leaving) {
    waiting += one.waits ? 1 : 0;
    if (!one.waits && !first) first = &one;
  }
  if (!first) return "";
  const size_t more = leaving.size() - waiting - 1;
  return LeavingLine(*first) + (more == 0 ? "" : " (and " + std::to_string(more) + " more)") +
         (waiting == 0 ? "" : "; " + std::to_string(waiting) + " more go when these are gone");
}

std::string LeavingLines(const std::vector<Leaving>& leaving) {
  std::string out;
  for (const Leaving& one : leaving) out += one.target + ": " + LeavingLine(one) + "\n";
  return out;
}

SystemTime NextLook(const std::vector<Leaving>& leaving, SystemTime now) {
  const Duration age = now - Newest(leaving);
  return now + std::clamp<Duration>(age / 4, 500ms, 1min);
}

bool IsAwaited(const Options& options, const std::vector<Leaving>& leaving, SystemTime now) {
  return !leaving.empty() && now - Newest(leaving) < options.leave_timeout;
}

PassResult StandsLeaving(const Pass& pass) {
  const auto& leaving = pass.record().leaving;
  if (leaving.empty()) return PassResult{};
  PassResult result;
  result.wake = NextLook(leaving, pass.Now());
  result.reason = kObjectsLeaving;
  result.message = LeavingSummary(leaving);
  const bool is_followed = std::ranges::any_of(leaving, &Leaving::waits);
  if (is_followed && IsAwaited(pass.services.options, leaving, pass.Now()))
    result.standing = Standing::kWaiting;
  return result;
}

Result<PassResult> LookAtLeaving(Pass& pass) {
  const Services& services = pass.services;
  const DeclaredUnit& unit = *pass.declared();
  for (const Target& target : unit.targets) {
    std::vector<ObjectRef> refs;
    for (const Leaving& one : pass.record().leaving) {
      if (one.target == target.name) refs.push_back(one.ref);
    }
    if (refs.empty()) continue;
    auto driver = services.make_driver(target);
    if (!driver) return Fail(driver.error());
    const auto live = (*driver)->Observe(refs, services.ReadCall());
    if (!live) {
      log::Warn("leaving_unreadable",
                {{"unit", ToString(pass.unit)}, {"error", live.error().message()}});
      return StandsLeaving(pass);
    }
    const bool has_changed = std::ranges::any_of(pass.record().leaving, [&](const Leaving& one) {
      return one.target == target.name && !one.waits && !IsUnchanged(one, *live);
    });
    if (has_changed) return PruneLeftovers(pass);
  }
  return StandsLeaving(pass);
}

}  // namespace sluice::rollout
