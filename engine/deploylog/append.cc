// Appending to the log: entries that wait at the same time share one push, atomic with the lease.
#include <algorithm>
#include <set>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/deploylog/deploy_log_impl.h"
#include "engine/deploylog/log_format.h"

namespace sluice::deploylog {
namespace {

constexpr int kAttempts = 8;
constexpr Duration kFirstWait = 100ms;  // after an unknown outcome; doubles
constexpr size_t kMaxBatch = 1000;      // commits of one push
// How long a push waits for others where several came together the last time: each costs the server
// and this machine a handful of processes.
constexpr Duration kGather = 100ms;

bool HasTrailer(const Event& event, std::string_view key) {
  return std::ranges::any_of(event.trailers,
                             [&](const auto& trailer) { return trailer.first == key; });
}

Result<std::optional<UnitId>> UnitOf(const Entry& entry) {
  std::optional<UnitId> unit;
  if (entry.record) {
    unit = entry.record->unit;
  } else {
    UnitId named;
    for (const auto& [key, value] : entry.event.trailers) {
      if (key == "Environment") named.environment = value;
      if (key == "Application") named.application = value;
    }
    if (!named.environment.empty() && !named.application.empty()) unit = named;
  }
  if (!unit) return unit;
  if (!ParseUnitId(ToString(*unit)) || unit->environment == kRequests) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + EscapeControl(ToString(*unit)) + "' cannot be a unit of the log");
  }
  return unit;
}

std::string MessageOf(const Entry& entry, const std::optional<UnitId>& unit,
                      const std::string& engine) {
  std::vector<std::pair<std::string, std::string>> trailers = {
      {"Event", std::string(ToString(entry.event.kind))}};
  if (unit && !HasTrailer(entry.event, "Environment"))
    trailers.emplace_back("Environment", unit->environment);
  if (unit && !HasTrailer(entry.event, "Application"))
    trailers.emplace_back("Application", unit->application);
  for (const auto& [key, value] : entry.event.trailers) {
    if (key != "Event" && key != "Engine") trailers.emplace_back(key, value);
  }
  if (!HasTrailer(entry.event, "Operation")) trailers.emplace_back("Operation", NewOperationId());
  trailers.emplace_back("Engine", engine);
  return git::FormatMessage(entry.event.summary, entry.event.body, trailers);
}

git::TreeEdit ListEdit(const std::string& path, const Inventory& inventory) {
  std::string text = FormatInventory(inventory);
  if (text.empty()) return {path, git::TreeEdit::Remove{}};
  return {path, git::TreeEdit::Content{std::move(text)}};
}

}  // namespace

git::CommitSpec MakeSpec(const std::string& parent, std::vector<git::TreeEdit> edits,
                         std::string message, const git::Person& person, SystemTime time) {
  git::CommitSpec spec;
  if (!parent.empty()) spec.parents = {parent};
  spec.base_commit = parent;
  spec.edits = std::move(edits);
  spec.message = std::move(message);
  spec.author = person;
  spec.time = time;
  return spec;
}

// The tree is put together once in a commit that is never pushed, so that what was last known good
// before goes whole.
Status DeployLog::Impl::PrepareGood(const Entry& entry, const UnitId& unit,
                                    std::vector<git::TreeEdit>& edits) {
  const std::string prefix = options.path.empty() || options.path == "." ? "" : options.path + "/";
  std::vector<git::TreeEdit> parts;
  for (const std::string& path : entry.good_paths) {
    const std::string source = prefix + path;
    SLUICE_TRY(const auto oid, mirror.ObjectAt(*entry.good_commit, source));
    if (!oid) {
      return Fail(ErrorCode::kNotFound,
                  "'" + source + "' is not in commit " + Short(*entry.good_commit) +
                      ", but should be kept as last known good of " + ToString(unit));
    }
    SLUICE_TRY(const auto file, mirror.ReadFile(*entry.good_commit, source));
    if (file) {
      parts.push_back({path, git::TreeEdit::Blob{*oid}});
    } else {
      parts.push_back({path, git::TreeEdit::Subtree{*oid}});
    }
  }
  SLUICE_TRY(const std::string scratch,
             mirror.WriteCommit(MakeSpec("", std::move(parts), "last known good\n",
                                         options.identity, clock.SystemNow())));
  SLUICE_TRY(const auto tree, mirror.ObjectAt(scratch, ""));
  if (!tree) return Fail(ErrorCode::kInternal, "commit " + Short(scratch) + " has no tree");
  edits.push_back({GoodPath(unit), git::TreeEdit::Subtree{*tree}});
  return {};
}

