#include "engine/rollout/recorder.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/time_format.h"
#include "engine/rollout/config_commit.h"

namespace sluice::rollout {
namespace {

constexpr size_t kNewest = 50;
constexpr int kLookBack = 2000;        // commits; older authorship is not worth the time
constexpr size_t kMostDropped = 2000;  // commits that a revert names

std::string Format(const git::Person& person) { return person.name + " <" + person.email + ">"; }

ReleaseHistory* FindRelease(Record& record, const std::string& digest) {
  const auto it = std::ranges::find(record.releases, digest, &ReleaseHistory::digest);
  return it == record.releases.end() ? nullptr : &*it;
}

void Add(Trailers& trailers, const std::string& key, const std::string& value) {
  if (!value.empty()) trailers.emplace_back(key, value);
}

std::string Describe(const ReleaseId& release) {
  if (release.digest.empty()) return "";
  return release.version.empty() ? release.digest : release.version + " " + release.digest;
}

// The wait is a part of the record's rollout, which goes on.
bool IsOfRollout(const Record& record, const Wait& wait) {
  if (wait.is_of_ended_rollout) return true;
  return !record.rollout.empty() && !record.finished && !record.fingerprint.empty() &&
         record.fingerprint == wait.content.fingerprint;
}

bool SameWait(const Record& record, const Wait& wait) {
  // As the log would give it back: long messages are shortened there.
  Record told = record;
  told.message = wait.message;
  told = Normalized(told);
  const auto same_gate = [](const GateRecord& a, const GateRecord& b) {
    return a.gate == b.gate && a.decision == b.decision && a.reason == b.reason &&
           a.until == b.until;
  };
  return record.reason == wait.reason && record.waiting &&
         record.waiting->fingerprint == wait.content.fingerprint &&
         (record.message == wait.message || record.message == told.message) &&
         std::ranges::equal(record.gates, wait.gates, same_gate);
}

}  // namespace

Result<Authorship> FindAuthorship(const Services& services, const std::string& revision,
                                  const std::string& directory) {
  SLUICE_TRY(const auto here, services.mirror.ObjectAt(revision, directory));
  Authorship found;
  std::optional<git::Commit> newest;
  SLUICE_TRY(newest, services.mirror.ReadCommit(revision));
  int left = kLookBack;
  while (left-- > 0 && !newest->parents.empty()) {
    SLUICE_TRY(const auto before, services.mirror.ObjectAt(newest->parents.front(), directory));
    if (before != here) break;
    SLUICE_TRY(newest, services.mirror.ReadCommit(newest->parents.front()));
  }
  found.revision = newest->oid;
  found.author = Format(newest->author);
  if (newest->parents.size() > 1) {
    // A merge: the merged side wrote it, the merge's author let it in.
    SLUICE_TRY(const git::Commit merged, services.mirror.ReadCommit(newest->parents[1]));
    found.approved_by = found.author;
    found.author = Format(merged.author);
    if (found.approved_by == found.author) found.approved_by.clear();
  }
  return found;
}

Result<std::vector<std::string>> CommitsTouching(const Services& services, const std::string& tip,
                                                 const std::string& good,
                                                 const std::string& directory) {
  SLUICE_TRY(const bool is_bounded, IsHere(services, good));
  const std::string until = is_bounded ? good : "";
  const size_t most = is_bounded ? kMostDropped : 1;
  std::vector<std::string> commits;
  Status inner;
  SLUICE_CHECK(
      services.mirror.Log(tip, until, git::Mirror::Walk::kAll, [&](const git::Commit& commit) {
        auto here = services.mirror.ObjectAt(commit.oid, directory);
        if (!here) {
          inner = Fail(here.error());
          return false;
        }
        bool differs_from_all = true;
        for (const std::string& parent : commit.parents) {
          auto before = services.mirror.ObjectAt(parent, directory);
          if (!before) {
            inner = Fail(before.error());
            return false;
          }
          if (*before == *here) differs_from_all = false;
        }
        if (commit.parents.empty()) differs_from_all = here->has_value();
        if (differs_from_all) commits.push_back(commit.oid);
        return commits.size() < most;
      }));
  SLUICE_CHECK(inner);
  return commits;
}

deploylog::Entry MakeEntry(const Services& services, EventKind kind, const Record& record,
                           std::string summary, std::string body, Trailers more) {
  deploylog::Entry entry;
  entry.event.kind = kind;
  entry.event.summary = ToString(record.unit) + ": " + std::move(summary);
  entry.event.body = std::move(body);
  Trailers& trailers = entry.event.trailers;
  Add(trailers, "Environment", record.unit.environment);
  Add(trailers, "Application", record.unit.application);
  Add(trailers, "Revision", record.revision);
  Add(trailers, "Fingerprint", record.fingerprint);
  Add(trailers, "Release", Describe(record.release));
  if (record.outcome) Add(trailers, "Outcome", std::string(ToString(*record.outcome)));
  Add(trailers, "Reason", record.reason);
  Add(trailers, "Plan-Digest", record.plan);
  Add(trailers, "Rollout", record.rollout);
  if (record.attempt > 0) Add(trailers, "Attempt", std::to_string(record.attempt));
  if (record.started) Add(trailers, "Started", FormatTime(*record.started));
  if (record.finished) Add(trailers, "Finished", FormatTime(*record.finished));
  for (auto& [key, value] : more) Add(trailers, key, value);
  entry.record = record;
  entry.record->engine = services.options.engine;
  log::Info(ToString(kind), {{"unit", ToString(record.unit)},
                             {"revision", record.revision.substr(0, 7)},
                             {"rollout", record.rollout},
                             {"phase", ToString(record.phase)},
                             {"reason", record.reason},
                             {"message", entry.event.summary}});
  return entry;
}

deploylog::Entry MakeEntryAbout(const Services& services, EventKind kind, const Record& record,
                                const Content& content, std::string summary, std::string body,
                                Trailers more) {
  Record told = record;
  told.revision = content.revision;
  told.fingerprint = content.fingerprint;
  told.release = content.release;
  told.rollout.clear();
  told.plan.clear();
  told.attempt = 0;
  told.started.reset();
  told.finished.reset();
  if (kind != EventKind::kErrored) told.outcome.reset();
  auto entry =
      MakeEntry(services, kind, told, std::move(summary), std::move(body), std::move(more));
  const std::string engine = entry.record->engine;
  entry.record = record;
  entry.record->engine = engine;
  return entry;
}

Result<bool> RecordWait(const Services& services, Record& record, const Wait& wait) {
  const bool is_error = wait.kind == EventKind::kErrored;
  // Whether an error is news, its caller has decided: its message varies.
  const bool is_known = !is_error && SameWait(record, wait) && record.phase == Phase::kHeld;
  SLUICE_CHECK(Advance(record, is_error ? Trigger::kError : Trigger::kHold));
  if (is_error) record.outcome = Outcome::kErrored;
  record.reason = wait.reason;
  record.message = wait.message;
  record.wake = wait.wake;
  record.gates = wait.gates;
  const bool is_of_rollout = IsOfRollout(record, wait);
  record.waiting = Waiting{wait.content.revision, wait.content.fingerprint, wait.errors};
  if (is_known) return false;
  Trailers more;
  for (const GateRecord& gate : wait.gates) {
    if (gate.decision != "open")
      more.emplace_back("Gate", gate.gate + " " + gate.decision + " " + gate.reason);
  }
  const std::string summary = wait.reason + ": " + wait.message;
  auto entry = is_of_rollout ? MakeEntry(services, wait.kind, record, summary, "", std::move(more))
                             : MakeEntryAbout(services, wait.kind, record, wait.content, summary,
                                              "", std::move(more));
  SLUICE_CHECK(services.log.Append(std::move(entry), services.GitCall()));
  return true;
}

Status Advance(Record& record, Trigger trigger) {
  const auto next = Next(record.phase, trigger);
  if (!next) {
    return Fail(ErrorCode::kInternal, ToString(record.unit) + ": no transition " +
                                          std::string(ToString(trigger)) + " from phase " +
                                          std::string(ToString(record.phase)));
  }
  record.phase = *next;
  // What it waited with has come to an end. A start that continues a rollout keeps it.
  const bool goes_on = trigger == Trigger::kHold || trigger == Trigger::kError ||
                       trigger == Trigger::kStart || trigger == Trigger::kApplied ||
                       trigger == Trigger::kNextTarget || trigger == Trigger::kResume;
  if (!goes_on) record.waiting.reset();
  return {};
}

void NoteStartedRelease(Record& record) {
  if (record.release.digest.empty()) return;
  if (FindRelease(record, record.release.digest)) return;
  ReleaseHistory entry;
  entry.digest = record.release.digest;
  entry.version = record.release.version;
  entry.revision = record.revision;
  record.releases.insert(record.releases.begin(), entry);
  if (record.releases.size() > kNewest) record.releases.resize(kNewest);
}

void NoteSucceeded(Record& record, SystemTime now) {
  NoteStartedRelease(record);
  if (ReleaseHistory* release = FindRelease(record, record.release.digest)) {
    if (!release->first_succeeded) {
      release->first_succeeded = now;
      release->revision = record.revision;
    }
    release->has_failed = false;
  }
}

void NoteFailed(Record& record, const std::string& reason) {
  std::erase_if(record.failed,
                [&](const FailedContent& f) { return f.fingerprint == record.fingerprint; });
  record.failed.insert(record.failed.begin(), {record.fingerprint, record.release.digest,
                                               record.revision, reason, record.rollout});
  if (record.failed.size() > kNewest) record.failed.resize(kNewest);
  const bool differs =
      !record.last_known_good || record.last_known_good->release.digest != record.release.digest;
  if (ReleaseHistory* release = FindRelease(record, record.release.digest); release && differs) {
    release->has_failed = true;
  }
}

bool HasFailed(const Record& record, const std::string& fingerprint) {
  return std::ranges::find(record.failed, fingerprint, &FailedContent::fingerprint) !=
         record.failed.end();
}

void CloseStay(Record& record, SystemTime now) {
  if (!record.healthy_since) return;
  if (record.running) {
    if (ReleaseHistory* release = FindRelease(record, record.running->release.digest)) {
      release->longest_stay =
          std::max(release->longest_stay, Duration(now - *record.healthy_since));
    }
  }
  record.healthy_since.reset();
}

}  // namespace sluice::rollout
