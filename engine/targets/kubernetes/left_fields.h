// Fields that others write: generated, injected, scaled, or named by spec.ignore. They are created
// as declared, and left alone from then on. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

// What controllers and injectors write into an object of this kind. Where `live` is null nothing is
// injected yet, and only what is never ours is named.
std::vector<LeftField> GeneratedFields(const PreparedObject& object, const nlohmann::json& live);

// Takes the fields out of the object's body, where live has a place for them, and notes which of
// them are ours. Once for each object.
void LeaveOut(PreparedObject& object, const nlohmann::json& live, std::vector<LeftField> fields);

// The value at a JSON pointer, erased; items of lists included. Nothing there is nothing done.
void EraseAtPointer(nlohmann::json& object, const std::string& pointer);

// Scales the replicas of another object.
struct ScaleTarget {
  std::string group, kind, ns, name;
  bool Is(const ObjectRef& ref) const;
};
std::optional<ScaleTarget> ScaleTargetOf(const nlohmann::json& scaler, const std::string& ns);

}  // namespace sluice::targets::kubernetes
