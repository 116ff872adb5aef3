#include "engine/deploylog/lease.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/deploylog/lease_state.h"

namespace sluice::deploylog {
namespace {

constexpr Duration kLook = 2s;  // between two looks of Acquire
constexpr size_t kOwnRemembered = 64;
constexpr int kRenewAttempts = 3;

std::string Ago(SteadyTime now, SteadyTime then) {
  return FormatDuration(std::chrono::duration_cast<std::chrono::seconds>(now - then));
}

}  // namespace

// Alone in replacing the ref while it lives.
class Lease::Busy {
 public:
  explicit Busy(State& state) : state_(state) {
    std::unique_lock lock(state_.mutex);
    state_.idle.wait(lock, [&] { return !state_.is_busy; });
    state_.is_busy = true;
  }
  ~Busy() {
    {
      const std::lock_guard lock(state_.mutex);
      state_.is_busy = false;
    }
    state_.idle.notify_all();
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  State& state_;
};

Lease::Lease(git::Mirror& mirror, git::Remote& remote, const Clock& clock, LeaseOptions options)
    : mirror_(mirror),
      remote_(remote),
      clock_(clock),
      options_(std::move(options)),
      ref_(RefName(options_.log_branch)),
      state_(std::make_unique<State>()) {}

Lease::~Lease() = default;

std::string Lease::RefName(const std::string& log_branch) {
  return "refs/sluice/lease/" + log_branch;
}

Status Lease::TryAcquire(const std::string& observed, const Call& call) {
  const Busy busy(*state_);
  std::string ref = observed;
  if (IsHeld()) {
    // A listing older than our last renewal is no news.
    if (Recognise(ref)) return {};
    SLUICE_TRY(ref, ListRef(call));
    if (Recognise(ref)) return {};
    const std::lock_guard lock(state_->mutex);
    state_->oid.clear();
  }
  if (ref.empty()) return Push("", call);
  Holder holder;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->other.oid == ref) holder = state_->other;
  }
  if (holder.oid.empty()) {
    auto read = ReadHolder(call);
    if (!read && read.error().code() == ErrorCode::kNotFound) return Push("", call);
    if (!read) return Fail(std::move(read).error());
    holder = *std::move(read);
  }
  if (holder.engine == options_.engine) return Push(holder.oid, call);
  SLUICE_CHECK(Observe(holder));
  return Push(holder.oid, call);
}

// Ok when the other's lease stood still long enough.
Status Lease::Observe(const Holder& holder) {
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(state_->mutex);
  if (state_->other.oid != holder.oid) {
    if (state_->other.oid.empty()) {
      state_->other_first_seen = now;
    } else {
      ++state_->other_changes;
    }
    state_->other = holder;
    state_->other_since = now;
  }
  if (now - state_->other_since >= options_.take_over_after) return {};
  std::string seen = state_->other_changes == 0
                         ? "not seen to renew since it was first looked at " +
                               Ago(now, state_->other_since) + " ago"
                         : "seen to renew for " + Ago(now, state_->other_first_seen) + ", last " +
                               Ago(now, state_->other_since) + " ago";
  return Fail(ErrorCode::kHeldElsewhere, "LeaseHeld",
              "the lease of log branch '" + options_.log_branch + "' is held by " + holder.name +
                  " (engine " + holder.engine + "), " + seen +
                  "; stop that engine, or wait: a lease that stands still for " +
                  FormatDuration(options_.take_over_after) + " is taken over");
}

Status Lease::Acquire(const Call& call) {
  int changes = -1;
  while (true) {
    SLUICE_TRY(const std::string observed, ListRef(call));
    auto status = TryAcquire(observed, call);
    if (status || status.error().code() != ErrorCode::kHeldElsewhere) return status;
    {
      const std::lock_guard lock(state_->mutex);
      if (changes < 0) changes = state_->other_changes;
      if (state_->other_changes > changes) return status;
    }
    if (clock_.SteadyNow() + kLook > call.deadline) return status;
    if (!clock_.Sleep(kLook, call.stop))
      return Fail(ErrorCode::kCancelled, "stopped while waiting for the lease");
  }
}

Result<bool> Lease::RenewIfDue(const Call& call) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->oid.empty()) {
      return Fail(
          ErrorCode::kHeldElsewhere, "LeaseLost",
          "this engine does not hold the lease of log branch '" + options_.log_branch + "'");
    }
    if (clock_.SteadyNow() - state_->renewed_at < options_.renew_every) return true;
    if (state_->is_busy) return false;
  }
  const Busy busy(*state_);
  std::string expected;
  {
    const std::lock_guard lock(state_->mutex);
    expected = state_->oid;
    if (!expected.empty() && clock_.SteadyNow() - state_->renewed_at < options_.renew_every)
      return true;
  }
  if (expected.empty()) {
    return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
                "the lease was lost while its renewal waited");
  }
  SLUICE_TRY(const bool is_cut, CutChain(expected, call));
  if (is_cut) return true;
  for (int attempt = 1;; ++attempt) {
    auto status = Push(expected, call);
    if (status) return true;
    if (status.error().code() != ErrorCode::kHeldElsewhere) return Fail(std::move(status).error());
    SLUICE_TRY(const std::string observed, ListRef(call));
    if (attempt == kRenewAttempts || !Recognise(observed)) {
      Error error = DescribeHolder(observed, call);
      const std::lock_guard lock(state_->mutex);
      state_->oid.clear();
      return Fail(std::move(error));
    }
    expected = observed;
  }
}

