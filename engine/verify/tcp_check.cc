#include "engine/io/http_client.h"
#include "engine/io/tcp.h"
#include "engine/verify/checks.h"

namespace sluice::verify {

CallOutcome CheckTcp(const TcpSmokeTest& test, const Call& call) {
  const auto status = ConnectTcp(test.address, call);
  if (status) return Passed("tcp " + test.address + ": connected");
  const Error& error = status.error();
  if (error.code() == ErrorCode::kInvalidArgument) return CannotRun("tcp " + error.message());
  const bool says_no = error.reason() == kReasonConnectionFailed;
  return says_no ? SaidNo("tcp " + error.message()) : NoVerdict("tcp " + error.message());
}

}  // namespace sluice::verify