Result<PreparedEntry> DeployLog::Impl::Prepare(const Entry& entry) {
  SLUICE_TRY(const auto unit, UnitOf(entry));
  PreparedEntry out;
  const bool needs_unit =
      entry.record || entry.inventory || entry.created || entry.good_commit || entry.removes_unit;
  if (needs_unit && !unit) {
    return Fail(ErrorCode::kInternal,
                "event '" + std::string(ToString(entry.event.kind)) + "' names no unit");
  }
  std::vector<git::TreeEdit>& edits = out.edits;
  if (entry.removes_unit) {
    for (const std::string& path :
         {RecordPath(*unit), InventoryPath(*unit), CreatedPath(*unit), GoodPath(*unit)}) {
      edits.push_back({path, git::TreeEdit::Remove{}});
    }
  } else {
    if (entry.record)
      edits.push_back({RecordPath(*unit), git::TreeEdit::Content{FormatRecord(*entry.record)}});
    if (entry.inventory) edits.push_back(ListEdit(InventoryPath(*unit), *entry.inventory));
    if (entry.created) edits.push_back(ListEdit(CreatedPath(*unit), *entry.created));
    if (entry.good_commit) SLUICE_CHECK(PrepareGood(entry, *unit, edits));
  }
  for (const std::string& id : entry.removed_requests) {
    if (!IsRequestId(id))
      return Fail(ErrorCode::kInvalidArgument, "'" + EscapeControl(id) + "' is not a request's id");
    edits.push_back({RequestPath(id), git::TreeEdit::Remove{}});
  }
  if (entry.initialised) {
    edits.push_back(
        {std::string(kLogFile), git::TreeEdit::Content{FormatInitialised(*entry.initialised)}});
  }
  out.message = MessageOf(entry, unit, options.engine);
  out.time = clock.SystemNow();
  return out;
}

Status DeployLog::Append(Entry entry, const Call& call) {
  std::vector<Entry> entries;
  entries.push_back(std::move(entry));
  return AppendAll(entries, call);
}

Status DeployLog::AppendAll(const std::vector<Entry>& entries, const Call& call) {
  if (!impl_->lease)
    return Fail(ErrorCode::kInternal, "the deploy log was opened for reading only");
  std::vector<PreparedEntry> prepared;
  for (const Entry& entry : entries) {
    auto ready = impl_->Prepare(entry);
    if (!ready)
      return Fail(std::move(ready).error().With("recording '" + entry.event.summary + "'"));
    prepared.push_back(*std::move(ready));
  }
  if (prepared.empty()) return {};
  return impl_->Enqueue(std::move(prepared), call);
}

size_t DeployLog::PendingAppends() const {
  const std::lock_guard lock(impl_->queue_mutex);
  return impl_->queue.size();
}

// The first to come leads: it pushes what waits until its own entries are done, then another waiter
// leads.
Status DeployLog::Impl::Enqueue(std::vector<PreparedEntry> entries, const Call& call) {
  Waiter waiter{.entries = std::move(entries), .call = call};
  std::unique_lock lock(queue_mutex);
  queue.push_back(&waiter);
  while (!waiter.is_done) {
    if (!has_leader) {
      Lead(lock);
      continue;
    }
    const auto may_go_on = [&] { return waiter.is_done || !has_leader; };
    if (waiter.is_taken) {
      // Its commits may be on their way: only the push can tell.
      queue_changed.wait(lock, may_go_on);
    } else if (!queue_changed.wait_until(lock, call.stop, call.deadline,
                                         [&] { return may_go_on() || waiter.is_taken; })) {
      std::erase(queue, &waiter);
      const bool is_stopped = call.stop.stop_requested();
      return Fail(is_stopped ? ErrorCode::kCancelled : ErrorCode::kDeadlineExceeded,
                  "the entry was not pushed: it waited behind another push");
    }
  }
  return std::move(waiter.result);
}

