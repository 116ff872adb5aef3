#include "engine/deploylog/lease.h"

#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {
namespace {

using Fault = FaultyRemote::Fault;

std::string LeaseAt(const Hub& hub) {
  return hub.Git({"for-each-ref", "--format=%(objectname)", kLeaseRef});
}

int ChainLength(const Hub& hub) { return std::stoi(hub.Git({"rev-list", "--count", kLeaseRef})); }

bool MayWrite(const Engine& engine) {
  return engine.lease->MayWriteLive(Permission::kLease).has_value();
}

// As an administrator or a hosting service may set a server. Git itself holds the option against
// branches only; others hold the same rule against every ref, as the hook does.
void RefuseRewrites(const Hub& hub) {
  hub.Git({"config", "receive.denyNonFastForwards", "true"});
  git::WriteFile(
      hub.path + "/hooks/update",
      "#!/bin/sh\ncase \"$2$3\" in *0000000000000000000000000000000000000000*) exit 0;; esac\n"
      "git merge-base --is-ancestor \"$2\" \"$3\" && exit 0\n"
      "echo \"denying non-fast-forward $1\" >&2\nexit 1\n");
  git::Run({"chmod", "+x", hub.path + "/hooks/update"});
}

}  // namespace

TEST_CASE("a server that takes no rewritten history takes renewals, alone and beside the log") {
  const Hub hub;
  RefuseRewrites(hub);
  Engine a(hub, "e-a");
  REQUIRE(a.Acquire());
  REQUIRE(a.Refresh());
  a.clock.Advance(20s);
  const std::string first = LeaseAt(hub);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(hub.Git({"rev-parse", kLeaseRef + "^"}) == first);
  const std::string second = LeaseAt(hub);
  REQUIRE(a.Append(MakeEntry()));
  CHECK(hub.Git({"rev-parse", kLeaseRef + "^"}) == second);
  REQUIRE(a.Append(MakeEntry(EventKind::kSucceeded)));
  CHECK(ChainLength(hub) == 4);
}

TEST_CASE("there a lease is also resumed, taken over, released and taken again") {
  const Hub hub;
  RefuseRewrites(hub);
  const std::string data_dir = git::MakeTemporaryDirectory();
  {
    Engine before(hub, "e-a", data_dir);
    REQUIRE(before.Acquire());
  }
  {
    Engine after(hub, "e-a", data_dir);
    REQUIRE(after.Acquire());
    CHECK(ChainLength(hub) == 2);
    // The first renewal tries to begin a new chain, is refused, and goes on with the old one.
    after.clock.Advance(20s);
    REQUIRE(after.lease->RenewIfDue(after.MakeCall()));
    CHECK(MayWrite(after));
    CHECK(ChainLength(hub) == 3);
    const int pushes = after.remote->pushes();
    after.clock.Advance(20s);
    REQUIRE(after.lease->RenewIfDue(after.MakeCall()));
    CHECK(after.remote->pushes() == pushes + 1);  // it is not tried again
  }
  Engine other(hub, "e-b");
  REQUIRE_FALSE(other.Acquire());
  other.clock.Advance(60s);
  REQUIRE(other.Acquire());
  CHECK(ChainLength(hub) == 5);
  REQUIRE(other.lease->Release(other.MakeCall()));
  REQUIRE(other.Acquire());
  CHECK(ChainLength(hub) == 1);  // what was released is the server's to collect
}

TEST_CASE("where a server lets a ref go back, the chain of a lease that was found is cut") {
  const Hub hub;
  const std::string data_dir = git::MakeTemporaryDirectory();
  {
    Engine before(hub, "e-a", data_dir);
    REQUIRE(before.Acquire());
  }
  Engine after(hub, "e-a", data_dir);
  REQUIRE(after.Acquire());
  CHECK(ChainLength(hub) == 2);
  after.clock.Advance(20s);
  REQUIRE(after.lease->RenewIfDue(after.MakeCall()));
  CHECK(ChainLength(hub) == 1);
  CHECK(MayWrite(after));
  after.clock.Advance(20s);
  REQUIRE(after.lease->RenewIfDue(after.MakeCall()));
  CHECK(ChainLength(hub) == 2);
}

