// Many blocking calls at once, in order of their index.
#pragma once

#include <cstddef>
#include <functional>

namespace sluice::targets::kubernetes {

// What one target is asked at once at most (the API server's own limit is shared by everybody).
inline constexpr size_t kMaxInFlight = 64;

// Calls use(0) … use(count-1), at most kMaxInFlight at a time, and returns when all have returned.
// `use` must not throw; it runs on several threads, the caller's among them.
void ForEachInParallel(size_t count, const std::function<void(size_t)>& use);

}  // namespace sluice::targets::kubernetes
