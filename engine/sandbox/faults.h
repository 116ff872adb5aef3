// Scripted trouble: refused requests, stale reads, broken connections. The grammar is HelpFaults().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/guarded.h"
#include "engine/sandbox/request_info.h"

namespace sluice::sandbox {

enum class FaultKind { kStatus, kStale, kDrop, kDelay, kEmpty };
enum class DropPoint { kBefore, kAfter, kMid };

struct Fault {
  std::string spec;  // as written
  FaultKind kind = FaultKind::kStatus;
  int status = 0;               // kStatus
  int retry_after_seconds = 0;  // kStatus; 0 = no header
  Duration age{0};              // kStale: how old the answers are
  Duration delay{0};            // kDelay
  DropPoint drop = DropPoint::kMid;
  // Which requests; empty = any.
  std::string verb;  // a verb, "read" or "write"
  std::string path;  // prefix of the path below the cluster
  std::string cluster, ns, resource, name;
  std::optional<bool> dry_run;
  // When: skips `after` matching requests, then acts on each `every`th, at most `count` times.
  int after = 0;
  int every = 1;
  int count = -1;
};

// Errors name the part that is wrong and what is accepted.
Result<Fault> ParseFault(std::string_view spec);
// The syntax of --fault, with examples.
std::string HelpFaults();

// Thread-safe.
class FaultBox {
 public:
  void Add(Fault fault);
  void Clear();
  // The first fault that acts on this request; counts it.
  std::optional<Fault> Match(const RequestInfo& info);

 private:
  struct Armed {
    Fault fault;
    int seen = 0;
    int acted = 0;
  };
  Guarded<std::vector<Armed>> armed_;
};

}  // namespace sluice::sandbox
