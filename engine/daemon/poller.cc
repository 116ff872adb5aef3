#include "engine/daemon/poller.h"

#include "engine/base/log.h"
#include "engine/rollout/reconcile.h"
#include "engine/rollout/takeover.h"

namespace sluice::daemon {

std::string SeenRef(const std::string& branch) { return "refs/sluice/seen/" + branch; }

Poller::View Poller::Get() const {
  return view_.With([](const View& view) { return view; });
}

Result<std::map<std::string, std::string>> Poller::List() {
  const auto& options = services_.options;
  const rollout::StepTimer timer(services_, "poll");
  return services_.remote.List({"refs/heads/" + options.branch, "refs/heads/" + options.log_branch,
                                deploylog::Lease::RefName(options.log_branch)},
                               services_.GitCall());
}

Status Poller::TryLease() {
  SLUICE_TRY(const auto refs, List());
  const auto lease = refs.find(deploylog::Lease::RefName(services_.options.log_branch));
  return services_.lease->TryAcquire(lease == refs.end() ? "" : lease->second, services_.GitCall());
}

Status Poller::CheckHistory(const std::string& tip) {
  SLUICE_TRY(const auto seen, services_.mirror.Resolve(SeenRef(services_.options.branch)));
  if (seen && *seen != tip) {
    SLUICE_TRY(const bool descends, services_.mirror.IsAncestor(*seen, tip));
    if (!descends) {
      return Fail(ErrorCode::kCorrupted, "HistoryRewritten",
                  "branch " + services_.options.branch + " was rewritten: its tip " +
                      tip.substr(0, 7) + " does not descend from " + seen->substr(0, 7) +
                      ", the last one seen; nothing is synced. Restore the branch, or accept the "
                      "new history with `sluice init --accept-history`");
    }
  }
  return services_.mirror.SetRef(SeenRef(services_.options.branch), tip);
}

Status Poller::TakeConfig(const std::string& tip) {
  const View view = Get();
  if (view.snapshot && view.snapshot->revision == tip) return {};
  const std::string ref = "refs/heads/" + services_.options.branch;
  SLUICE_TRY(const auto known, services_.mirror.Resolve(git::MirrorRef(ref)));
  if (known != tip) SLUICE_CHECK(services_.remote.Fetch({ref}, services_.GitCall()));
  SLUICE_TRY(const auto fetched, services_.mirror.Resolve(git::MirrorRef(ref)));
  const std::string revision = fetched.value_or(tip);  // it may have moved on since the listing
  SLUICE_CHECK(CheckHistory(revision));
  SLUICE_TRY(auto snapshot, rollout::LoadSnapshot(services_, revision, view.snapshot.get()));
  log::Info("revision", {{"revision", revision}, {"units", snapshot->declared.units.size()}});
  for (const Diagnostic& problem : snapshot->declared.problems)
    log::Err("config_invalid", {{"error", ToString(problem)}});
  view_.With([&](View& v) { v.snapshot = snapshot; });
  return {};
}

// The first pass on an empty log.
Status Poller::BeginLog() {
  if (!services_.log.Get()->tip.empty()) return {};
  // What stood when the log began must be known whole; it is never written again.
  if (const auto& problems = Get().snapshot->declared.problems; !problems.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid", ToString(problems.front()));
  }
  SLUICE_CHECK(rollout::RefuseLostLog(services_, *Get().snapshot));
  return rollout::Initialise(services_, *Get().snapshot);
}

Result<bool> Poller::Poll() {
  SLUICE_TRY(const auto refs, List());
  const auto find = [&](const std::string& ref) {
    const auto it = refs.find(ref);
    return it == refs.end() ? std::string() : it->second;
  };
  const std::string tip = find("refs/heads/" + services_.options.branch);
  if (tip.empty()) {
    return Fail(
        ErrorCode::kNotFound, "BranchMissing",
        "the config repo has no branch '" + services_.options.branch +
            "', or is empty: push the config to it, or set spec.repository.branch in daemon.yaml");
  }
  const auto snapshot_before = Get().snapshot;
  const std::string log_before = services_.log.Get()->tip;
  SLUICE_CHECK(services_.log.Refresh(find("refs/heads/" + services_.options.log_branch),
                                     services_.GitCall()));
  SLUICE_CHECK(TakeConfig(tip));
  SLUICE_CHECK(BeginLog());
  return Get().snapshot != snapshot_before || services_.log.Get()->tip != log_before;
}

}  // namespace sluice::daemon
