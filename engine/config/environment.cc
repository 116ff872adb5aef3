#include <set>

#include "engine/base/strings.h"
#include "engine/config/kinds.h"

namespace sluice::config {
namespace {

// What the design has and this version does not act on.
constexpr std::string_view kKindNotYet = "ecs";

void UseKind(const TargetKind& kind, Target& target) {
  target.kind = &kind;
  for (const TargetSetting& setting : kind.Settings())
    target.settings[std::string(setting.name)] = setting.fallback;
}

void ReadSettings(const Node& node, Target& target) {
  std::vector<Field> fields;
  for (const TargetSetting& setting : target.kind->Settings()) {
    std::string& value = target.settings[std::string(setting.name)];
    fields.push_back({setting.name,
                      [&value, is_label = setting.is_label](const Node& n) {
                        is_label ? n.Label(value) : n.String(value);
                      },
                      setting.is_required});
  }
  node.Object(fields);
}

// "NAME: {SETTING: ..., SETTING: ...}"
std::string Example(const TargetKind& kind) {
  std::vector<std::string> settings;
  for (const TargetSetting& setting : kind.Settings())
    settings.push_back(std::string(setting.name) + ": ...");
  return std::string(kind.Name()) + ": {" + Join(settings, ", ") + "}";
}

void ReadTarget(const Node& node, const TargetKinds& kinds, std::vector<Target>& targets) {
  Target target;
  std::vector<std::string> examples;
  std::vector<Field> fields = {{"name",
                                [&](const Node& n) {
                                  if (!n.Label(target.name)) return;
                                  for (const Target& other : targets) {
                                    if (other.name == target.name)
                                      n.Problem("duplicate-name",
                                                "names '" + target.name + "' a second time");
                                  }
                                },
                                true}};
  std::vector<std::string_view> not_yet = {kKindNotYet, "wave", "waves"};
  for (const TargetKind* kind : kinds) {
    examples.push_back(Example(*kind));
    std::erase(not_yet, kind->Name());
    fields.push_back({kind->Name(), [&target, kind](const Node& n) {
                        if (target.kind)
                          n.Problem("invalid-value", "names a second kind; a target has one");
                        UseKind(*kind, target);
                        ReadSettings(n, target);
                      }});
  }
  node.Object(fields, not_yet);
  if (!target.kind) {
    if (node.value().is_object() && !node.value().contains(std::string(kKindNotYet)))
      node.Problem("missing-field", "needs " + Join(examples, " or "));
    UseKind(*kinds.front(), target);
  }
  targets.push_back(std::move(target));
}

void ReadTargets(const Node& node, const TargetKinds& kinds, std::vector<Target>& targets) {
  node.List([&](const Node& item) { ReadTarget(item, kinds, targets); });
  if (node.value().is_array() && node.value().empty())
    node.Problem("invalid-value", "must name at least one target");
}

void ReadPromotion(const Node& node, Environment& environment) {
  auto& promotion = environment.promotion;
  node.Object({
      {"mode",
       [&](const Node& n) {
         n.Enum(promotion.mode,
                {{"auto", PromotionMode::kAuto}, {"manual", PromotionMode::kManual}},
                {"pull-request"});
       }},
      {"soak", [&](const Node& n) { n.DurationAtLeast(promotion.soak, 0ms); }},
      {"from", [&](const Node& n) { n.Label(promotion.from); }},
  });
}

void ReadOnFailure(const Node& node, Environment& environment) {
  auto& on_failure = environment.on_failure;
  node.Object({
      {"live",
       [&](const Node& n) {
         n.Enum(on_failure.live,
                {{"rollback", LiveOnFailure::kRollback}, {"freeze", LiveOnFailure::kFreeze}});
       }},
      {"git",
       [&](const Node& n) {
         n.Enum(on_failure.git, {{"revert", GitOnFailure::kRevert}, {"none", GitOnFailure::kNone}},
                {"pull-request"});
       }},
  });
  if (on_failure.live != LiveOnFailure::kFreeze) return;
  if (node.value().contains("git") && on_failure.git == GitOnFailure::kRevert) {
    node.Problem("invalid-value",
                 "live: freeze keeps the new version, so Git must keep it too; write git: none");
  }
  on_failure.git = GitOnFailure::kNone;
}

void ReadOnError(const Node& node, Environment& environment) {
  auto& on_error = environment.on_error;
  node.Object({
      {"after", [&](const Node& n) { n.DurationAtLeast(on_error.after, 1s); }},
      {"then",
       [&](const Node& n) {
         n.Enum(on_error.then, {{"hold", AfterError::kHold}, {"rollback", AfterError::kRollback}});
       }},
  });
}

void ReadPrune(const Node& node, Environment& environment) {
  auto& prune = environment.prune;
  node.Object({
      {"maxCount", [&](const Node& n) { n.Int(prune.max_count, 0, 1'000'000); }},
      {"maxPercent", [&](const Node& n) { n.Int(prune.max_percent, 0, 100); }},
      {"removedApplications",
       [&](const Node& n) {
         n.Enum(prune.removed_applications,
                {{"keep", RemovedApplications::kKeep}, {"delete", RemovedApplications::kDelete}});
       }},
  });
}

void ReadDrift(const Node& node, Environment& environment) {
  auto& drift = environment.drift;
  node.Object({
      {"mode",
       [&](const Node& n) {
         n.Enum(drift.mode, {{"report", DriftMode::kReport}, {"heal", DriftMode::kHeal}});
       }},
      {"interval", [&](const Node& n) { n.DurationAtLeast(drift.interval, 1s); }},
  });
}

// Gates that are configured; predecessor and soak need no entry here.
void ReadGates(const Node& node) {
  node.Object({}, {"approvals", "windows", "signedCommits", "policy", "dependsOn", "preflight",
                   "externalCommand", "planApproval"});
}

}  // namespace

Environment ReadEnvironment(Source& source, const std::string& name, const TargetKinds& kinds) {
  Environment environment;
  ReadKind(source, "Environment", name, [&](const Node& spec) {
    spec.Object(
        {
            {"targets", [&](const Node& n) { ReadTargets(n, kinds, environment.targets); }, true},
            {"promotion", [&](const Node& n) { ReadPromotion(n, environment); }},
            {"gates", ReadGates},
            {"onFailure", [&](const Node& n) { ReadOnFailure(n, environment); }},
            {"onError", [&](const Node& n) { ReadOnError(n, environment); }},
            {"prune", [&](const Node& n) { ReadPrune(n, environment); }},
            {"drift", [&](const Node& n) { ReadDrift(n, environment); }},
            {"dryRun",
             [&](const Node& n) {
               n.Enum(environment.dry_run,
                      {{"server", DryRunMode::kServer}, {"none", DryRunMode::kNone}});
             }},
        },
        {"approvals", "windows", "signedCommits", "policy", "dependsOn", "preflight",
         "externalCommand", "analysis", "waves", "strategy", "notifications"});
  });
  environment.name = name;
  return environment;
}

}  // namespace sluice::config
