// Smoke tests: is what runs now what we meant? (design 4, step 8)
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/config.h"

namespace sluice {
class HttpClient;
}

namespace sluice::verify {

enum class Verdict { kPassed, kFailed, kNoVerdict };
std::string_view ToString(Verdict verdict);

struct TestResult {
  std::string name;
  Verdict verdict = Verdict::kNoVerdict;
  std::string
      message;  // one line: what was called, what came, what was expected, how many attempts
  int attempts = 0;
  std::string tail;  // redacted last KiB of a command's output
  std::optional<int> exit_code;
};

struct Context {
  UnitId unit;
  std::string revision;
  std::string version;
  std::string target;
  // The unit's files (for commands and tasks); read through this, never from a work tree.
  const SourceTree* tree = nullptr;
  std::string directory;         // of the unit in `tree`
  std::vector<TreeEntry> files;  // below `directory`
  bool allow_commands = false;
  // Runs what a TaskSmokeTest names to its end: (manifest) -> passed?, message. An Error is no
  // verdict.
  std::function<Result<std::pair<bool, std::string>>(const nlohmann::json& manifest,
                                                     const Call& call)>
      run_task;
};

// Stops at the first test that does not pass; the rest are left out.
class Verifier {
 public:
  Verifier(HttpClient& http, const Clock& clock) : http_(http), clock_(clock) {}
  std::vector<TestResult> Run(const std::vector<SmokeTest>& tests, const Context& context,
                              const Call& call);

 private:
  HttpClient& http_;
  const Clock& clock_;
};

}  // namespace sluice::verify