TEST_CASE("a lease that was lost while its chain was to be cut is lost") {
  const Hub hub;
  const std::string data_dir = git::MakeTemporaryDirectory();
  {
    Engine before(hub, "e-a", data_dir);
    REQUIRE(before.Acquire());
  }
  Engine a(hub, "e-a", data_dir), b(hub, "e-b");
  REQUIRE(a.Acquire());
  REQUIRE_FALSE(b.Acquire());
  b.clock.Advance(60s);
  REQUIRE(b.Acquire());
  const std::string taken = LeaseAt(hub);
  a.clock.Advance(20s);
  const auto lost = a.lease->RenewIfDue(a.MakeCall());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_FALSE(a.lease->IsHeld());
  CHECK(LeaseAt(hub) == taken);
}

TEST_CASE("what is no commit is taken over without becoming a parent") {
  const Hub hub;
  Engine a(hub, "e-a");
  hub.Git({"update-ref", kLeaseRef, hub.Git({"rev-parse", hub.revision + "^{tree}"})});
  REQUIRE_FALSE(a.Acquire());
  a.clock.Advance(60s);
  REQUIRE(a.Acquire());
  CHECK(ChainLength(hub) == 1);
}

TEST_CASE("a free lease is taken and its commit names the holder") {
  const Hub hub;
  Engine a(hub, "e-a");
  CHECK_FALSE(a.lease->IsHeld());
  CHECK_FALSE(MayWrite(a));
  REQUIRE(a.Acquire());
  CHECK(a.lease->IsHeld());
  CHECK(MayWrite(a));
  CHECK(hub.Git({"log", "-1", "--format=%s", kLeaseRef}) ==
        "Lease of deployments: sluice run of e-a");
  CHECK(hub.Git({"log", "-1", "--format=%(trailers:key=Sluice-Engine,valueonly,separator=)",
                 kLeaseRef}) == "e-a");
  CHECK(hub.Git({"rev-list", "--count", kLeaseRef}) == "1");
}

TEST_CASE("another engine's lease is refused and its holder named") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  const auto status = b.Acquire();
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(status.error().reason() == "LeaseHeld");
  CHECK_THAT(status.error().message(), Catch::Contains("sluice run of e-a") &&
                                           Catch::Contains("(engine e-a)") &&
                                           Catch::Contains("stop that engine"));
  CHECK_FALSE(b.lease->IsHeld());
  CHECK(a.lease->IsHeld());
}

TEST_CASE("an engine resumes its own lease at once after a restart") {
  const Hub hub;
  const std::string data_dir = git::MakeTemporaryDirectory();
  {
    Engine before(hub, "e-a", data_dir);
    REQUIRE(before.Acquire());
  }
  const std::string old = LeaseAt(hub);
  Engine after(hub, "e-a", data_dir);
  REQUIRE(after.Acquire());
  CHECK(after.lease->IsHeld());
  CHECK(LeaseAt(hub) != old);
}

TEST_CASE("a lease is taken over only after it stood still for 60 s by the other's own clock") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  REQUIRE_FALSE(b.Acquire());
  b.clock.Advance(59s);
  REQUIRE_FALSE(b.Acquire());
  // It moves: the count begins again.
  a.clock.Advance(20s);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  b.clock.Advance(2s);
  const auto seen = b.Acquire();
  REQUIRE_FALSE(seen);
  CHECK_THAT(seen.error().message(), Catch::Contains("seen to renew for 1m1s, last 0s ago"));
  b.clock.Advance(59s);
  REQUIRE_FALSE(b.Acquire());
  b.clock.Advance(1s);
  REQUIRE(b.Acquire());
  CHECK(b.lease->IsHeld());

  a.clock.Advance(20s);
  const auto lost = a.lease->RenewIfDue(a.MakeCall());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_THAT(lost.error().message(), Catch::Contains("sluice run of e-b"));
  CHECK_FALSE(a.lease->IsHeld());
  CHECK_FALSE(MayWrite(a));
}

TEST_CASE("of two engines that take over at the same time one wins") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b"), c(hub, "e-c");
  REQUIRE(a.Acquire());
  const std::string stale = LeaseAt(hub);
  REQUIRE_FALSE(b.Acquire());
  REQUIRE_FALSE(c.Acquire());
  b.clock.Advance(60s);
  c.clock.Advance(60s);
  REQUIRE(b.lease->TryAcquire(stale, b.MakeCall()));
  const auto status = c.lease->TryAcquire(stale, c.MakeCall());
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_FALSE(c.lease->IsHeld());
  CHECK(b.lease->IsHeld());
}

