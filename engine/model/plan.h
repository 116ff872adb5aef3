// What a rollout is going to do: a list of changes. Built by engine/plan, executed by
// engine/rollout.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/model/object_ref.h"

namespace sluice {

enum class Action { kCreate, kUpdate, kReplace, kPrune, kAdopt, kUnchanged, kSkip };

std::string_view ToString(Action action);  // "create", ...

struct FieldChange {
  std::string path;       // "/spec/template/spec/containers[name=web]/image"
  nlohmann::json before;  // null: absent. What is secret is masked already.
  nlohmann::json after;
  bool operator==(const FieldChange&) const = default;
};

// A field that is not sent, for others write it.
struct LeftToOthers {
  std::string path;  // JSON pointer
  std::string why;
  bool operator==(const LeftToOthers&) const = default;
};

struct Change {
  std::string target;
  Action action = Action::kUnchanged;
  std::string api_version;
  ObjectRef ref;
  std::string reason;  // why this action: "image changed", "not in the inventory", "owned by
                       // manager 'hpa' ..."
  std::vector<FieldChange> fields;
  // Stands for what the object is to keep secret: an HMAC, or "key present"; "" for nothing.
  std::string secret_digest;
  std::vector<LeftToOthers> left;
  // One line in the place of `fields`, for who does not ask for all of them; "" where they are few.
  std::string summary = {};
  std::string blocked_by = {};  // the reason of the blocker that is about it; "" for none
  bool operator==(const Change&) const = default;
};

// Why a plan must not be applied now: the unit is Held, or Failed where the content is refused.
struct PlanBlocker {
  std::string reason;  // AdoptionRequired, FieldConflict, UnknownKind, NamespaceMissing,
                       // PruneCapExceeded, ...
  std::string message;
  std::string detail = {};  // the target's words in full, where they are more
  bool is_refusal = false;  // the target refuses the content: trying it again changes nothing
};

struct Plan {
  std::vector<Change> changes;  // apply order, prunes last
  std::vector<PlanBlocker> blockers;
  std::string digest;    // over everything but what is secret
  bool IsEmpty() const;  // nothing but Unchanged and Skip
};

}  // namespace sluice
