// Pairs what is declared with what is live and says what to do, and why. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model/plan.h"
#include "engine/model/resource.h"
#include "engine/model/target_kind.h"

namespace sluice::plan {

// The facts about one declared object. The caller translates a driver's Prediction.
struct Declared {
  ObjectRef ref;
  std::string api_version;
  enum class Found {
    kAbsent,
    kSame,
    kDiffers,
    kConflict,
    kRefused,
    kImmutable,
    kUnknowable,
    kDeleting
  } found = Found::kAbsent;
  nlohmann::json before,
      after;  // normalised; used when kDiffers, kImmutable, kConflict or kAbsent (before null)
  bool is_ours = false;     // carries this unit's mark, or is in its inventory
  std::string other_owner;  // mark of another unit; "" for none
  std::string claimed_by;   // another unit that declares it at the tip, too
  // The mark is of no unit of this pipeline, past or present: somebody else's sluice, so it never
  // just moves.
  bool is_other_owner_foreign = false;
  std::string stays;               // why it cannot be brought, where content does not change it
  bool drops = false;              // kConflict: fields that are declared no more, too
  std::string message;             // conflict owners, refusal
  std::string reason;              // of a refusal; "" is ContentRejected
  std::string detail;              // of a refusal, in full
  std::string summary;             // of a difference that is long to read
  bool may_be_replaced = false;    // kImmutable: it opts in, and nothing speaks against it
  std::string replace_advice;      // kImmutable otherwise: what to do instead, or why not
  std::vector<LeftToOthers> left;  // fields that are not sent
};

// An object of the inventory that is no longer declared.
struct Leftover {
  ObjectRef ref;
  std::string api_version;
  bool is_live = false;
  bool is_marked = false;  // carries this unit's mark
  bool is_applied_by_us = false;
  bool is_claimed = false;      // declared by any unit at the tip: ownership moves, never pruned
  bool may_be_claimed = false;  // some unit cannot be read, so it may be declared there
  std::string protected_by;     // why not; "" for nothing
  std::string held_by;          // it is being deleted already, and this keeps it; "" when it is not
  std::string is_also;          // something declared that is this very object by another name
};

struct Policy {
  int prune_max_count = 10;
  int prune_max_percent = 25;   // of the inventory's size
  std::set<ObjectRef> adopted;  // objects `sluice adopt` released for taking over
  bool keep_leftovers = false;  // removal with `keep`
};

struct Input {
  const TargetKind* kind = nullptr;  // of the target
  std::string target;
  std::string unit;                // "prod/checkout", for the commands in messages
  std::string hmac_key;            // for Change::secret_digest; "" for none
  std::vector<Declared> declared;  // in apply order
  std::vector<Leftover> leftovers;
  size_t inventory_size = 0;
  Policy policy;
};

// Blockers: AdoptionRequired, FieldConflict, PruneCapExceeded, DuplicateObject, and refusals by the
// driver's reason.
Plan Build(const Input& input);

// Field-level difference; list items are named by their key where they have one
// ("containers[name=web]"). What is hidden is masked: "***", "*** (before)" and "*** (after)" when
// they differ.
std::vector<FieldChange> DiffFields(const TargetKind& kind, const ObjectRef& ref,
                                    const nlohmann::json& before, const nlohmann::json& after);

// Sets plan.digest: over changes and blockers, secret values only by HMAC with `key` (or "key
// present").
void SetDigest(Plan& plan, const std::string& hmac_key);

// For people. Colour when asked. Unchanged objects only with `all`; differences that are long to
// read, and a target's words in full, only with `verbose`.
enum class Style { kPlain, kColour, kMarkdown };
struct Shown {
  bool all = false;
  bool verbose = false;
};
std::string Format(const Plan& plan, Style style, Shown shown);
// [{target, action, apiVersion, kind, namespace, name, reason, fields[]{path,before,after}}]
nlohmann::json ToJson(const Plan& plan, bool all);

}  // namespace sluice::plan
