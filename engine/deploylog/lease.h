// The fence: one engine at a time writes log and live (design 6). The lease is a ref that its
// holder replaces every 20 s by compare-and-swap; others may take it when it stood still for 60 s
// by their own clock. Each renewal is a commit on top of the last
// (docs/decisions/0012-a-lease-is-a-chain-of-commits.md).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/git/mirror.h"
#include "engine/git/remote.h"

namespace sluice::deploylog {

using namespace std::chrono_literals;

struct LeaseOptions {
  std::string log_branch;  // the ref is refs/sluice/lease/<log_branch>
  std::string engine;      // id of this engine, kept in dataDir: its own lease is resumed at once
  std::string holder;      // for people: "sluice run on host h, pid 7"
  git::Person identity;
  Duration renew_every = 20s;
  Duration take_over_after = 60s;
  // After the last renewal: no write to live begins, none but those of a decided rollback, and
  // none is under way.
  Duration write_limit = 40s;
  Duration last_write = 55s;
};

// On what grounds something is written to live.
enum class Permission {
  kLease,
  kDecidedRollback,  // it does not wait for Git while nobody else can have taken over
};

// Thread-safe.
class Lease {
 public:
  Lease(git::Mirror& mirror, git::Remote& remote, const Clock& clock, LeaseOptions options);
  ~Lease();

  static std::string RefName(const std::string& log_branch);

  // Looks once: takes a free or own lease, or another's that stood still long enough. `observed` is
  // the ref as just listed ("" when absent). kHeldElsewhere names the holder and since when it has
  // been seen renewing.
  Status TryAcquire(const std::string& observed, const Call& call);
  // For `sync`: until acquired, or until the other holder was seen renewing (kHeldElsewhere), which
  // takes at most take_over_after.
  Status Acquire(const Call& call);
  // Replaces the ref when renew_every has passed since the last time. False: a push that is under
  // way may renew it, nobody knows yet. Losing it is kHeldElsewhere.
  Result<bool> RenewIfDue(const Call& call);
  Status Release(const Call& call);

  // False only when it is lost: another engine holds it, or nobody does. A lease that is held may
  // be late, which is for MayWriteLive to say.
  bool IsHeld() const;
  // Until when a write to live that is sent now may be under way; that ends before another engine
  // can have taken over. kUnavailable (LeaseLate) while renewals fail, kHeldElsewhere (LeaseLost)
  // without the lease.
  Result<SteadyTime> MayWriteLive(Permission permission) const;
  // "sluice run on host h, pid 7 (engine a1b2)", the other engine that was seen last; "" for none.
  std::string OtherHolder() const;

  // For an atomic push beside the log: the update that renews the lease. Waits for a renewal under
  // way; until one of the three calls after it no other renewal begins.
  Result<git::RefUpdate> PrepareRenewal();
  void RenewalLanded(const git::RefUpdate& update);
  void RenewalAbandoned(const git::RefUpdate& update);  // it did not land, or nobody knows
  void Lost();
  // Tells whether the ref as just listed is a lease of this object, and takes it as the present
  // one.
  bool Recognise(const std::string& observed);
  // kHeldElsewhere for a ref that is not ours, naming its holder where it can be read.
  Error DescribeHolder(const std::string& observed, const Call& call);

 private:
  struct Holder {
    std::string oid, engine, name;
  };
  struct State;
  class Busy;

  Result<Holder> ReadHolder(const Call& call);
  Result<std::string> WriteLease(const std::string& parent);
  Status Push(const std::string& expected_old, const Call& call);
  Status PushLease(const std::string& oid, const std::string& expected_old, const Call& call);
  Result<bool> CutChain(const std::string& expected_old, const Call& call);
  void Keep(const std::string& oid);
  Status Observe(const Holder& holder);
  Result<std::string> ListRef(const Call& call);

  git::Mirror& mirror_;
  git::Remote& remote_;
  const Clock& clock_;
  LeaseOptions options_;
  std::string ref_;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::deploylog
