#include <cstdio>
#include <exception>

#include "engine/cli/command_line.h"
#include "engine/cli/output.h"

int main(int argc, char** argv) {
  try {
    const sluice::cli::Parsed parsed = sluice::cli::ParseCommandLine(argc, argv);
    return sluice::cli::FinishOutput(parsed.run ? parsed.run() : parsed.exit_code);
  } catch (const std::exception& error) {
    std::fprintf(stderr,
                 "sluice: internal error: %s; please report it with the command that caused it\n",
                 error.what());
    return sluice::cli::kExitErrored;
  }
}
