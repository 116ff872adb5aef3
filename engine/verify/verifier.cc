#include <algorithm>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/verify/checks.h"
#include "engine/verify/verify.h"

namespace sluice::verify {
namespace {

// Room for what a check does after its own deadline: a command gets 5 s to end when asked to.
constexpr Duration kMaxWait = std::chrono::hours(24);

class TestRun {
 public:
  TestRun(const SmokeTest& test, const Context& context, HttpClient& http, const Clock& clock,
          const Call& call)
      : test_(test), context_(context), http_(http), clock_(clock), call_(call) {}

  TestResult Run() {
    TestResult result;
    result.name = test_.name;
    const int most = std::max(0, test_.retries) + 1;
    CallOutcome outcome;
    while (result.attempts < most) {
      if (result.attempts > 0 && !Wait()) break;
      ++result.attempts;
      outcome = Attempt();
      if (outcome.verdict == Verdict::kPassed || outcome.is_final || IsOver()) break;
    }
    // Not all attempts could be made: the last "no" might have become a "yes".
    if (outcome.verdict == Verdict::kFailed && result.attempts < most && !outcome.is_final) {
      outcome.verdict = Verdict::kNoVerdict;
      outcome.message += "; ended before all " + std::to_string(most) + " attempts were made";
    }
    result.verdict = outcome.verdict;
    result.message = std::move(outcome.message);
    if (result.attempts > 1)
      result.message +=
          " (attempt " + std::to_string(result.attempts) + " of " + std::to_string(most) + ")";
    result.tail = std::move(outcome.tail);
    result.exit_code = outcome.exit_code;
    return result;
  }

 private:
  bool IsOver() const {
    return call_.stop.stop_requested() || clock_.SteadyNow() >= call_.deadline;
  }

  // False when the call ended meanwhile.
  bool Wait() const {
    const auto left = std::chrono::ceil<Duration>(call_.deadline - clock_.SteadyNow());
    return clock_.Sleep(std::clamp(test_.interval, Duration(0), std::max(Duration(0), left)),
                        call_.stop) &&
           !IsOver();
  }

  CallOutcome Attempt() {
    const int samples = std::max(1, test_.samples);
    const int required = test_.required > 0 ? std::min(test_.required, samples) : samples;
    int passed = 0, open = 0, made = 0;
    CallOutcome last_bad, last_good;
    while (made < samples) {
      if (made > 0 && !Wait()) break;
      ++made;
      CallOutcome outcome = CallOnce();
      if (outcome.is_final) return outcome;
      switch (outcome.verdict) {
        case Verdict::kPassed:
          ++passed;
          last_good = std::move(outcome);
          break;
        case Verdict::kFailed:
          last_bad = std::move(outcome);
          break;
        case Verdict::kNoVerdict:
          ++open;
          if (last_bad.verdict != Verdict::kFailed) last_bad = std::move(outcome);
          break;
      }
      const int to_come = samples - made;
      if (passed >= required || passed + open + to_come < required) break;
    }
    CallOutcome outcome = passed >= required ? std::move(last_good) : std::move(last_bad);
    if (passed < required) {
      // The calls without a verdict, or never made, could have been good ones.
      const bool may_have_passed = passed + open + (samples - made) >= required;
      outcome.verdict = may_have_passed ? Verdict::kNoVerdict : Verdict::kFailed;
      if (outcome.message.empty()) outcome.message = "ended before a verdict";
    }
    if (samples > 1) {
      outcome.message = std::to_string(passed) + " of " + std::to_string(made) + " calls passed, " +
                        std::to_string(required) + " of " + std::to_string(samples) +
                        " must; last: " + outcome.message;
    }
    return outcome;
  }

  CallOutcome CallOnce() {
    const Duration timeout = std::clamp(test_.timeout, Duration(1), kMaxWait);
    const SteadyTime own = clock_.SteadyNow() + timeout;
    const Call call{std::min(own, call_.deadline), call_.stop};
    CallOutcome outcome =
        std::visit([&](const auto& check) { return Check(check, call); }, test_.check);
    outcome.message = EscapeControl(outcome.message);
    if (call_.stop.stop_requested()) return CannotRun("stopped before a verdict");
    if (outcome.verdict == Verdict::kFailed && call_.deadline < own && IsOver()) {
      outcome.verdict = Verdict::kNoVerdict;  // it did not get the time it was promised
      outcome.message += "; the time for verification was over";
    }
    return outcome;
  }

  CallOutcome Check(const HttpSmokeTest& test, const Call& call) {
    return CheckHttp(test, http_, call);
  }
  CallOutcome Check(const TcpSmokeTest& test, const Call& call) { return CheckTcp(test, call); }
  CallOutcome Check(const CommandSmokeTest& test, const Call& call) {
    return CheckCommand(test, context_, call);
  }
  CallOutcome Check(const TaskSmokeTest& test, const Call& call) {
    return CheckTask(test, context_, call);
  }

  const SmokeTest& test_;
  const Context& context_;
  HttpClient& http_;
  const Clock& clock_;
  const Call& call_;
};

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kNoVerdict:
      return "no-verdict";
  }
  return "no-verdict";
}

CallOutcome Passed(std::string message) {
  return {.verdict = Verdict::kPassed, .message = std::move(message)};
}
CallOutcome SaidNo(std::string message) {
  return {.verdict = Verdict::kFailed, .message = std::move(message)};
}
CallOutcome NoVerdict(std::string message) {
  return {.verdict = Verdict::kNoVerdict, .message = std::move(message)};
}
CallOutcome CannotRun(std::string message) {
  return {.verdict = Verdict::kNoVerdict, .message = std::move(message), .is_final = true};
}

std::vector<TestResult> Verifier::Run(const std::vector<SmokeTest>& tests, const Context& context,
                                      const Call& call) {
  std::vector<TestResult> results;
  for (const SmokeTest& test : tests) {
    results.push_back(TestRun(test, context, http_, clock_, call).Run());
    if (results.back().verdict != Verdict::kPassed) break;
  }
  return results;
}

}  // namespace sluice::verify
