// What every command gets, and the exit codes (design 11; docs/reference/cli.md).
#pragma once

#include <string>
#include <vector>

#include "engine/base/error.h"

namespace sluice::cli {

enum ExitCode {
  kExitDone = 0,
  kExitErrored = 1,  // no verdict
  kExitUsage = 2,    // usage or invalid configuration
  kExitFailed = 3,   // a rollout Failed (and was handled)
  kExitHeld = 4,
  kExitDifferences = 5,  // plan --exit-code, drift --exit-code
};

enum class Output { kTable, kJson, kYaml, kMarkdown, kText, kSarif, kJunit };

struct Global {
  std::string config;  // -c; "": SLUICE_CONFIG
  Output output = Output::kTable;
  bool is_output_given = false;
  std::string log_format, log_level;  // "" : as daemon.yaml says
};

// "sluice: <message>" on stderr; the exit code that fits the error.
int Report(const Error& error);
// The stricter of two: 3 before 1 before 2 before 4 before 5 before 0.
int Combine(int a, int b);

}  // namespace sluice::cli
