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

void ReadSmokeTests(const Node& node, const TargetKinds& kinds, std::vector<SmokeTest>& tests) {
  std::set<std::string> names;
  node.List([&](const Node& item) {
    tests.push_back(ReadSmokeTest(item, kinds));
    const std::string& name = tests.back().name;
    if (!name.empty() && !names.insert(name).second)
      item.Problem("duplicate-name", "has the name '" + name + "' of another smoke test");
  });
}

// What makes an object that object, or ours, cannot be anybody else's.
bool IsIdentity(const std::string& pointer, const TargetKinds& kinds) {
  for (const TargetKind* kind : kinds) {
    for (const std::string_view field : kind->IdentityFields()) {
      const bool is_above = field.starts_with(pointer) &&
                            (field.size() == pointer.size() || field[pointer.size()] == '/');
      if (is_above) return true;
    }
  }
  return false;
}

void ReadIgnoredField(const Node& node, const TargetKinds& kinds,
                      std::vector<std::string>& fields) {
  std::string pointer;
  if (!node.String(pointer)) return;
  bool is_pointer = pointer.size() > 1 && pointer.front() == '/' && pointer.back() != '/';
  try {
    is_pointer = is_pointer && !nlohmann::json::json_pointer(pointer).empty();
  } catch (const nlohmann::json::exception&) {
    is_pointer = false;
  }
  if (!is_pointer) {
    node.Problem("invalid-value",
                 "must be a JSON pointer such as /spec/replicas, not '" + pointer + "'");
  } else if (IsIdentity(pointer, kinds)) {
    node.Problem("invalid-value", "is '" + pointer +
                                      "', which says whose object it is; name a field that others "
                                      "write, such as /spec/replicas");
  } else if (std::ranges::find(fields, pointer) != fields.end()) {
    node.Problem("duplicate-name", "names '" + pointer + "' a second time");
  } else {
    fields.push_back(std::move(pointer));
  }
}

void ReadIgnore(const Node& node, const TargetKinds& kinds, std::vector<IgnoreRule>& rules) {
  node.List([&](const Node& item) {
    IgnoreRule rule;
    rule.at = item.At();
    item.Object({
        {"kind", [&](const Node& n) { n.String(rule.kind); }, true},
        {"name", [&](const Node& n) { n.String(rule.name); }},
        {"fields",
         [&](const Node& n) {
           n.List([&](const Node& field) { ReadIgnoredField(field, kinds, rule.fields); });
           if (n.value().is_array() && n.value().empty())
             n.Problem("invalid-value", "must name at least one field");
         },
         true},
    });
    rules.push_back(std::move(rule));
  });
}

}  // namespace

Application ReadApplication(Source& source, const std::string& name, const TargetKinds& kinds) {
  Application application;
  ReadKind(source, "Application", name, [&](const Node& spec) {
    spec.Object(
        {
            {"targets", [&](const Node& n) { ReadTargetNames(n, application.targets); }},
            {"source", ReadSource},
            {"health", [&](const Node& n) { ReadHealth(n, application); }},
            {"ignore", [&](const Node& n) { ReadIgnore(n, kinds, application.ignore); }},
            {"smokeTests",
             [&](const Node& n) { ReadSmokeTests(n, kinds, application.smoke_tests); }},
        },
        {"strategy", "waves", "wave", "dependsOn", "analysis", "preflight", "gates", "approvals",
         "windows", "notifications", "policy", "externalCommand"});
  });
  application.name = name;
  return application;
}

}  // namespace sluice::config
