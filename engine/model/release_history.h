// Reading what a unit's record says of one release. Used by gates and by promotion, which must
// agree.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "engine/model/record.h"

namespace sluice {

// Null when the unit never started it, or so long ago that the record no longer holds it.
inline const ReleaseHistory* HistoryOf(const Record& record, const std::string& digest) {
  const auto it = std::ranges::find(record.releases, digest, &ReleaseHistory::digest);
  return it == record.releases.end() ? nullptr : &*it;
}

// When the present unbroken Healthy stay of this release began; nullopt when it is not there, or
// not Healthy.
inline std::optional<SystemTime> StaySince(const Record& record, const std::string& digest) {
  const bool runs = record.running && record.running->release.digest == digest;
  return runs ? record.healthy_since : std::nullopt;
}

// The longest unbroken Healthy stay, the present one included.
inline Duration LongestHealthyStay(const Record& record, const std::string& digest,
                                   SystemTime now) {
  const ReleaseHistory* history = HistoryOf(record, digest);
  Duration longest = history ? history->longest_stay : Duration(0);
  if (const auto since = StaySince(record, digest))
    longest = std::max(longest, Duration(now - *since));
  return longest;
}

// False for a release that Succeeded while all that it is was paused or suspended: never Healthy,
// it has not run.
inline bool HasRun(const Record& record, const std::string& digest) {
  const ReleaseHistory* history = HistoryOf(record, digest);
  return (history && history->longest_stay > Duration(0)) || StaySince(record, digest);
}

}  // namespace sluice
