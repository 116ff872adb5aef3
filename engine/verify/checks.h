// The kinds of smoke test; each makes one call and says what came of it. Private to engine/verify.
//
// No (the new version does not do what it should, Failed) is told apart from no verdict (nothing
// was learned about it, Errored). A version that does not listen, hangs, breaks the connection or
// answers wrongly says no. Names that do not resolve, TLS that cannot be verified, and tests that
// cannot be run leave it open: they do not go away by rolling back.
#pragma once

#include <optional>
#include <string>

#include "engine/verify/verify.h"

namespace sluice::verify {

struct CallOutcome {
  Verdict verdict = Verdict::kNoVerdict;
  std::string message;    // one line
  bool is_final = false;  // trying again cannot help
  std::string tail;
  std::optional<int> exit_code;
};

CallOutcome Passed(std::string message);
CallOutcome SaidNo(std::string message);
CallOutcome NoVerdict(std::string message);
CallOutcome CannotRun(std::string message);  // no verdict, final

// `call` bounds this one call.
CallOutcome CheckHttp(const HttpSmokeTest& test, HttpClient& http, const Call& call);
CallOutcome CheckTcp(const TcpSmokeTest& test, const Call& call);
CallOutcome CheckCommand(const CommandSmokeTest& test, const Context& context, const Call& call);
CallOutcome CheckTask(const TaskSmokeTest& test, const Context& context, const Call& call);

}  // namespace sluice::verify
