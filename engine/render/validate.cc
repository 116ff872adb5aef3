#include <algorithm>
#include <map>

#include "engine/base/strings.h"
#include "engine/render/objects.h"
#include "engine/render/render.h"

namespace sluice::render {
namespace {

// Who declares an object, by the place it stands in.
struct Claim {
  UnitId unit;
  SourcePosition at;
};
using Claims = std::map<std::pair<std::string, ObjectRef>, Claim>;

void CheckClaims(const DeclaredUnit& unit, const std::vector<Resource>& resources, Claims& claims,
                 Diagnostics& problems) {
  for (const Target& target : unit.targets) {
    const std::string place = target.kind->Place(target);
    for (const Resource& resource : resources) {
      const ObjectRef ref = target.kind->RefIn(resource, target);
      const auto [claim, is_new] =
          claims.emplace(std::pair(place, ref), Claim{unit.id, resource.at});
      if (is_new || claim->second.unit == unit.id) continue;
      problems.push_back({resource.at, "duplicate-object",
                          ToString(ref) + " in " + place + " is declared by " +
                              ToString(claim->second.unit) + " too, at " + claim->second.at.file +
                              ":" + std::to_string(claim->second.at.line)});
    }
  }
}

// What rendering finds in a unit that cannot be used as it was loaded, without what may only follow
// from that: its release, its tasks and its objects are not known for sure.
Result<Diagnostics> ProblemsOfBroken(const DeclaredUnit& unit, const SourceTree& tree,
                                     yaml::Cache& cache) {
  // A kustomization's patches, say, are no whole objects.
  const bool is_other_source =
      std::ranges::find(unit.problems, "unsupported", &Diagnostic::rule) != unit.problems.end();
  if (is_other_source) return Diagnostics{};
  SLUICE_TRY(Rendered rendered, Render(unit, tree, cache));
  const std::string release = unit.directory + "/release.yaml";
  const bool is_release_known = std::ranges::none_of(
      unit.problems, [&](const Diagnostic& problem) { return problem.at.file == release; });
  std::erase_if(rendered.problems, [&](const Diagnostic& problem) {
    const bool is_about_image =
        problem.rule == "image-without-tag" || problem.rule == "image-latest";
    return problem.rule == "no-objects" || problem.rule == "unused-image" ||
           problem.rule == "unused-ignore" || (is_about_image && !is_release_known);
  });
  return std::move(rendered.problems);
}

}  // namespace

Result<Diagnostics> ValidateAll(const Declared& declared, const SourceTree& tree,
                                yaml::Cache& cache) {
  Diagnostics problems = declared.problems;
  Claims claims;
  for (const auto& [id, unit] : declared.units) {
    problems.insert(problems.end(), unit.problems.begin(), unit.problems.end());
    if (!unit.problems.empty()) {
      SLUICE_TRY(const Diagnostics more, ProblemsOfBroken(unit, tree, cache));
      problems.insert(problems.end(), more.begin(), more.end());
      continue;
    }
    SLUICE_TRY(const Rendered rendered, Render(unit, tree, cache));
    problems.insert(problems.end(), rendered.problems.begin(), rendered.problems.end());
    if (rendered.problems.empty()) CheckClaims(unit, rendered.resources, claims, problems);
  }
  std::ranges::sort(problems);
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return problems;
}

}  // namespace sluice::render
