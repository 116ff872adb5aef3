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

}  // namespace sluice::rollout::life
