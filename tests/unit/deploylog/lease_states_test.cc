// Held, late or lost: who may write to live, and until when.
#include "engine/deploylog/lease.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {
namespace {

bool MayWrite(const Engine& engine, Permission permission = Permission::kLease) {
  return engine.lease->MayWriteLive(permission).has_value();
}

}  // namespace

TEST_CASE("a late lease begins no write, and nobody else is said to hold it") {
  const Hub hub;
  Engine a(hub, "e-a");
  REQUIRE(a.Acquire());
  a.clock.Advance(39s);
  CHECK(MayWrite(a));
  a.clock.Advance(1s);
  const auto late = a.lease->MayWriteLive(Permission::kLease);
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == ErrorCode::kUnavailable);
  CHECK(late.error().reason() == "LeaseLate");
  CHECK_THAT(late.error().message(), Catch::Contains("renewed last 40s ago"));
  CHECK(a.lease->IsHeld());
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(MayWrite(a));
}

TEST_CASE("a decided rollback writes until shortly before another engine may take over") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  const SteadyTime renewed = a.clock.SteadyNow();
  REQUIRE_FALSE(b.Acquire());
  a.clock.Advance(54s);
  b.clock.Advance(54s);
  REQUIRE_FALSE(b.Acquire());
  CHECK_FALSE(MayWrite(a));
  const auto until = a.lease->MayWriteLive(Permission::kDecidedRollback);
  REQUIRE(until);
  CHECK(*until == renewed + 55s);  // the request, too, has ended by then
  a.clock.Advance(1s);
  CHECK_FALSE(MayWrite(a, Permission::kDecidedRollback));
}

TEST_CASE("whoever lost the lease writes nothing, a decided rollback neither") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  REQUIRE_FALSE(b.Acquire());
  b.clock.Advance(60s);
  REQUIRE(b.Acquire());
  CHECK(b.lease->OtherHolder().empty());
  a.clock.Advance(20s);
  REQUIRE_FALSE(a.lease->RenewIfDue(a.MakeCall()));
  for (const auto permission : {Permission::kLease, Permission::kDecidedRollback}) {
    const auto lost = a.lease->MayWriteLive(permission);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code() == ErrorCode::kHeldElsewhere);
    CHECK(lost.error().reason() == "LeaseLost");
  }
  REQUIRE_FALSE(a.Acquire());
  CHECK(a.lease->OtherHolder() == "sluice run of e-b (engine e-b)");
}

}  // namespace sluice::deploylog
