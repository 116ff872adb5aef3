// Shorthand for the tests of this folder.
#pragma once

#include <string>

#include "engine/yaml/yaml.h"
#include "tests/support/catch.h"

namespace sluice::yaml {

inline std::string Problems(const Parsed& parsed) {
  std::string out;
  for (const Diagnostic& problem : parsed.problems)
    out += problem.rule + " " + ToString(problem) + "\n";
  return out;
}

// The only document's value, compact; or "! rule: message" of the problem.
inline std::string One(const std::string& text, const std::string& file = "f.yaml") {
  const Parsed parsed = Parse(text, file);
  if (!parsed.problems.empty())
    return "! " + parsed.problems[0].rule + ": " + parsed.problems[0].message;
  if (parsed.documents.size() != 1) return std::to_string(parsed.documents.size()) + " documents";
  return parsed.documents[0].value.dump();
}

// The value of x in "x: <text>".
inline std::string ValueOf(const std::string& scalar) {
  const std::string out = One("x: " + scalar + "\n");
  return out.starts_with("{\"x\":") ? out.substr(5, out.size() - 6) : out;
}

// The key that "<text>: v" gets.
inline std::string KeyOf(const std::string& scalar) {
  const std::string out = One("? " + scalar + "\n: v\n");
  return out.starts_with("{") ? nlohmann::json::parse(out).begin().key() : out;
}

}  // namespace sluice::yaml
