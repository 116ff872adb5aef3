// What cannot be brought to what is declared now, object by object: it stays as it is and is named,
// and does not keep the rest from going. For a rollback, for content that a rollback left, and for
// a heal; a rollout of new content is refused as a whole. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/rollout/target_session.h"

namespace sluice::rollout::judge {

struct LeftBehind {
  ObjectRef ref;  // empty for what has no place in this target
  std::string why;
};
std::string ToString(const LeftBehind& left);
std::string Join(const std::vector<LeftBehind>& left);
std::set<ObjectRef> RefsOf(const std::vector<LeftBehind>& left);

// Why this object stays as it is although live differs; "" when it can be applied.
std::string WhyItStays(const TargetSession& session, size_t index);

// Takes out of the session's plan what cannot be applied, with its blockers, and names it.
std::vector<LeftBehind> LeaveBehind(TargetSession& session);

}  // namespace sluice::rollout::judge
