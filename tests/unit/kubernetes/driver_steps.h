// The steps of a rollout as a test takes them.
#pragma once

#include "tests/support/catch.h"
#include "tests/unit/kubernetes/live_cluster.h"

namespace sluice::targets::kubernetes {

inline std::vector<ObjectRef> RefsOf(const Prepared& prepared) {
  std::vector<ObjectRef> refs;
  for (const auto& object : prepared.objects) refs.push_back(object.resource.ref);
  return refs;
}

// One pass: prepare, observe, predict.
struct Pass {
  Prepared prepared;
  LiveState live;
  std::vector<Prediction> predictions;
};

inline Pass MakePass(LiveCluster& cluster, TargetDriver& driver,
                     const std::vector<Resource>& resources, Force force = Force::kNo,
                     const Ownership& owner = TestOwner(), const Surroundings& around = {}) {
  Pass pass;
  auto prepared = driver.Prepare(resources, owner, cluster.Deadline());
  INFO((prepared ? "" : prepared.error().message()));
  REQUIRE(prepared);
  pass.prepared = *prepared;
  auto live = driver.Observe(RefsOf(*prepared), cluster.Deadline());
  INFO((live ? "" : live.error().message()));
  REQUIRE(live);
  pass.live = *live;
  const Status adjusted = driver.Adjust(pass.prepared, *live, around, cluster.Deadline());
  INFO((adjusted ? "" : adjusted.error().message()));
  REQUIRE(adjusted);
  auto predictions = driver.Predict(pass.prepared.objects, *live, force, cluster.Deadline());
  INFO((predictions ? "" : predictions.error().message()));
  REQUIRE(predictions);
  pass.predictions = *predictions;
  for (size_t i = 0; i < pass.predictions.size(); ++i) {
    int& stage = pass.prepared.objects[i].stage;
    stage = std::max(stage, pass.predictions[i].after_stage + 1);
  }
  return pass;
}

inline void ApplyAll(LiveCluster& cluster, TargetDriver& driver,
                     const std::vector<PreparedObject>& objects, const LiveState& live,
                     Force force = Force::kNo) {
  for (int stage = 0; stage <= 7; ++stage) {
    std::vector<PreparedObject> chosen;
    for (const auto& object : objects) {
      if (object.stage == stage) chosen.push_back(object);
    }
    for (const WriteResult& result :
         driver.Apply(chosen, live, WriteMode::kApply, force, cluster.Deadline())) {
      INFO((result.status ? "" : result.status.error().message()));
      REQUIRE(result.status);
    }
    const Status status = driver.AwaitStage(chosen, cluster.Deadline());
    INFO((status ? "" : status.error().message()));
    REQUIRE(status);
  }
}

inline Deletion DeletionOf(const ObjectRef& ref, const LiveObject& live) {
  return {ref, live.api_version, live.uid, live.resource_version, live.mark};
}

inline const Prediction& PredictionOf(const Pass& pass, const std::string& kind,
                                      const std::string& name) {
  for (size_t i = 0; i < pass.predictions.size(); ++i) {
    const ObjectRef& ref = pass.prepared.objects[i].resource.ref;
    if (ref.kind == kind && ref.name == name) return pass.predictions[i];
  }
  FAIL("no prediction for " << kind << " " << name);
  return pass.predictions.front();
}

// Everything of `yaml`, applied.
inline Pass Deploy(LiveCluster& cluster, TargetDriver& driver, const std::string& yaml,
                   Force force = Force::kNo, const Ownership& owner = TestOwner()) {
  Pass pass = MakePass(cluster, driver, MakeResources(yaml), force, owner);
  INFO((pass.prepared.blockers.empty() ? "" : pass.prepared.blockers.front().message));
  REQUIRE(pass.prepared.blockers.empty());
  ApplyAll(cluster, driver, pass.prepared.objects, pass.live, force);
  return pass;
}

}  // namespace sluice::targets::kubernetes
