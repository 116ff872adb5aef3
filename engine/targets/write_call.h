// What bounds a call that writes: besides its deadline, who may write now.
#pragma once

#include <functional>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::targets {

// Asked right before each request that writes is sent, from any thread: until when that request may
// be under way. An Error: it must not be sent (LeaseLate: not now; LeaseLost: not any more).
using WritePermission = std::function<Result<SteadyTime>()>;

struct WriteCall : Call {
  WritePermission may_write;
};

// Error::reason() of what was not sent, or whose fate is unknown, because nobody may write now; it
// may be sent again once it is permitted (docs/reference/reasons.md).
inline constexpr std::string_view kReasonLeaseLate = "LeaseLate";

}  // namespace sluice::targets
