#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/object_ref.h"

namespace sluice {

// Never compare by order; use Worst().
enum class Health { kHealthy, kProgressing, kSuspended, kDegraded, kMissing, kUnknown };

std::string_view ToString(Health health);
std::optional<Health> ParseHealth(std::string_view text);

struct ObjectHealth {
  ObjectRef ref;
  Health health = Health::kUnknown;
  // A reason a person knows: "ImagePullBackOff", "ProgressDeadlineExceeded", "CrashLoopBackOff";
  // may be empty.
  std::string reason;
  // One line: which pod, which container, exit code, what the server said.
  std::string message;
  // True for what cannot recover by waiting (InvalidImageName, Job Failed, crash loop after its
  // grace).
  bool is_terminal = false;
  bool operator==(const ObjectHealth&) const = default;
};

// Degraded > Unknown > Missing > Progressing > Suspended > Healthy; Healthy for none.
Health Worst(std::span<const ObjectHealth> objects);

}  // namespace sluice
