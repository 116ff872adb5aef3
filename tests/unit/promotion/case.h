// One decision, described by how it differs from a plain one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time_format.h"
#include "engine/promotion/promotion.h"
#include "tests/support/catch.h"

namespace sluice::promotion {

using namespace std::chrono_literals;
using Kind = Decision::Kind;

inline SystemTime At(const std::string& clock) {
  return *ParseTime("2026-11-21T" + clock + ":00Z");
}

inline ReleaseHistory Succeeded(const std::string& digest, const std::string& clock,
                                Duration stay = 2h) {
  return {digest, "v-" + digest, "commit-" + digest, At(clock), stay, false};
}
inline ReleaseHistory Started(const std::string& digest) {
  return {digest, "v-" + digest, "commit-" + digest, std::nullopt, 0ms, false};
}
inline ReleaseHistory Failed(const std::string& digest) {
  return {digest, "v-" + digest, "commit-" + digest, std::nullopt, 0ms, true};
}

// staging/web had r1 at 05:00 and has r2 since 07:00; prod/web runs r1. It is 08:00, the soak is 30
// minutes.
struct Case {
  Record upstream, target;
  Facts facts;
  bool has_upstream = true, has_target = true;

  Case() {
    upstream.unit = {"staging", "web"};
    upstream.releases = {Succeeded("r2", "07:00", 0ms), Succeeded("r1", "05:00")};
    Run(upstream, "r2");
    upstream.healthy_since = At("07:00");
    target.unit = {"prod", "web"};
    target.releases = {Succeeded("r1", "06:00")};
    Run(target, "r1");
    target.last_known_good = LastKnownGood{"c", "f", "r-1", {"r1", "v-r1"}, At("06:00")};
    facts.now = At("08:00");
    facts.from = upstream.unit;
    facts.to = target.unit;
    facts.declared_in_target = {"r1", "v-r1"};
    facts.soak = 30min;
  }
  static void Run(Record& record, const std::string& digest) {
    record.running = RunningState{"c", "f", {digest, "v-" + digest}};
  }
  Decision Choose() {
    facts.upstream = has_upstream ? &upstream : nullptr;
    facts.target = has_target ? &target : nullptr;
    return promotion::Choose(facts);
  }
};

struct Row {
  std::string name;
  std::function<void(Case&)> edit;
  Kind kind;
  std::string release;  // digest; "" for none
  std::string reason = "";
  std::optional<SystemTime> until = std::nullopt;
};

inline std::string Name(Kind kind) {
  switch (kind) {
    case Kind::kPromote:
      return "promote";
    case Kind::kUpToDate:
      return "up to date";
    case Kind::kWait:
      return "wait";
    case Kind::kHold:
      return "hold";
  }
  return "";
}

inline void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      Case c;
      row.edit(c);
      const Decision decision = c.Choose();
      INFO(decision.message);
      CHECK(Name(decision.kind) == Name(row.kind));
      CHECK(decision.release.digest == row.release);
      CHECK(decision.reason == row.reason);
      CHECK(decision.until == row.until);
      const bool needs_message = row.kind == Kind::kWait || row.kind == Kind::kHold;
      CHECK((!needs_message || !decision.message.empty()));
      if (row.kind == Kind::kPromote) CHECK(decision.source_revision == "commit-" + row.release);
    }
  }
}

}  // namespace sluice::promotion
