// Can a TCP connection be made?
#pragma once

#include <string>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice {

// Connects to "host:port" ("[::1]:443" for IPv6) and closes again; every address of the host is
// tried. kUnavailable with reason kReasonDnsFailed or kReasonConnectionFailed (http_client.h),
// kDeadlineExceeded, kCancelled, or kInvalidArgument for what is no address. Thread-safe.
Status ConnectTcp(const std::string& address, const Call& call);

}  // namespace sluice
