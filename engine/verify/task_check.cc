#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/model/target_kind.h"
#include "engine/verify/checks.h"
#include "engine/yaml/yaml.h"

namespace sluice::verify {
namespace {

Result<nlohmann::json> ReadManifest(const TaskSmokeTest& test, const Context& context) {
  const Task task = test.kind->TaskOfTests();
  const std::string path =
      (context.directory.empty() ? "" : context.directory + "/") + test.manifest;
  const auto entry = std::ranges::find(context.files, path, &TreeEntry::path);
  if (!context.tree || entry == context.files.end())
    return Fail(ErrorCode::kNotFound, "there is no file '" + path + "'");
  SLUICE_TRY(const std::string text, context.tree->Read(*entry));
  auto parsed = yaml::Parse(text, path);
  if (!parsed.problems.empty())
    return Fail(ErrorCode::kInvalidConfig, ToString(parsed.problems.front()));
  if (parsed.documents.size() != 1) {
    return Fail(ErrorCode::kInvalidConfig, path + ": " + std::to_string(parsed.documents.size()) +
                                               " documents, expected one " +
                                               std::string(task.object));
  }
  nlohmann::json manifest = std::move(parsed.documents.front().value);
  if (!test.kind->IsTask(manifest)) {
    return Fail(ErrorCode::kInvalidConfig, path + ": expected a " + std::string(task.object) +
                                               " of " + std::string(task.type));
  }
  return manifest;
}

}  // namespace

CallOutcome CheckTask(const TaskSmokeTest& test, const Context& context, const Call& call) {
  const std::string what = std::string(test.kind->TaskOfTests().word) + " '" + test.manifest + "'";
  const auto manifest = ReadManifest(test, context);
  if (!manifest) return CannotRun(what + ": " + manifest.error().message());
  if (!context.run_task) return CannotRun(what + ": this target runs none");
  const auto outcome = context.run_task(*manifest, call);
  if (!outcome) return NoVerdict(what + ": " + outcome.error().message());
  return outcome->first ? Passed(what + ": " + outcome->second)
                        : SaidNo(what + ": " + outcome->second);
}

}  // namespace sluice::verify
