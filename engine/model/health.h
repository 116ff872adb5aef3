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
  // The target's own word for it, which a person knows: "ImagePullBackOff"; may be empty.
  std::string reason;
  // One line: which part of it, exit code, what the server said.
  std::string message;
  // True for what cannot recover by waiting.
  bool is_terminal = false;
  // Nothing is wrong but that nobody has reported on it, and nobody is known to do so here: no
  // deadline condemns it.
  bool is_unreported = false;
  bool is_done = false;  // it ran to its end, and may be gone from now on
  // It is another object than the one that was applied or seen, or was written since in our name.
  bool is_changed_meanwhile = false;
  bool operator==(const ObjectHealth&) const = default;
};

// What an application says about the health of its objects over what the target says.
struct HealthRules {
  struct Pattern {
    std::string kind;  // "Certificate", or with its group "Certificate.cert-manager.io"
    std::string name;  // "": any
    bool Matches(const ObjectRef& ref) const;
    bool operator==(const Pattern&) const = default;
  };
  std::vector<Pattern> require;  // somebody has to report on them
  std::vector<Pattern> ignore;   // whatever they say, unless they are missing
  bool operator==(const HealthRules&) const = default;
};
// What the target found, as the rules see it.
void Overrule(const HealthRules& rules, std::vector<ObjectHealth>& objects);

// Degraded > Unknown > Missing > Progressing > Suspended > Healthy; Healthy for none.
Health Worst(std::span<const ObjectHealth> objects);

}  // namespace sluice
