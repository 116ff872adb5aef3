// Kinds of target for tests.
#pragma once

#include <string>

#include "engine/targets/kubernetes/kubernetes_kind.h"

namespace sluice::testing {

// What the program has.
inline const TargetKinds& Kinds() {
  static const TargetKinds kinds = {&targets::kubernetes::KindOfTarget()};
  return kinds;
}

inline Target ClusterTarget(const std::string& name, const std::string& context,
                            const std::string& ns = "default") {
  return {name, Kinds().front(), {{"context", context}, {"namespace", ns}}};
}

}  // namespace sluice::testing
