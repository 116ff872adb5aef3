// What a world's clusters were asked for, by their audit logs.
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "tests/support/e2e/text.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

// A line of kube-apiserver's audit log.
std::optional<SeenRequest> ParseAudit(const nlohmann::json& entry) {
  const std::string verb = entry.value("verb", ""), uri = entry.value("requestURI", "");
  if (verb != "create" && verb != "update" && verb != "patch" && verb != "delete" &&
      verb != "deletecollection") {
    return std::nullopt;
  }
  return SeenRequest{verb, uri, uri.find("dryRun=All") != std::string::npos};
}

// A line of the sandbox's, which holds everybody's writes.
std::optional<SeenRequest> ParseSandboxAudit(const nlohmann::json& entry) {
  if (entry.value("userAgent", "").rfind("sluice", 0) != 0) return std::nullopt;
  const std::string verb = entry.value("verb", "");
  return SeenRequest{verb == "apply" ? "patch" : verb, entry.value("path", ""),
                     entry.value("dryRun", false)};
}

}  // namespace

std::vector<SeenRequest> World::Requests() const {
  const std::string path = clusters_dir_ + "/audit.log";
  if (!std::filesystem::exists(path)) throw std::runtime_error("no audit log at " + path);
  std::vector<SeenRequest> requests;
  for (const auto& line : SplitAt(ReadFile(path), '\n')) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;  // a line that is being written
    const auto request = IsReal() ? ParseAudit(entry) : ParseSandboxAudit(entry);
    // Other worlds share a real control plane: what names no namespace of ours may be theirs.
    const bool is_ours =
        request && (!IsReal() || request->uri.find(id_ + "-") != std::string::npos);
    if (is_ours) requests.push_back(*request);
  }
  return requests;
}

size_t World::WriteCount() const {
  size_t count = 0;
  for (const auto& request : Requests()) count += request.is_dry_run ? 0 : 1;
  return count;
}

}  // namespace sluice::e2e
