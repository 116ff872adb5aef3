// What a lease remembers between calls. Only lease*.cc include this.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "engine/deploylog/lease.h"

namespace sluice::deploylog {

// Renewals in one chain; then a commit without a parent begins the next, where the server lets a
// ref go back. 1000 are 5.5 hours.
inline constexpr int kLongestChain = 1000;

struct Lease::State {
  mutable std::mutex mutex;
  std::condition_variable idle;
  bool is_busy = false;  // a push that replaces the ref is under way

  std::string oid;  // the ref's value while the lease is held; "" without it
  SteadyTime renewed_at{};
  // Leases this object pushed, with the time before the push: a listing may still show an old one,
  // and the outcome of the newest may be unknown.
  std::map<std::string, SteadyTime> own;
  int chained = kLongestChain;  // renewals since the chain began; of one that was found, unknown
  bool may_cut = true;          // until the server refuses to

  // What was seen of another engine.
  Holder other;
  SteadyTime other_since{};  // the ref has this value since then, by our clock
  SteadyTime other_first_seen{};
  int other_changes = 0;  // how often it was seen to renew

  void Hold(const std::string& value, SteadyTime at) {
    oid = value;
    renewed_at = at;
    other = {};
    other_changes = 0;
  }
};

}  // namespace sluice::deploylog
