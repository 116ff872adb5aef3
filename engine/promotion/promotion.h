// Which release may go to the next environment. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/record.h"

namespace sluice::promotion {

struct Facts {
  SystemTime now{};
  UnitId from, to;
  const Record* upstream = nullptr;  // null: no record yet
  const Record* target = nullptr;    // null: no record yet
  ReleaseId
      declared_in_target;  // release.yaml of the target at the tip; digest "" when it has none
  bool is_target_recorded = true;  // the tip's content of the target has a finished record
  Duration soak{0};
  // Digests known from the `initialised` event as upstream's or the target's.
  std::vector<std::string> initial_releases;
  // `sluice promote`: a person may replace a hot fix, bring back what was rolled back, and need not
  // wait for the target's rollout. Failed releases and the soak still count.
  bool is_by_person = false;
};

struct Decision {
  enum class Kind {
    kPromote,   // copy `release` now
    kUpToDate,  // nothing newer
    kWait,      // a candidate exists: until `until`, or for the target's open rollout
    kHold,      // a person must act: hot fix in the target (UnknownReleaseInTarget), target frozen;
                // only with is_by_person: what is newer failed here or was withdrawn upstream
  };
  Kind kind = Kind::kUpToDate;
  ReleaseId release;
  std::string source_revision;  // config commit at which upstream succeeded with it
  std::string reason;           // docs/reference/reasons.md
  std::string message;
  std::optional<SystemTime> until;
};

// Design 7: of the releases that Succeeded upstream, whose longest Healthy stay there reaches the
// soak and that did not fail here, the one whose first success upstream is latest and later than
// that of the target's. Besides:
// - "the target's" covers every release that Succeeded there, so a person's rollback is not undone;
// and a release from
//   which upstream itself went back is no candidate.
// - Of two releases that both stood when the log began nobody knows which is newer: only a person
// promotes it.
Decision Choose(const Facts& facts);

// Longest Healthy stay of a release upstream as of `now`, counting the present stay.
Duration LongestStay(const Record& record, const std::string& digest, SystemTime now);

}  // namespace sluice::promotion
