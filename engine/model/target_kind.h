// The pure half of the seam for kinds of target: what is declared for one means, without asking
// anybody. The half that talks is targets/target_driver.h. A kind has no state and does no I/O; one
// table in cli/compose.cc names the kinds there are, and everything else knows only this interface.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/model/object_ref.h"
#include "engine/model/resource.h"
#include "engine/model/target.h"

namespace sluice {

// One field of a target of the kind in environment.yaml. All are texts.
struct TargetSetting {
  std::string_view name;
  bool is_required = false;
  bool is_label = false;  // must be a DNS label
  std::string_view fallback;
};

class TargetKind {
 public:
  virtual ~TargetKind() = default;

  // The word for it in environment.yaml: "- {name: eu, WORD: {...}}".
  virtual std::string_view Name() const = 0;
  virtual std::vector<TargetSetting> Settings() const = 0;
  // Of a target, for fingerprints and records: it must not change with the program's version.
  virtual std::string Identity(const Target& target) const = 0;
  // Where the target's objects share one set of names, for people: "context prod-eu".
  virtual std::string Place(const Target& target) const = 0;

  // Identity of a rendered object in the target, as far as it can be told without asking it.
  virtual ObjectRef RefIn(const Resource& resource, const Target& target) const = 0;
  // Every identity it may turn out to have there.
  virtual std::vector<ObjectRef> Claims(const Resource& resource, const Target& target) const = 0;
  // Whether a claim holds whatever the target turns out to say.
  virtual bool IsCertain(const ObjectRef& claim) const = 0;
};

// The kinds this program knows; never empty.
using TargetKinds = std::vector<const TargetKind*>;

}  // namespace sluice
