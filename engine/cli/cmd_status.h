#pragma once

#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

struct StatusOptions {
  std::vector<std::string> units;
  bool live = false;  // asks the clusters for health now
};
// What runs where, as the deploy log tells it, beside what the tip declares.
int StatusCommand(const Global& global, const StatusOptions& options);

struct LogOptions {
  std::vector<std::string> units;  // at most one: ENV/APP or ENV
  std::string event;
  int limit = 0;
  bool verbose = false;  // what an event says in further lines, too
};
// The deploy log, newest first.
int LogCommand(const Global& global, const LogOptions& options);

}  // namespace sluice::cli
