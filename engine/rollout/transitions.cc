#include "engine/rollout/transitions.h"

#include <array>

namespace sluice::rollout {
namespace {

struct Row {
  Phase from;
  Trigger trigger;
  Phase to;
};

constexpr std::array<Row, 31> kTable = {{
    {Phase::kIdle, Trigger::kHold, Phase::kHeld},
    {Phase::kIdle, Trigger::kStart, Phase::kApplying},
    {Phase::kIdle, Trigger::kSucceed, Phase::kIdle},
    {Phase::kIdle, Trigger::kFailClean, Phase::kIdle},
    {Phase::kIdle, Trigger::kError, Phase::kIdle},
    {Phase::kHeld, Trigger::kHold, Phase::kHeld},
    {Phase::kHeld, Trigger::kStart, Phase::kApplying},
    {Phase::kHeld, Trigger::kSucceed, Phase::kIdle},
    {Phase::kHeld, Trigger::kFailClean, Phase::kIdle},
    {Phase::kHeld, Trigger::kError, Phase::kIdle},
    {Phase::kApplying, Trigger::kApplied, Phase::kVerifying},
    {Phase::kApplying, Trigger::kSucceed, Phase::kIdle},
    {Phase::kApplying, Trigger::kHold, Phase::kHeld},
    {Phase::kApplying, Trigger::kFail, Phase::kRollingBack},
    {Phase::kApplying, Trigger::kFailClean, Phase::kIdle},
    {Phase::kApplying, Trigger::kError, Phase::kIdle},
    {Phase::kApplying, Trigger::kSupersede, Phase::kIdle},
    {Phase::kApplying, Trigger::kCancel, Phase::kIdle},
    {Phase::kApplying, Trigger::kResume, Phase::kApplying},
    {Phase::kVerifying, Trigger::kNextTarget, Phase::kApplying},
    {Phase::kVerifying, Trigger::kSucceed, Phase::kIdle},
    {Phase::kVerifying, Trigger::kHold, Phase::kHeld},
    {Phase::kVerifying, Trigger::kFail, Phase::kRollingBack},
    {Phase::kVerifying, Trigger::kFailClean, Phase::kIdle},
    {Phase::kVerifying, Trigger::kError, Phase::kIdle},
    {Phase::kVerifying, Trigger::kSupersede, Phase::kIdle},
    {Phase::kVerifying, Trigger::kCancel, Phase::kIdle},
    {Phase::kVerifying, Trigger::kResume, Phase::kApplying},
    {Phase::kRollingBack, Trigger::kRolledBack, Phase::kIdle},
    {Phase::kRollingBack, Trigger::kResume, Phase::kRollingBack},
    {Phase::kRollingBack, Trigger::kSupersede, Phase::kIdle},
}};

}  // namespace

std::string_view ToString(Trigger trigger) {
  switch (trigger) {
    case Trigger::kHold:
      return "Hold";
    case Trigger::kStart:
      return "Start";
    case Trigger::kApplied:
      return "Applied";
    case Trigger::kNextTarget:
      return "NextTarget";
    case Trigger::kSucceed:
      return "Succeed";
    case Trigger::kFail:
      return "Fail";
    case Trigger::kFailClean:
      return "FailClean";
    case Trigger::kError:
      return "Error";
    case Trigger::kSupersede:
      return "Supersede";
    case Trigger::kCancel:
      return "Cancel";
    case Trigger::kRolledBack:
      return "RolledBack";
    case Trigger::kResume:
      return "Resume";
  }
  return "";
}

std::optional<Phase> Next(Phase from, Trigger trigger) {
  for (const Row& row : kTable) {
    if (row.from == from && row.trigger == trigger) return row.to;
  }
  return std::nullopt;
}

}  // namespace sluice::rollout
