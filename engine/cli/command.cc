#include "engine/cli/command.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/base/strings.h"

namespace sluice::cli {

int Report(const Error& error) {
  std::string text;
  for (const std::string& line : Split(RedactCredentials(error.message()), '\n'))
    text += "sluice: " + EscapeControl(line) + "\n";
  std::fputs(text.c_str(), stderr);
  switch (error.code()) {
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidArgument:
      return kExitUsage;
    case ErrorCode::kHeldElsewhere:
      return kExitHeld;
    default:
      return kExitErrored;
  }
}

int Combine(int a, int b) {
  constexpr std::array<int, 6> kStrictestFirst = {kExitFailed, kExitErrored,     kExitUsage,
                                                  kExitHeld,   kExitDifferences, kExitDone};
  for (const int code : kStrictestFirst) {
    if (a == code || b == code) return code;
  }
  return std::max(a, b);
}

}  // namespace sluice::cli
