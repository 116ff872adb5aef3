// A pipeline of two units and its schedule, driven by hand.
#pragma once

#include "engine/daemon/schedule.h"
#include "tests/support/catch.h"

namespace sluice::daemon {

using namespace std::chrono_literals;

using rollout::DriftSeen;
using rollout::PassResult;
using rollout::Standing;

inline constexpr SystemTime kStart{std::chrono::seconds(1'795'000'000)};
inline const UnitId kDev{"dev", "web"};
inline const UnitId kProd{"prod", "web"};

// dev/web before prod/web, each with an interval of 3 minutes.
struct Board {
  rollout::Snapshot snapshot;
  deploylog::State state;
  Schedule schedule;
  SystemTime now = kStart;

  Board() {
    snapshot.revision = "r1";
    snapshot.declared.pipeline = {"shop", {"dev", "prod"}};
    for (const UnitId& id : {kDev, kProd}) {
      snapshot.declared.environments[id.environment].name = id.environment;
      snapshot.declared.units[id].id = id;
      snapshot.fingerprints[id] = "fp-1";
    }
  }

  Record& Recorded(const UnitId& unit) { return state.records[unit].Edit(); }
  // A unit that Succeeded and was last looked at now.
  void Runs(const UnitId& unit) {
    Record& record = Recorded(unit);
    record.unit = unit;
    record.fingerprint = snapshot.fingerprints[unit];
    record.outcome = Outcome::kSucceeded;
    record.running = RunningState{"r1", record.fingerprint, {}};
    record.targets["eu"].health_at = now;
  }
  // An operator's request waits in the log.
  void Ask(const UnitId& unit) {
    deploylog::Request request;
    request.id = "1";
    request.unit = unit;
    state.requests.push_back(request);
  }
  std::vector<Schedule::Due> Take() {
    schedule.Note(std::make_shared<rollout::Snapshot>(snapshot),
                  std::make_shared<deploylog::State>(state));
    return schedule.TakeDue(now);
  }
  // "dev/web prod/web+drift"
  std::string TakeNames() {
    std::string out;
    for (const auto& due : Take()) {
      out += (out.empty() ? "" : " ") + ToString(due.unit) + (due.is_drift_due ? "+drift" : "");
    }
    return out;
  }
  void End(const UnitId& unit, PassResult result = {}) { schedule.Done(unit, result, now); }
  void EndAll() {
    End(kDev);
    End(kProd);
  }
  PassResult ErroredIn(Duration pause) const {
    return {.standing = Standing::kErrored, .wake = now + pause, .reason = "TargetUnreachable"};
  }
};

}  // namespace sluice::daemon
