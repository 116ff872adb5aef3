// The command line run as a program of its own.
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/e2e/world.h"
#include "tests/support/paths.h"

namespace sluice::e2e {

inline std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

inline std::string Binary() {
  const char* named = std::getenv("SLUICE_BIN");
  return named != nullptr && *named != '\0' ? named : test::BinaryDirectory() + "/sluice";
}

// Without a world: no config repo, no cluster, no HOME.
inline Ran Plain(const std::vector<std::string>& args) {
  std::vector<std::string> argv = {Binary()};
  argv.insert(argv.end(), args.begin(), args.end());
  return Run({argv, CleanEnvironment("/nonexistent"), "/", "", seconds(60)});
}

inline Ran Tool(const std::vector<std::string>& argv, const std::string& input) {
  return Run({argv, CleanEnvironment("/nonexistent"), "/", input, seconds(60)});
}

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace sluice::e2e
