// Text tables with the field types of the built-in kinds; the notation is explained in schema.h.
#pragma once

namespace sluice::sandbox {

extern const char kCoreTypes[];   // meta/v1 and core/v1
extern const char kGroupTypes[];  // every other API group

}  // namespace sluice::sandbox
