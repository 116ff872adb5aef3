#include "engine/cli/units.h"

#include <cstdlib>

#include "engine/base/strings.h"
#include "engine/io/subprocess.h"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string GitConfig(const std::string& key) {
  ProcessSpec spec;
  spec.argv = {"git", "config", "--get", key};
  spec.env = {{"PATH", Environment("PATH")}, {"HOME", Environment("HOME")}};
  const auto done = RunProcess(spec, {std::chrono::steady_clock::now() + 5s, {}});
  return done && done->exit_code == 0 ? std::string(Trim(done->stdout_text)) : "";
}

}  // namespace

Result<UnitId> ParseUnit(const std::string& argument) {
  if (auto unit = ParseUnitId(argument)) return *unit;
  return Fail(ErrorCode::kInvalidArgument,
              "'" + argument + "' is not a unit; write ENV/APP, for example prod/checkout");
}

Result<std::set<UnitId>> SelectUnits(const std::vector<std::string>& arguments,
                                     const rollout::Snapshot& snapshot,
                                     const deploylog::State& state) {
  std::set<UnitId> known;
  for (const auto& [unit, declared] : snapshot.declared.units) known.insert(unit);
  for (const auto& [unit, record] : state.records) known.insert(unit);
  if (arguments.empty()) return known;
  std::vector<std::string> names;
  for (const UnitId& unit : known) names.push_back(ToString(unit));
  std::set<UnitId> selected;
  for (const std::string& argument : arguments) {
    SLUICE_TRY(const UnitId unit, ParseUnit(argument));
    if (!known.contains(unit)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no unit " + argument + " is declared or recorded" + DidYouMean(argument, names));
    }
    selected.insert(unit);
  }
  return selected;
}

git::Person Operator(const git::Person& fallback) {
  git::Person person{Environment("GIT_AUTHOR_NAME"), Environment("GIT_AUTHOR_EMAIL")};
  if (person.name.empty()) person.name = GitConfig("user.name");
  if (person.email.empty()) person.email = GitConfig("user.email");
  return person.name.empty() || person.email.empty() ? fallback : person;
}

}  // namespace sluice::cli
