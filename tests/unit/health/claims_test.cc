// A claim that waits for its first consumer waits by design; one that nobody can provision does
// not.
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using namespace fixtures;

Json Pending() {
  return Object("v1", "PersistentVolumeClaim", {{"storageClassName", "fast"}},
                {{"phase", "Pending"}});
}

Json Event(const std::string& type, const std::string& reason, const std::string& time) {
  Json event = Warning(Pending(), reason, "words", time);
  event["type"] = type;
  return event;
}

TEST_CASE("by the storage class") {
  HealthContext context;
  context.binding_mode = "WaitForFirstConsumer";
  const ObjectHealth waits = AssessObject(Pending(), context);
  CHECK(waits.health == Health::kHealthy);
  CHECK(waits.reason == "WaitsForConsumer");
  Json chosen = Pending();
  chosen["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = "node-1";
  CHECK(AssessObject(chosen, context).reason == "ClaimPending");
  context.binding_mode = "Immediate";
  CHECK(AssessObject(Pending(), context).reason == "ClaimPending");
}

TEST_CASE("by the claim's newest event where the class may not be read") {
  HealthContext context;
  const Json waits = Event("Normal", "WaitForFirstConsumer", "2026-11-21T07:00:00Z");
  context.events = List(waits);
  CHECK(AssessObject(Pending(), context).reason == "WaitsForConsumer");
  context.events = List(waits, Event("Warning", "ProvisioningFailed", "2026-11-21T07:01:00Z"));
  CHECK(AssessObject(Pending(), context).reason == "ProvisioningFailed");
  context.events = List(Event("Normal", "FailedBinding", "2026-11-21T07:01:00Z"));
  CHECK(AssessObject(Pending(), context).reason == "ClaimPending");
}

TEST_CASE("class and events are asked for while the claim is pending, at any depth") {
  for (const Depth depth : {Depth::kJudge, Depth::kDiagnose}) {
    const RelatedNeeds needs = NeedsFor(Pending(), depth);
    CHECK(needs.storage_class == "fast");
    CHECK(needs.events);
  }
  Json bound = Pending();
  bound["status"]["phase"] = "Bound";
  CHECK(NeedsFor(bound, Depth::kDiagnose).IsNothing());
}

}  // namespace
}  // namespace sluice::targets
