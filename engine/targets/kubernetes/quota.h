// What a full quota says about the content that it keeps out. Pure.
#pragma once

#include <string_view>

namespace sluice::targets::kubernetes {

// "exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2": what is
// asked for would have its place if others left some, so nothing is wrong with it. False where the
// words do not say so.
bool IsFilledByOthers(std::string_view words);

}  // namespace sluice::targets::kubernetes
