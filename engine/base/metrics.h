// Counts for `sync --metrics-file` and the benchmarks. Thread-safe.
#pragma once

#include <map>
#include <string>

#include "engine/base/guarded.h"

namespace sluice {

class Metrics {
 public:
  struct Values {
    std::map<std::string, int64_t>
        requests;           // to targets, by verb: get list watch patch create delete
    int64_t git_calls = 0;  // network listings, fetches and pushes
    std::map<std::string, double>
        steps;  // seconds by step: poll load render observe plan apply health verify prune record
  };
  void CountRequest(const std::string& verb) {
    values_.With([&](Values& v) { ++v.requests[verb]; });
  }
  void CountGitCall() {
    values_.With([](Values& v) { ++v.git_calls; });
  }
  void AddStep(const std::string& step, double seconds) {
    values_.With([&](Values& v) { v.steps[step] += seconds; });
  }
  Values Snapshot() const {
    return values_.With([](const Values& v) { return v; });
  }

 private:
  Guarded<Values> values_;
};

}  // namespace sluice