Status Lease::Release(const Call& call) {
  const Busy busy(*state_);
  std::string expected;
  {
    const std::lock_guard lock(state_->mutex);
    expected = state_->oid;
  }
  if (expected.empty()) return {};
  for (int attempt = 1;; ++attempt) {
    SLUICE_TRY(const git::PushResult result, remote_.Push({{ref_, "", expected}}, call));
    if (result.outcome == git::PushOutcome::kRefused) {
      return Fail(ErrorCode::kPermissionDenied, "LeasePushRefused",
                  "the server refuses to remove '" + ref_ + "': " + result.message +
                      "; let this engine write refs/sluice/*");
    }
    bool is_gone = result.outcome == git::PushOutcome::kLanded;
    if (!is_gone) {
      SLUICE_TRY(expected, ListRef(call));
      is_gone = !Recognise(expected);  // removed, or another engine's
    }
    if (is_gone) {
      const std::lock_guard lock(state_->mutex);
      state_->oid.clear();
      return {};
    }
    if (attempt == kRenewAttempts) {
      return Fail(ErrorCode::kUnavailable,
                  "the lease '" + ref_ + "' could not be removed: " + result.message);
    }
  }
}

bool Lease::IsHeld() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->oid.empty();
}

Result<SteadyTime> Lease::MayWriteLive(Permission permission) const {
  const std::lock_guard lock(state_->mutex);
  if (state_->oid.empty()) {
    return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
                "this engine no longer holds the lease of log branch '" + options_.log_branch +
                    "', so nothing is written to live; see `sluice status` for who holds it");
  }
  const SteadyTime now = clock_.SteadyNow();
  const Duration begins =
      permission == Permission::kDecidedRollback ? options_.last_write : options_.write_limit;
  if (now - state_->renewed_at < begins) return state_->renewed_at + options_.last_write;
  return Fail(ErrorCode::kUnavailable, "LeaseLate",
              "the lease of log branch '" + options_.log_branch + "' was renewed last " +
                  Ago(now, state_->renewed_at) +
                  " ago, so nothing is written to live until it is again; can Git be reached?");
}

std::string Lease::OtherHolder() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->other.oid.empty()) return "";
  return state_->other.name + " (engine " + state_->other.engine + ")";
}

Result<git::RefUpdate> Lease::PrepareRenewal() {
  std::string expected;
  {
    std::unique_lock lock(state_->mutex);
    state_->idle.wait(lock, [&] { return !state_->is_busy; });
    if (state_->oid.empty()) {
      return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
                  "this engine does not hold the lease of log branch '" + options_.log_branch +
                      "'; nothing is written without it");
    }
    state_->is_busy = true;
    expected = state_->oid;
  }
  auto oid = WriteLease(expected);
  if (!oid) {
    RenewalAbandoned({});
    return Fail(std::move(oid).error());
  }
  const std::lock_guard lock(state_->mutex);
  state_->own[*oid] = clock_.SteadyNow();
  return git::RefUpdate{ref_, *std::move(oid), std::move(expected)};
}

void Lease::RenewalLanded(const git::RefUpdate& update) {
  (void)Recognise(update.new_oid);
  Keep(update.new_oid);
  {
    const std::lock_guard lock(state_->mutex);
    ++state_->chained;
  }
  RenewalAbandoned(update);
}

void Lease::RenewalAbandoned(const git::RefUpdate&) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_busy = false;
  }
  state_->idle.notify_all();
}

void Lease::Lost() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->oid.clear();
    state_->is_busy = false;
  }
  state_->idle.notify_all();
}

bool Lease::Recognise(const std::string& observed) {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->own.find(observed);
  if (it == state_->own.end()) return false;
  if (state_->oid.empty() || it->second >= state_->renewed_at) state_->Hold(observed, it->second);
  if (state_->own.size() > kOwnRemembered) {
    std::erase_if(state_->own,
                  [&](const auto& entry) { return entry.second < state_->renewed_at; });
  }
  return true;
}

Error Lease::DescribeHolder(const std::string& observed, const Call& call) {
  const std::string branch = "the lease of log branch '" + options_.log_branch + "' ";
  if (observed.empty()) {
    return {ErrorCode::kHeldElsewhere, "LeaseLost",
            branch + "was removed by somebody; it is taken again at the next pass"};
  }
  auto holder = ReadHolder(call);
  const std::string by =
      holder ? holder->name + " (engine " + holder->engine + ")" : "another engine";
  return {ErrorCode::kHeldElsewhere, "LeaseHeld",
          branch + "was taken by " + by + "; stop one of the two engines"};
}

}  // namespace sluice::deploylog
