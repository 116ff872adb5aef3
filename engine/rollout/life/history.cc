// What was released here, how long it stayed, and what failed.
#include <algorithm>

#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

constexpr size_t kNewest = 50;

ReleaseHistory* FindRelease(Record& record, const std::string& digest) {
  const auto it = std::ranges::find(record.releases, digest, &ReleaseHistory::digest);
  return it == record.releases.end() ? nullptr : &*it;
}

}  // namespace

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
  record.failed.insert(record.failed.begin(),
                       {record.fingerprint, record.release.digest, record.revision, reason,
                        record.rollout, record.kind == "removal" ? "" : record.content});
  if (record.failed.size() > kNewest) record.failed.resize(kNewest);
  const bool differs =
      !record.last_known_good || record.last_known_good->release.digest != record.release.digest;
  if (ReleaseHistory* release = FindRelease(record, record.release.digest); release && differs) {
    release->has_failed = true;
  }
}

void ForgetFailure(Record& record, const FailedContent& failed) {
  std::erase_if(record.failed, [&](const FailedContent& known) {
    return known.fingerprint == failed.fingerprint ||
           (!failed.content.empty() && known.content == failed.content);
  });
}

const FailedContent* FindSameFailure(const Record& record, const std::string& rendered) {
  if (rendered.empty()) return nullptr;
  const auto found = std::ranges::find(record.failed, rendered, &FailedContent::content);
  return found == record.failed.end() ? nullptr : &*found;
}

Record FailedInOtherWords(const Record& record, const FailedContent& known, const Content& at_tip) {
  Record next = record;
  FailedContent form = known;
  form.fingerprint = at_tip.fingerprint;
  form.revision = at_tip.revision;
  next.failed.insert(next.failed.begin(), std::move(form));
  if (next.failed.size() > kNewest) next.failed.resize(kNewest);
  return next;
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

}  // namespace sluice::rollout::life
