// Problems found in files: all of them are collected, each with its place. Pure.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace sluice {

struct SourcePosition {
  std::string file;  // path from the root of the config repo
  int line = 0;      // from 1; 0: the file as a whole
  int column = 0;    // from 1
  auto operator<=>(const SourcePosition&) const = default;
};

struct Diagnostic {
  SourcePosition at;
  std::string rule;     // stable name, e.g. "unknown-field"; docs/reference/reasons.md
  std::string message;  // what was seen, what was expected, "did you mean"
  auto operator<=>(const Diagnostic&) const = default;
};

using Diagnostics = std::vector<Diagnostic>;

// "environments/prod/web/app.yaml:12:7: unknown field 'replica'; did you mean 'replicas'?"
std::string ToString(const Diagnostic& diagnostic);

}  // namespace sluice
