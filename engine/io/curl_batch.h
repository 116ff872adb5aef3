// What one call hands to the client's I/O thread, and where the answers come back. Private to
// engine/io.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/curl_transfer.h"

namespace sluice {

class Batch;
using BatchTimers = std::multimap<SteadyTime, std::shared_ptr<Batch>>;

// The requests of one call. The caller's side is under `mutex`; the rest belongs to the I/O thread.
// It points into the caller's requests, so the caller stays until `remaining` is 0.
class Batch final {
 public:
  Batch(std::vector<const HttpRequest*> all, const Call& call)
      : requests(std::move(all)),
        deadline(call.deadline),
        start(std::chrono::steady_clock::now()),
        active(requests.size()),
        remaining(requests.size()),
        results(requests.size()) {}

  void Finish(size_t index, Result<HttpResponse> result) {
    const std::lock_guard lock(mutex);
    if (results[index]) return;
    results[index].emplace(std::move(result));
    if (--remaining == 0) changed.notify_all();
  }

  const std::vector<const HttpRequest*> requests;
  const SteadyTime deadline;
  const SteadyTime start;

  // I/O thread.
  std::vector<std::unique_ptr<CurlTransfer>> active;
  std::optional<BatchTimers::iterator> timer;
  size_t unfinished() const { return active.size() - finished; }
  size_t finished = 0;
  std::vector<bool> is_finished = std::vector<bool>(active.size());

  std::mutex mutex;
  std::condition_variable changed;
  size_t remaining;
  std::vector<std::optional<Result<HttpResponse>>> results;
};

}  // namespace sluice
