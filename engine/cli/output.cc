#include "engine/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/yaml/yaml.h"

namespace sluice::cli {

bool PrintValue(const Global& global, const nlohmann::json& value) {
  if (global.output == Output::kJson) {
    std::printf("%s\n",
                value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return true;
  }
  if (global.output == Output::kYaml) {
    std::fputs(yaml::Write(value).c_str(), stdout);
    return true;
  }
  return false;
}

void PrintTable(const std::vector<std::vector<std::string>>& rows,
                const std::map<size_t, std::vector<std::string>>& further) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], EscapeControl(row[i]).size());
  }
  for (size_t number = 0; number < rows.size(); ++number) {
    const auto& row = rows[number];
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = EscapeControl(row[i]);
      line += cell;
      if (i + 1 < row.size()) line += std::string(widths[i] - cell.size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
    if (const auto lines = further.find(number); lines != further.end()) {
      for (const std::string& more : lines->second)
        std::printf("    %s\n", EscapeControl(more).c_str());
    }
  }
}

int FinishOutput(int exit_code) {
  const bool is_flushed = std::fflush(stdout) == 0;
  const int number = errno;
  if (is_flushed && std::ferror(stdout) == 0) return exit_code;
  std::fprintf(stderr, "sluice: the output could not be written%s%s\n", is_flushed ? "" : ": ",
               is_flushed ? " whole" : ToLower(std::strerror(number)).c_str());
  return Combine(exit_code, kExitErrored);
}

bool IsTerminal() { return isatty(STDOUT_FILENO) == 1; }

}  // namespace sluice::cli