TEST_CASE("a lease is renewed only when it is due") {
  const Hub hub;
  Engine a(hub, "e-a");
  REQUIRE(a.Acquire());
  const int pushes = a.remote->pushes();
  a.clock.Advance(19s);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(a.remote->pushes() == pushes);
  a.clock.Advance(1s);
  const std::string old = LeaseAt(hub);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(a.remote->pushes() == pushes + 1);
  CHECK(LeaseAt(hub) != old);
}

TEST_CASE("a released lease can be taken at once") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  REQUIRE_FALSE(b.Acquire());
  REQUIRE(a.lease->Release(a.MakeCall()));
  CHECK_FALSE(a.lease->IsHeld());
  CHECK(LeaseAt(hub).empty());
  REQUIRE(b.Acquire());
  // Releasing what another took is nothing.
  REQUIRE(a.lease->Release(a.MakeCall()));
  CHECK_FALSE(LeaseAt(hub).empty());
}

TEST_CASE("a renewal of unknown outcome is settled by what the remote shows") {
  const Hub hub;
  Engine a(hub, "e-a");
  REQUIRE(a.Acquire());
  a.clock.Advance(20s);
  a.remote->FailNextPushes({Fault::kLandsUnknown});
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(MayWrite(a));

  a.clock.Advance(20s);
  a.remote->FailNextPushes({Fault::kLostUnknown});
  const auto lost = a.lease->RenewIfDue(a.MakeCall());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code() == ErrorCode::kUnavailable);
  CHECK(a.lease->IsHeld());
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));

  // It landed, but nobody could tell at the time: the next renewal finds it.
  a.clock.Advance(20s);
  a.remote->FailNextPushes({Fault::kLandsUnknown});
  a.remote->FailLists(true);
  REQUIRE_FALSE(a.lease->RenewIfDue(a.MakeCall()));
  a.remote->FailLists(false);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(a.lease->IsHeld());
}

TEST_CASE("a listing older than the last renewal does not lose the lease") {
  const Hub hub;
  Engine a(hub, "e-a");
  REQUIRE(a.Acquire());
  const std::string old = LeaseAt(hub);
  a.clock.Advance(20s);
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  REQUIRE(a.lease->TryAcquire(old, a.MakeCall()));
  REQUIRE(a.lease->TryAcquire("", a.MakeCall()));
  CHECK(a.lease->IsHeld());
  const int pushes = a.remote->pushes();
  REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  CHECK(a.remote->pushes() == pushes);
}

TEST_CASE("waiting for the lease ends when its holder is seen to renew") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  int looks = 0;
  b.remote->before_list = [&] {
    if (++looks != 11) return;
    a.clock.Advance(20s);
    REQUIRE(a.lease->RenewIfDue(a.MakeCall()));
  };
  const SteadyTime begun = b.clock.SteadyNow();
  const auto status = b.lease->Acquire(b.MakeCall());
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(b.clock.SteadyNow() - begun < 60s);
  CHECK_FALSE(b.lease->IsHeld());
}

TEST_CASE("waiting for the lease of an engine that died takes it over") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  const SteadyTime begun = b.clock.SteadyNow();
  REQUIRE(b.lease->Acquire(b.MakeCall()));
  CHECK(b.clock.SteadyNow() - begun >= 60s);
  CHECK(b.lease->IsHeld());
}

TEST_CASE("waiting for the lease ends when it is asked to stop") {
  const Hub hub;
  Engine a(hub, "e-a"), b(hub, "e-b");
  REQUIRE(a.Acquire());
  std::stop_source stop;
  b.remote->before_list = [&] { stop.request_stop(); };
  Call call = b.MakeCall();
  const auto listed = b.lease->Acquire({call.deadline, stop.get_token()});
  REQUIRE_FALSE(listed);
  CHECK_FALSE(b.lease->IsHeld());
}

TEST_CASE("a ref that is no lease of ours counts as somebody else's") {
  const Hub hub;
  Engine a(hub, "e-a");
  hub.Git({"update-ref", kLeaseRef, hub.revision});
  const auto status = a.Acquire();
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_THAT(status.error().message(), Catch::Contains("an unknown holder"));
}

TEST_CASE("a server that refuses the lease is told apart from a race") {
  const Hub hub;
  Engine a(hub, "e-a");
  a.remote->FailNextPushes({Fault::kRefused});
  const auto status = a.Acquire();
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kPermissionDenied);
  CHECK(status.error().reason() == "LeasePushRefused");
  CHECK_THAT(status.error().message(), Catch::Contains("protected branch"));
}

}  // namespace sluice::deploylog
