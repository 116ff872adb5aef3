#include "engine/rollout/content.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/plan/secrets.h"
#include "engine/yaml/tree_file.h"

namespace sluice::rollout {
namespace {

using nlohmann::json;

constexpr size_t kDigestLength = 32;  // of the record's 16 KiB, up to fifty times

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string BlobOf(const DeclaredUnit& unit, const std::string& path) {
  const auto entry = std::ranges::find(unit.inputs, path, &TreeEntry::path);
  return entry == unit.inputs.end() ? "" : entry->blob;
}

json ObjectFacts(const Services& services, const DeclaredUnit& unit, const TargetKind& kind,
                 const Resource& resource) {
  const std::string& key = services.options.hmac_key;
  std::string secret = plan::SecretDigest(kind, resource.ref, resource.body, key);
  if (!secret.empty() && key.empty()) secret = BlobOf(unit, resource.at.file);
  return {resource.api_version, plan::Mask(kind, resource.ref, nullptr, resource.body).second,
          std::move(secret)};
}

// What app.yaml says, without its layout.
Result<json> Settings(const Services& services, const DeclaredUnit& unit, const SourceTree& tree) {
  const auto entry = std::ranges::find(unit.inputs, unit.directory + "/app.yaml", &TreeEntry::path);
  if (entry == unit.inputs.end()) return json();
  SLUICE_TRY(const auto parsed, yaml::ParseFile(tree, *entry, services.yaml));
  return parsed->documents.empty() ? json() : parsed->documents.front().value;
}

// Read for the unit, and neither rendered nor a kind of ours: what smoke tests run.
json OtherFiles(const DeclaredUnit& unit) {
  json files = json::array();
  for (const TreeEntry& entry : unit.inputs) {
    const bool is_ours = entry.path == unit.directory + "/app.yaml" ||
                         entry.path == unit.directory + "/release.yaml";
    const bool is_rendered =
        std::ranges::find(unit.manifests, entry.path, &TreeEntry::path) != unit.manifests.end();
    if (!is_ours && !is_rendered) files.push_back({entry.path, entry.blob});
  }
  return files;
}

}  // namespace

Result<std::string> ContentDigest(const Services& services, const DeclaredUnit& unit,
                                  const std::vector<Resource>& resources, const SourceTree& tree) {
  std::vector<std::string> objects;
  json targets = json::array();
  for (const Target& target : unit.targets) {
    targets.push_back({target.name, target.kind->Identity(target)});
    for (const Resource& resource : resources)
      objects.push_back(Dump(ObjectFacts(services, unit, *target.kind, resource)));
  }
  std::ranges::sort(objects);
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  SLUICE_TRY(json settings, Settings(services, unit, tree));
  const json facts = {{"format", 1},
                      {"objects", std::move(objects)},
                      {"release", unit.release ? unit.release->digest : ""},
                      {"settings", std::move(settings)},
                      {"files", OtherFiles(unit)},
                      {"targets", std::move(targets)}};
  return Sha256Hex(Dump(facts)).substr(0, kDigestLength);
}

std::string WhyNotAgain(const Record& record, const FailedContent& failed) {
  // Forms of a failure share its rollout; the oldest is the one that ran.
  const auto ran = std::ranges::find(record.failed.rbegin(), record.failed.rend(), failed.rollout,
                                     &FailedContent::rollout);
  const bool is_form = ran != record.failed.rend() && ran->fingerprint != failed.fingerprint;
  return (is_form
              ? "these are the same objects, release and checks as of rollout " + failed.rollout +
                    ", in other words, which failed (" + failed.reason + "); they are not"
              : "this content failed before (" + failed.reason + ", rollout " + failed.rollout +
                    ") and is not") +
         " tried again by itself; push a fix, or run `sluice retry " + ToString(record.unit) + "`";
}

}  // namespace sluice::rollout
