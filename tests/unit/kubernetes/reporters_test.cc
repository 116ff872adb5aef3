// Who reports in a cluster is learned from what other objects of the kind carry.
#include <algorithm>

#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

// A type with a status that nobody writes; the group is this test's own.
struct Widgets {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const std::string group = ns + ".example.com";
  const std::unique_ptr<TargetDriver> driver = cluster.Driver(ns);

  Widgets() {
    cluster.GrantOnGroup(group);
    const json schema = {
        {"type", "object"},
        {"x-kubernetes-preserve-unknown-fields", true},
        {"properties",
         {{"status", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}};
    const json version = {{"name", "v1"},
                          {"served", true},
                          {"storage", true},
                          {"subresources", {{"status", json::object()}}},
                          {"schema", {{"openAPIV3Schema", schema}}}};
    const json crd = {
        {"apiVersion", "apiextensions.k8s.io/v1"},
        {"kind", "CustomResourceDefinition"},
        {"metadata", {{"name", "widgets." + group}}},
        {"spec",
         {{"group", group},
          {"scope", "Namespaced"},
          {"names", {{"kind", "Widget"}, {"plural", "widgets"}, {"singular", "widget"}}},
          {"versions", json::array({version})}}}};
    const std::string types = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    REQUIRE(cluster.As("test", "POST", types, crd).IsSuccess());
    REQUIRE(cluster.Eventually([&] { return cluster.As("test", "GET", Path("")).IsSuccess(); }));
  }
  ~Widgets() {
    (void)cluster.As("test", "DELETE",
                     "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets." + group);
  }
  std::string Path(const std::string& name) const {
    return "/apis/" + group + "/v1/namespaces/" + ns + "/widgets" +
           (name.empty() ? "" : "/" + name);
  }
  void Make(const std::string& name) {
    Deploy(cluster, *driver,
           "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: " + name + "}\n");
  }
  // As its controller does.
  void Report(const std::string& name, const std::string& phase) {
    REQUIRE(cluster
                .As("operator", "PATCH", Path(name) + "/status", {{"status", {{"phase", phase}}}},
                    "application/merge-patch+json")
                .IsSuccess());
  }
  ObjectHealth Look(const std::string& name, const LiveState& before = {}) {
    auto healths = driver->Assess({{group, "Widget", ns, name}}, {&before, nullptr},
                                  TargetDriver::Diagnose::kFully, cluster.Deadline());
    INFO((healths ? "" : healths.error().message()));
    REQUIRE(healths);
    return healths->at(0);
  }
};

TEST_CASE("a type whose status nobody writes is not waited for, and is once somebody does") {
  Widgets widgets;
  widgets.Make("first");
  CHECK(widgets.Look("first").is_unreported);
  REQUIRE(
      widgets.cluster.Eventually([&] { return widgets.Look("first").reason == "NotReported"; }));
  CHECK(widgets.Look("first").health == Health::kHealthy);

  widgets.Make("second");
  widgets.Report("second", "Degraded");
  CHECK(widgets.Look("second").health == Health::kDegraded);
  // Nobody was believed for a while only.
  REQUIRE(widgets.cluster.Eventually(
      [&] { return widgets.Look("first").reason == "StatusNotReported"; }));
  CHECK_FALSE(widgets.Look("first").is_unreported);
}

TEST_CASE("an object that had a report is waited for, whatever its likes have") {
  Widgets widgets;
  widgets.Make("only");
  widgets.Report("only", "Ready");
  const ObjectRef ref{widgets.group, "Widget", widgets.ns, "only"};
  auto before = widgets.driver->Observe({ref}, widgets.cluster.Deadline());
  REQUIRE(before);
  REQUIRE(widgets.cluster
              .As("operator", "PATCH", widgets.Path("only") + "/status", {{"status", nullptr}},
                  "application/merge-patch+json")
              .IsSuccess());
  CHECK_FALSE(widgets.Look("only", *before).is_unreported);
  CHECK(widgets.Look("only").is_unreported);
}

std::string Ingress(const std::string& name, const std::string& ingress_class) {
  return "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name +
         "}\nspec: {ingressClassName: " + ingress_class +
         ", defaultBackend: {service: {name: web, port: {number: 80}}}}\n";
}

TEST_CASE("an Ingress is waited for where another one of its class has an address") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const std::string served = ns + "-served", unserved = ns + "-unserved";
  Deploy(cluster, *driver,
         Ingress("old", served) + "---\n" + Ingress("new", served) + "---\n" +
             Ingress("lone", unserved));
  const std::string path = "/apis/networking.k8s.io/v1/namespaces/" + ns + "/ingresses/old/status";
  const json address = {
      {"status", {{"loadBalancer", {{"ingress", json::array({{{"ip", "192.0.2.7"}}})}}}}}};
  REQUIRE(
      cluster.As("ingress", "PATCH", path, address, "application/merge-patch+json").IsSuccess());
  const auto look = [&](const std::string& name) {
    auto healths = driver->Assess({{"networking.k8s.io", "Ingress", ns, name}}, {},
                                  TargetDriver::Diagnose::kNo, cluster.Deadline());
    REQUIRE(healths);
    return healths->at(0);
  };
  CHECK(look("old").reason.empty());
  CHECK_FALSE(look("new").is_unreported);
  CHECK(look("lone").is_unreported);
  CHECK(cluster.Eventually([&] { return look("lone").reason == "NotReported"; }));
  CHECK(look("new").reason == "AddressPending");
}

}  // namespace

TEST_CASE("somebody is believed for long, nobody for a moment, and each kind by itself") {
  Reporters reporters;
  const Reporters::Key key{"example.com", "Widget", ""};
  const SteadyTime now{};
  CHECK_FALSE(reporters.Knows(key, "", now));
  reporters.Learn(key, {"a"}, now);
  CHECK(reporters.Knows(key, "a", now) == true);
  CHECK(reporters.Knows(key, "b", now) == false);
  const SteadyTime later = now + std::chrono::minutes(1);
  CHECK(reporters.Knows(key, "a", later) == true);
  CHECK_FALSE(reporters.Knows(key, "b", later));
  CHECK_FALSE(reporters.Knows(key, "a", now + std::chrono::hours(1)));
  CHECK_FALSE(reporters.Knows({"example.com", "Gizmo", ""}, "a", now));
}

}  // namespace sluice::targets::kubernetes