void DeployLog::Impl::Lead(std::unique_lock<std::mutex>& lock) {
  has_leader = true;
  if (came_together > 1) queue_changed.wait_for(lock, kGather, [] { return false; });
  std::vector<Waiter*> taken;
  std::vector<const PreparedEntry*> batch;
  while (!queue.empty() &&
         (taken.empty() || batch.size() + queue.front()->entries.size() <= kMaxBatch)) {
    Waiter* waiter = queue.front();
    queue.pop_front();
    waiter->is_taken = true;
    taken.push_back(waiter);
    for (const PreparedEntry& entry : waiter->entries) batch.push_back(&entry);
  }
  came_together = taken.size();
  Call call = taken.front()->call;
  for (const Waiter* waiter : taken) call.deadline = std::max(call.deadline, waiter->call.deadline);
  if (taken.size() > 1) call.stop = {};  // one caller's stop is not the others'
  lock.unlock();
  Status result = PushBatch(batch, call);
  lock.lock();
  for (Waiter* waiter : taken) {
    if (!result) {
      waiter->result = Fail(result.error());
    }
    waiter->is_done = true;
  }
  has_leader = false;
  queue_changed.notify_all();
}

// One commit per entry; the id of the last.
Result<std::string> DeployLog::Impl::Build(const std::string& base,
                                           const std::vector<const PreparedEntry*>& batch) {
  std::string tip = base;
  for (const PreparedEntry* entry : batch) {
    SLUICE_TRY(tip, mirror.WriteCommit(MakeSpec(tip, entry->edits, entry->message, options.identity,
                                                entry->time)));
  }
  return tip;
}

Status DeployLog::Impl::PushBatch(const std::vector<const PreparedEntry*>& batch,
                                  const Call& call) {
  const std::lock_guard lock(network);
  if (!is_read) {
    SLUICE_TRY(auto refs, List(call));
    SLUICE_CHECK(RefreshLocked(refs[ref], call));
  }
  Attempt attempt{.base = Current()->state.tip};
  std::string built_on = attempt.base;
  SLUICE_TRY(attempt.tip, Build(attempt.base, batch));
  std::string last_words;
  Duration wait = kFirstWait;
  for (int tries = 1; tries <= kAttempts; ++tries) {
    if (built_on != attempt.base) {
      built_on = attempt.base;
      SLUICE_TRY(attempt.tip, Build(attempt.base, batch));
    }
    SLUICE_TRY(const git::RefUpdate renewal, lease->PrepareRenewal());
    auto pushed = remote.Push({{ref, attempt.tip, attempt.base}, renewal}, call);
    if (pushed && pushed->outcome == git::PushOutcome::kLanded) {
      lease->RenewalLanded(renewal);
      // Saves the next fetch; without it there is one more.
      if (auto set = mirror.SetRef(git::MirrorRef(ref), attempt.tip); !set) {
        log::Debug("log_ref_not_set", {{"error", set.error().message()}});
      }
      return Publish(attempt.tip);
    }
    lease->RenewalAbandoned(renewal);
    if (!pushed) {
      // Nothing was sent this time, but an earlier try may have landed.
      if (!attempt.is_unknown)
        return Fail(std::move(pushed).error().With("pushing log branch '" + options.branch + "'"));
      last_words = pushed.error().message();
    } else if (pushed->outcome == git::PushOutcome::kRefused) {
      return Fail(ErrorCode::kPermissionDenied, "LogPushRefused",
                  "the server refuses the push to log branch '" + options.branch + "': " +
                      pushed->message + "; let this engine push to it and to refs/sluice/*");
    } else {
      last_words = pushed->message;
      attempt.is_unknown = attempt.is_unknown || pushed->outcome == git::PushOutcome::kUnknown;
    }
    auto after = Settle(attempt, batch, call);
    if (after && *after == After::kLanded) return {};
    if (!after) {
      if (!attempt.is_unknown || !IsRetryable(after.error().code()))
        return Fail(std::move(after).error());
      last_words = after.error().message();
    }
    if (clock.SteadyNow() + wait >= call.deadline || !clock.Sleep(wait, call.stop)) break;
    wait *= 2;
  }
  return Fail(
      ErrorCode::kUnavailable, attempt.is_unknown ? "LogPushUnknown" : "LogPushRaced",
      (attempt.is_unknown
           ? "it is not known whether the push to log branch '" + options.branch + "' landed: "
           : "log branch '" + options.branch + "' moved at every try to push: ") +
          last_words + "; it is looked up at the next pass");
}

