#include "engine/daemon/poller.h"

#include "engine/base/log.h"
#include "engine/rollout/reconcile.h"
#include "engine/rollout/takeover.h"

namespace sluice::daemon {

namespace {

constexpr std::string_view kAcceptedTip = "Accepted-Revision";

std::string TrailerOf(const Event& event, std::string_view wanted) {
  for (const auto& [key, value] : event.trailers) {
    if (key == wanted) return value;
  }
  return "";
}

// The newest tip of the config branch that the log knows of; "" for none. Only events that speak of
// the tip of their time count: others repeat what an older rollout was of.
Result<std::string> NewestTip(deploylog::DeployLog& log) {
  for (const int limit : {100, 0}) {
    deploylog::DeployLog::Filter filter;
    filter.limit = limit;
    SLUICE_TRY(const auto events, log.History(filter));
    for (const Event& event : events) {
      if (std::string tip = TrailerOf(event, kAcceptedTip); !tip.empty()) return tip;
      const bool is_of_tip =
          event.kind == EventKind::kInitialised || event.kind == EventKind::kStarted ||
          event.kind == EventKind::kSucceeded || event.kind == EventKind::kAdopted;
      if (std::string tip = TrailerOf(event, "Revision"); is_of_tip && !tip.empty()) return tip;
    }
  }
  return std::string();
}

// A commit that is gone is nobody's ancestor.
Result<bool> Descends(git::Mirror& mirror, const std::string& newer, const std::string& older) {
  auto is_ancestor = mirror.IsAncestor(older, newer);
  if (!is_ancestor && is_ancestor.error().code() == ErrorCode::kNotFound) return false;
  return is_ancestor;
}

}  // namespace

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

Status Poller::FindAcceptance() {
  const std::string log_tip = services_.log.Get()->tip;
  if (acceptance_.log_tip == log_tip) return {};
  deploylog::DeployLog::Filter filter;
  filter.kind = EventKind::kRequest;
  SLUICE_TRY(const auto events, services_.log.History(filter));
  acceptance_ = {log_tip, ""};
  for (const Event& event : events) {
    acceptance_.config_tip = TrailerOf(event, kAcceptedTip);
    if (!acceptance_.config_tip.empty()) break;
  }
  return {};
}

// Another engine may have been told to accept the rewrite, with a data directory of its own.
Result<bool> Poller::IsAcceptedElsewhere(const std::string& seen, const std::string& tip) {
  SLUICE_CHECK(FindAcceptance());
  const std::string& accepted = acceptance_.config_tip;
  if (accepted.empty()) return false;
  // What was seen since then tells of a newer rewrite, which nobody accepted. So does what others
  // saw since then and the tip lost.
  SLUICE_TRY(const bool is_older, Descends(services_.mirror, seen, accepted));
  if (is_older) return false;
  SLUICE_TRY(const std::string newest, NewestTip(services_.log));
  return Descends(services_.mirror, tip, newest);
}

Status Poller::CheckHistory(const std::string& tip) {
  SLUICE_TRY(const auto kept, services_.mirror.Resolve(SeenRef(services_.options.branch)));
  std::string seen = kept.value_or("");
  // The data directory is only a cache; the log outlives it.
  if (!kept) {
    SLUICE_TRY(seen, NewestTip(services_.log));
  }
  bool descends = true;
  if (!seen.empty()) {
    SLUICE_TRY(descends, Descends(services_.mirror, tip, seen));
  }
  if (!descends && !accepts_rewritten_) {
    // Without a tip of its own the log's newest is what counts, acceptance or not.
    Result<bool> is_accepted = false;
    if (kept) is_accepted = IsAcceptedElsewhere(seen, tip);
    if (!is_accepted) return Fail(is_accepted.error());
    if (*is_accepted) return services_.mirror.SetRef(SeenRef(services_.options.branch), tip);
    return Fail(ErrorCode::kCorrupted, "HistoryRewritten",
                "branch " + services_.options.branch + " was rewritten: its tip " +
                    tip.substr(0, 7) + " does not descend from " + seen.substr(0, 7) +
                    ", the last one seen; nothing is synced. Restore the branch, or accept the "
                    "new history with `sluice init --accept-history`");
  }
  if (!descends && !services_.log.Get()->tip.empty()) {
    deploylog::Entry entry;
    entry.event.kind = EventKind::kRequest;
    entry.event.summary = "the rewritten history of branch " + services_.options.branch +
                          " is accepted at " + tip.substr(0, 7) + ", after " + seen.substr(0, 7);
    entry.event.trailers = {{std::string(kAcceptedTip), tip}};
    SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
  }
  return services_.mirror.SetRef(SeenRef(services_.options.branch), tip);
}

Status Poller::TakeConfig(const std::string& tip) {
  const View view = Get();
  if (view.snapshot && view.snapshot->revision == tip) return {};
  const std::string ref = "refs/heads/" + services_.options.branch;
  SLUICE_TRY(const auto known, services_.mirror.Resolve(git::MirrorRef(ref)));
  if (known != tip) SLUICE_CHECK(services_.remote.Fetch({ref}, services_.FetchCall()));
  SLUICE_TRY(const auto fetched, services_.mirror.Resolve(git::MirrorRef(ref)));
  const std::string revision = fetched.value_or(tip);  // it may have moved on since the listing
  SLUICE_CHECK(CheckHistory(revision));
  SLUICE_TRY(auto snapshot, rollout::LoadSnapshot(services_, revision, view.snapshot.get()));
  // A broken sluice.yaml says nothing of the name; its problems are told elsewhere.
  if (const std::string& name = snapshot->declared.pipeline.name; !name.empty())
    SLUICE_CHECK(services_.log.CheckPipeline(name));
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
  const std::lock_guard lock(polling_);
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
