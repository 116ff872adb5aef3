#include "engine/rollout/surroundings.h"

#include <algorithm>
#include <set>

#include "engine/render/render.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::rollout {
namespace {

void AddRendered(const Services& services, const UnitId& unit, std::unique_ptr<SourceTree> tree,
                 std::vector<Resource>& out) {
  auto rendered = RenderFrom(services, std::move(tree), unit);
  if (!rendered) return;
  out.insert(out.end(), rendered->resources.begin(), rendered->resources.end());
}

void AddRules(const DeclaredUnit& unit, std::vector<targets::IgnoredFields>& out) {
  for (const IgnoreRule& rule : unit.application.ignore)
    out.push_back({rule.kind, rule.name, rule.fields});
}

// What was applied last has not been judged yet, or is being taken back.
bool HasUnjudged(const Record& record) {
  return record.open.has_value() || record.phase == Phase::kRollingBack;
}

}  // namespace

targets::Surroundings SurroundingsOf(const Services& services, const DeclaredUnit& content,
                                     const DeclaredUnit* tip) {
  targets::Surroundings around;
  AddRules(content, around.ignored);
  if (tip != nullptr) AddRules(*tip, around.ignored);
  const auto state = services.log.Get();
  const Record* record = FindRecord(*state, content.id);
  if (record == nullptr) return around;
  std::set<std::string> seen{render::Fingerprint(content), ""};
  const auto add_at = [&](const std::string& revision, const std::string& fingerprint) {
    if (!seen.insert(fingerprint).second) return;
    auto tree = services.mirror.Tree(revision, RepositoryPath(services.options, ""));
    if (tree) AddRendered(services, content.id, *std::move(tree), around.former);
  };
  if (record->last_known_good && seen.insert(record->last_known_good->fingerprint).second)
    around.former = LastKnownGood(services, content.id);
  if (record->running) add_at(record->running->revision, record->running->fingerprint);
  if (HasUnjudged(*record)) add_at(record->revision, record->fingerprint);
  return around;
}

std::vector<Resource> LastKnownGood(const Services& services, const UnitId& unit) {
  std::vector<Resource> out;
  auto good = services.log.OpenGood(unit);
  if (good && *good) AddRendered(services, unit, **std::move(good), out);
  return out;
}

bool WasDeclaredSo(const std::vector<Resource>& before, const std::vector<Resource>& resources,
                   const ObjectRef& ref) {
  const auto is_it = [&](const Resource& resource) {
    return resource.ref.group == ref.group && resource.ref.kind == ref.kind &&
           resource.ref.name == ref.name && (resource.ref.ns.empty() || resource.ref.ns == ref.ns);
  };
  const auto now = std::ranges::find_if(resources, is_it);
  return now != resources.end() && std::ranges::any_of(before, [&](const Resource& was) {
           return is_it(was) && was.body == now->body;
         });
}

}  // namespace sluice::rollout