Result<DeployLog::Impl::After> DeployLog::Impl::Settle(
    Attempt& attempt, const std::vector<const PreparedEntry*>& batch, const Call& call) {
  SLUICE_TRY(auto refs, List(call));
  const std::string lease_ref = refs[Lease::RefName(options.branch)];
  std::string tip = refs[ref];
  if (tip != attempt.base) {
    SLUICE_TRY(tip, FetchBranch(tip, call));
    if (tip.empty() && !attempt.base.empty()) return Fail(Missing());
  }
  if (tip != attempt.base) {
    SLUICE_CHECK(CheckDescends(attempt.base, tip));
    SLUICE_TRY(const bool is_landed, mirror.IsAncestor(attempt.tip, tip));
    if (is_landed) {
      if (!lease->Recognise(lease_ref)) lease->Lost();
      SLUICE_CHECK(Publish(tip));
      return After::kLanded;
    }
    attempt.is_unknown = false;  // what was built on the old tip can no longer land
  }
  if (!lease->Recognise(lease_ref)) {
    Error error = lease->DescribeHolder(lease_ref, call);
    lease->Lost();
    return Fail(std::move(error));
  }
  if (tip == attempt.base) return After::kTryAgain;
  auto judged = JudgeNewCommits(attempt.base, tip, batch);
  if (!judged && judged.error().code() == ErrorCode::kHeldElsewhere) {
    lease->Lost();
    return Fail(std::move(judged).error());
  }
  SLUICE_CHECK(Publish(tip));  // the caller decides again from what is there now
  SLUICE_CHECK(judged);
  attempt.base = tip;
  return After::kTryAgain;
}

Status DeployLog::Impl::JudgeNewCommits(const std::string& base, const std::string& tip,
                                        const std::vector<const PreparedEntry*>& batch) {
  std::string foreign;
  SLUICE_CHECK(mirror.Log(tip, base, git::Mirror::Walk::kAll, [&](const git::Commit& commit) {
    const std::string engine = EngineOf(commit);
    if (!engine.empty() && engine != options.engine) foreign = engine;
    return foreign.empty();
  }));
  if (!foreign.empty()) {
    return Fail(ErrorCode::kHeldElsewhere, "LogHeldElsewhere",
                "engine " + EscapeControl(foreign) + " wrote to log branch '" + options.branch +
                    "' meanwhile; stop one of the two engines");
  }
  // Requests only add files of their own. Whatever else came must not have touched what we are
  // about to replace.
  std::set<std::string> paths;
  for (const PreparedEntry* entry : batch) {
    for (const git::TreeEdit& edit : entry->edits) paths.insert(edit.path);
  }
  for (const std::string& path : paths) {
    std::optional<std::string> before;
    if (!base.empty()) {
      SLUICE_TRY(before, mirror.ObjectAt(base, path));
    }
    SLUICE_TRY(const auto now, mirror.ObjectAt(tip, path));
    if (before == now) continue;
    return Fail(ErrorCode::kConflict, "LogMoved",
                "'" + path + "' of log branch '" + options.branch +
                    "' was changed meanwhile (now at " + Short(tip) +
                    "); it is decided again at the next pass");
  }
  return {};
}

}  // namespace sluice::deploylog
