#include "engine/render/render.h"

#include <algorithm>
#include <map>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/render/images.h"
#include "engine/render/objects.h"
#include "engine/render/plain.h"

namespace sluice::render {
namespace {

using nlohmann::json;

const std::vector<ImageOverride>& OverridesOf(const DeclaredUnit& unit) {
  static const std::vector<ImageOverride> none;
  return unit.release ? unit.release->images : none;
}

const TreeEntry* FindInput(const DeclaredUnit& unit, const std::string& relative) {
  std::vector<std::string> parts;
  for (const std::string& part : Split(relative, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  const auto found =
      std::ranges::find(unit.inputs, unit.directory + "/" + Join(parts, "/"), &TreeEntry::path);
  return found == unit.inputs.end() ? nullptr : &*found;
}

// The manifests of the tasks that smoke tests name.
Status ReadTasks(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache,
                 std::vector<Manifest>& tasks, Diagnostics& problems) {
  for (const SmokeTest& test : unit.application.smoke_tests) {
    const auto* task = std::get_if<TaskSmokeTest>(&test.check);
    const TreeEntry* entry = task == nullptr ? nullptr : FindInput(unit, task->manifest);
    if (entry != nullptr) SLUICE_CHECK(ReadManifests(tree, *entry, cache, tasks, problems));
  }
  return {};
}

// Overrides, checks and turns manifests into resources.
void Finish(std::vector<Manifest> manifests, const TargetKind& kind, Images& images,
            Rendered& rendered) {
  for (Manifest& manifest : manifests) {
    const size_t before = rendered.problems.size();
    CheckObject(manifest, kind, rendered.problems);
    images.Apply(manifest, kind, rendered.problems);
    if (rendered.problems.size() == before)
      rendered.resources.push_back(ToResource(std::move(manifest), kind));
  }
}

json EntriesOf(const std::vector<TreeEntry>& entries) {
  json out = json::array();
  for (const TreeEntry& entry : entries) out.push_back({entry.path, entry.blob});
  return out;
}

void ReportUnusedRules(const DeclaredUnit& unit, Rendered& rendered) {
  for (const IgnoreRule& rule : unit.application.ignore) {
    const bool is_used = std::ranges::any_of(rendered.resources, [&](const Resource& resource) {
      return resource.ref.kind == rule.kind &&
             (rule.name.empty() || resource.ref.name == rule.name);
    });
    if (is_used) continue;
    rendered.problems.push_back(
        {rule.at, "unused-ignore",
         "ignores fields of " + rule.kind + (rule.name.empty() ? "" : " '" + rule.name + "'") +
             ", which no manifest of this application declares; remove the rule, or mend kind and "
             "name"});
  }
}

}  // namespace

Result<Rendered> Render(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache) {
  Rendered rendered;
  std::vector<Manifest> manifests, tasks;
  SLUICE_CHECK(RendererFor(unit).Read(unit, tree, cache, manifests, rendered.problems));
  manifests = Unpack(std::move(manifests), *unit.kind, rendered.problems);
  bool is_all_read = rendered.problems.empty();
  const bool is_empty = manifests.empty() && is_all_read;
  Images images(OverridesOf(unit));
  Finish(std::move(manifests), *unit.kind, images, rendered);
  CheckDuplicates(rendered.resources, unit.targets, *unit.kind, rendered.problems);
  if (is_empty) {
    rendered.problems.push_back(
        {{unit.directory, 0, 0},
         "no-objects",
         "holds no object at all; to remove the application, remove its directory"});
  }
  // A task's images count as places for an override; its own problems are reported here too, before
  // it is needed.
  Rendered ignored;
  SLUICE_CHECK(ReadTasks(unit, tree, cache, tasks, ignored.problems));
  is_all_read = is_all_read && ignored.problems.empty();
  Finish(std::move(tasks), *unit.kind, images, ignored);
  rendered.problems.insert(rendered.problems.end(), ignored.problems.begin(),
                           ignored.problems.end());
  // What could not be read may hold the image.
  if (is_all_read) {
    images.ReportUnused(rendered.problems);
    ReportUnusedRules(unit, rendered);
  }
  std::ranges::sort(rendered.problems);
  return rendered;
}

nlohmann::json OverrideImages(const DeclaredUnit& unit, nlohmann::json object) {
  Manifest manifest;
  manifest.body = std::move(object);
  Diagnostics known;
  Images(OverridesOf(unit)).Apply(manifest, *unit.kind, known);
  return std::move(manifest.body);
}

std::string Fingerprint(const DeclaredUnit& unit) {
  json targets = json::array();
  for (const Target& target : unit.targets)
    targets.push_back({target.name, target.kind->Identity(target)});
  const json facts = {{"format", kFingerprintFormat},
                      {"inputs", EntriesOf(unit.inputs)},
                      {"renderer", RendererFor(unit).Version()},
                      {"shared", EntriesOf(unit.shared_inputs)},
                      {"targets", std::move(targets)}};
  return Sha256Hex(facts.dump());
}

std::string SharedInputsDigest(const DeclaredUnit& unit) {
  return unit.shared_inputs.empty() ? "" : Sha256Hex(EntriesOf(unit.shared_inputs).dump());
}

}  // namespace sluice::render
