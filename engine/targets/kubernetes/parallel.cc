#include "engine/targets/kubernetes/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sluice::targets::kubernetes {

void ForEachInParallel(size_t count, const std::function<void(size_t)>& use) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) use(i);
  };
  std::vector<std::jthread> threads;
  const size_t wanted = std::min(count, kMaxInFlight);
  threads.reserve(wanted);
  // The calling thread is one of the workers; one call costs no thread at all.
  for (size_t i = 1; i < wanted; ++i) threads.emplace_back(work);
  work();
}

}  // namespace sluice::targets::kubernetes
