// The lease's ref on the server: reading it, and replacing it by one more commit.
#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/deploylog/lease_state.h"

namespace sluice::deploylog {
namespace {

constexpr size_t kMaxName = 200;

std::string TrailerOf(const git::Commit& commit, std::string_view key) {
  for (const auto& [name, value] : commit.trailers) {
    if (ToLower(name) == key) return EscapeControl(std::string_view(value).substr(0, kMaxName));
  }
  return "";
}

}  // namespace

Result<Lease::Holder> Lease::ReadHolder(const Call& call) {
  SLUICE_CHECK(remote_.Fetch({ref_}, call));
  SLUICE_TRY(const auto oid, mirror_.Resolve(git::MirrorRef(ref_)));
  if (!oid) return Fail(ErrorCode::kNotFound, "'" + ref_ + "' is not there");
  // Anything may be pushed to the ref: what is no lease of ours is somebody else's.
  Holder holder{*oid, "unknown", "an unknown holder"};
  if (const auto commit = mirror_.ReadCommit(*oid)) {
    if (std::string engine = TrailerOf(*commit, "sluice-engine"); !engine.empty())
      holder.engine = std::move(engine);
    if (std::string name = TrailerOf(*commit, "sluice-holder"); !name.empty())
      holder.name = std::move(name);
  }
  return holder;
}

Result<std::string> Lease::WriteLease(const std::string& parent) {
  git::CommitSpec spec;
  // Each renewal is a child of the last: a server with receive.denyNonFastForwards takes nothing
  // else. The last is in the mirror: it was written here, or fetched to learn the holder. What is
  // no commit, because anything may be pushed to the ref, has no children.
  if (!parent.empty() && mirror_.ReadCommit(parent)) spec.parents = {parent};
  // The nonce makes two renewals within a second two objects.
  spec.message = git::FormatMessage(
      "Lease of " + options_.log_branch + ": " + EscapeControl(options_.holder), "",
      {{"Engine", options_.engine},
       {"Holder", EscapeControl(options_.holder)},
       {"Nonce", RandomHex(8)}});
  spec.author = options_.identity;
  spec.time = clock_.SystemNow();
  return mirror_.WriteCommit(spec);
}

// The caller is Busy. kHeldElsewhere: the ref is not `expected_old` any more.
Status Lease::Push(const std::string& expected_old, const Call& call) {
  SLUICE_TRY(const std::string oid, WriteLease(expected_old));
  SLUICE_CHECK(PushLease(oid, expected_old, call));
  const std::lock_guard lock(state_->mutex);
  state_->chained = expected_old.empty() ? 0 : state_->chained + 1;
  return {};
}

// True when the lease was renewed by a commit without a parent, so that what the server keeps of it
// stays small. The caller is Busy.
Result<bool> Lease::CutChain(const std::string& expected_old, const Call& call) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->may_cut || state_->chained < kLongestChain) return false;
  }
  SLUICE_TRY(const std::string oid, WriteLease(""));
  const Status pushed = PushLease(oid, expected_old, call);
  const std::lock_guard lock(state_->mutex);
  if (pushed) {
    state_->chained = 0;
    return true;
  }
  // Whatever it was, the renewal that follows finds out whether the lease is still ours.
  if (pushed.error().code() == ErrorCode::kPermissionDenied) state_->may_cut = false;
  return false;
}

// kHeldElsewhere: the ref is not `expected_old` any more.
Status Lease::PushLease(const std::string& oid, const std::string& expected_old, const Call& call) {
  // Before the push: others count from a moment after it.
  const SteadyTime begun = clock_.SteadyNow();
  {
    const std::lock_guard lock(state_->mutex);
    state_->own[oid] = begun;
  }
  SLUICE_TRY(const git::PushResult result, remote_.Push({{ref_, oid, expected_old}}, call));
  switch (result.outcome) {
    case git::PushOutcome::kLanded:
      (void)Recognise(oid);
      Keep(oid);
      return {};
    case git::PushOutcome::kRaced:
      return Fail(ErrorCode::kHeldElsewhere, "LeaseHeld",
                  "another engine took the lease of log branch '" + options_.log_branch +
                      "' just now; stop one of the two engines");
    case git::PushOutcome::kRefused:
      return Fail(ErrorCode::kPermissionDenied, "LeasePushRefused",
                  "the server refuses '" + ref_ + "': " + result.message +
                      "; let this engine write refs/sluice/*");
    case git::PushOutcome::kUnknown:
      break;
  }
  SLUICE_TRY(const std::string observed, ListRef(call));
  if (observed == oid) {
    (void)Recognise(oid);
    return {};
  }
  return Fail(ErrorCode::kUnavailable, "LeaseUnknown",
              "it is not known whether the lease of log branch '" + options_.log_branch +
                  "' was renewed: " + result.message);
}

// So that the mirror's own tidying leaves the chain whole.
void Lease::Keep(const std::string& oid) {
  if (auto set = mirror_.SetRef(git::MirrorRef(ref_), oid); !set)
    log::Debug("lease_ref_not_set", {{"error", set.error().message()}});
}

Result<std::string> Lease::ListRef(const Call& call) {
  SLUICE_TRY(const auto refs, remote_.List({ref_}, call));
  const auto it = refs.find(ref_);
  return it == refs.end() ? std::string() : it->second;
}

}  // namespace sluice::deploylog
