// What the cases of failed rollouts begin with.
#pragma once

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {

using FailureNames = std::vector<std::string>;

// good1 has Succeeded, `files` on top of it is what the next pass meets.
inline std::string Worsen(World& world, const Files& files = {
                                            {kDirectory + "release.yaml", ReleaseYaml("bad2")}}) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.ForgetCalls();
  world.us.ForgetCalls();
  return world.Commit(files, "Bring the bad one\n");
}

inline const Error kRefusal(ErrorCode::kRejected, "spec.replicas: must be positive");
inline const Error kAway(ErrorCode::kUnavailable, "no route to host");

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace sluice::rollout
