#include <algorithm>
#include <set>

#include "engine/config/kinds.h"

namespace sluice::config {
namespace {

void ReadTargetNames(const Node& node, std::vector<std::string>& names) {
  node.List([&](const Node& item) {
    std::string name;
    if (!item.Label(name)) return;
    for (const std::string& other : names) {
      if (other == name) item.Problem("duplicate-name", "names '" + name + "' a second time");
    }
    names.push_back(std::move(name));
  });
  if (node.value().is_array() && node.value().empty()) {
    node.Problem("invalid-value",
                 "must name at least one target; leave it out for all of the environment's");
  }
}

void ReadSource(const Node& node) {
  node.Object({{"plain", [](const Node& n) { n.Object({}); }}}, {"kustomize", "helm", "ecs"});
}

void ReadHealthPatterns(const Node& node, std::vector<HealthRules::Pattern>& patterns) {
  node.List([&](const Node& item) {
    HealthRules::Pattern pattern;
    item.Object({{"kind", [&](const Node& n) { n.String(pattern.kind); }, true},
                 {"name", [&](const Node& n) { n.String(pattern.name); }}});
    if (!pattern.kind.empty()) patterns.push_back(std::move(pattern));
  });
}

void ReadHealth(const Node& node, Application& application) {
  HealthRules& rules = application.health_rules;
  node.Object(
      {{"timeout", [&](const Node& n) { n.DurationAtLeast(application.health_timeout, 1s); }},
       {"require", [&](const Node& n) { ReadHealthPatterns(n, rules.require); }},
       {"ignore", [&](const Node& n) { ReadHealthPatterns(n, rules.ignore); }}});
  for (const HealthRules::Pattern& pattern : rules.require) {
    if (std::ranges::find(rules.ignore, pattern) == rules.ignore.end()) continue;
    node.Problem("invalid-value", "both requires and ignores " + pattern.kind +
                                      (pattern.name.empty() ? "" : " '" + pattern.name + "'"));
  }
}

void ReadSmokeTests(const Node& node, std::vector<SmokeTest>& tests) {
  std::set<std::string> names;
  node.List([&](const Node& item) {
    tests.push_back(ReadSmokeTest(item));
    const std::string& name = tests.back().name;
    if (!name.empty() && !names.insert(name).second)
      item.Problem("duplicate-name", "has the name '" + name + "' of another smoke test");
  });
}

}  // namespace

Application ReadApplication(Source& source, const std::string& name) {
  Application application;
  ReadKind(source, "Application", name, [&](const Node& spec) {
    spec.Object(
        {
            {"targets", [&](const Node& n) { ReadTargetNames(n, application.targets); }},
            {"source", ReadSource},
            {"health", [&](const Node& n) { ReadHealth(n, application); }},
            {"smokeTests", [&](const Node& n) { ReadSmokeTests(n, application.smoke_tests); }},
        },
        {"strategy", "waves", "wave", "dependsOn", "analysis", "preflight", "gates", "approvals",
         "windows", "notifications", "policy", "externalCommand"});
  });
  application.name = name;
  return application;
}

}  // namespace sluice::config
