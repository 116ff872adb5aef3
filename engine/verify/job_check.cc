#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/verify/checks.h"
#include "engine/yaml/yaml.h"

namespace sluice::verify {
namespace {

Result<nlohmann::json> ReadManifest(const JobSmokeTest& test, const Context& context) {
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
                                               " documents, expected one Job");
  }
  nlohmann::json manifest = std::move(parsed.documents.front().value);
  const bool is_job = manifest.is_object() &&
                      manifest.value("apiVersion", nlohmann::json()) == "batch/v1" &&
                      manifest.value("kind", nlohmann::json()) == "Job";
  if (!is_job) return Fail(ErrorCode::kInvalidConfig, path + ": expected a Job of batch/v1");
  return manifest;
}

}  // namespace

CallOutcome CheckJob(const JobSmokeTest& test, const Context& context, const Call& call) {
  const std::string what = "job '" + test.manifest + "'";
  const auto manifest = ReadManifest(test, context);
  if (!manifest) return CannotRun(what + ": " + manifest.error().message());
  if (!context.run_task) return CannotRun(what + ": this target runs no jobs");
  const auto outcome = context.run_task(*manifest, call);
  if (!outcome) return NoVerdict(what + ": " + outcome.error().message());
  return outcome->first ? Passed(what + ": " + outcome->second)
                        : SaidNo(what + ": " + outcome->second);
}

}  // namespace sluice::verify
