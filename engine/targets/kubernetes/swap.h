// What a write is compared with: the object as it was when the write was planned
// (docs/decisions/0032-writes-are-compare-and-swap.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

inline constexpr std::string_view kReasonChangedMeanwhile = "ChangedMeanwhile";

inline constexpr int kMaxRounds = 10;  // of one write to an object whose status keeps moving

struct Seen {
  std::string uid;  // "": it was not there
  std::string resource_version;
  std::string mark;  // whose it was
  bool is_deleting = false;
};

Seen SeenIn(const LiveState& live, const ObjectRef& ref);
Seen SeenIn(const nlohmann::json& body);

// The text of `body` with what makes the server compare.
Result<std::string> BodyWithPreconditions(const nlohmann::json& body, const Seen& seen);

// One apply on its way: what it is compared with moves on with each of its requests.
struct Applying {
  WriteMode mode;
  Force force;
  Seen seen;  // not of a dry run
};

// Which object our manager wrote last, and when (to the second): who writes in our name moves it.
struct Written {
  std::string uid, time;
  bool operator==(const Written&) const = default;
};
// nullopt when our manager owns nothing of it.
std::optional<Written> WrittenIn(const nlohmann::json& body);

// The server found another state than the one the write was compared with.
bool IsRace(int http_status, const nlohmann::json& status_body);

// After kMaxRounds: ChangedMeanwhile, with the server's words.
Error NeverStill(const ObjectRef& ref, const nlohmann::json& status_body);

// What is there now is what was seen, but for changes that are nobody's decision about whose it is:
// what to compare with next. Else why not, as ChangedMeanwhile. `mark` is our unit's: an object
// that appeared is ours only with it.
Result<Seen> StillTheSame(const Seen& seen, const nlohmann::json* now, const ObjectRef& ref,
                          const std::string& mark);

}  // namespace sluice::targets::kubernetes
