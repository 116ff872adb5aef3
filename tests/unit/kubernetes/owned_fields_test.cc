// What of an object is ours, what is equal, and what goes first.
#include <nlohmann/json.hpp>

#include "engine/targets/kubernetes/fieldset.h"
#include "engine/targets/kubernetes/kinds.h"
#include "tests/support/catch.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

json Managed(json object, const json& fields) {
  object["metadata"]["managedFields"] = {
      {{"manager", "kubectl"},
       {"operation", "Update"},
       {"apiVersion", "v1"},
       {"fieldsV1", json::object()}},
      {{"manager", "sluice"}, {"operation", "Apply"}, {"apiVersion", "v1"}, {"fieldsV1", fields}}};
  return object;
}

TEST_CASE("an object holds already only what we own with the same value, exactly") {
  const json desired = json::parse(
      R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"n","labels":{"l":"1"}},
    "spec":{"ports":[{"port":80},{"port":443,"protocol":"UDP"}],"set":["a","b"],"atomic":[1,2],"empty":{},"resources":{"limits":{"cpu":"1000m"}}}})");
  const json fields = json::parse(
      R"({"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},
    "k:{\"port\":443,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}},"f:set":{"v:\"a\"":{},"v:\"b\"":{}},"f:atomic":{},"f:empty":{},
    "f:resources":{"f:limits":{"f:cpu":{}}}}})");
  const json body = json::parse(
      R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"n","uid":"u","labels":{"l":"1","other":"2"}},
    "spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":3},{"port":443,"protocol":"UDP"}],"set":["z","a","b"],"atomic":[1,2],"empty":{},"defaulted":1,
    "resources":{"limits":{"cpu":"1"}}},"status":{}})");
  REQUIRE(HoldsAlready(Managed(body, fields), desired));

  const auto with_desired = [&](const char* pointer, const json& value) {
    json changed = desired;
    changed[json::json_pointer(pointer)] = value;
    return HoldsAlready(Managed(body, fields), changed);
  };
  CHECK_FALSE(with_desired("/metadata/labels/l", "2"));  // another value
  CHECK_FALSE(with_desired("/spec/defaulted", 1));       // equal, and not owned by us
  CHECK_FALSE(with_desired("/spec/atomic", json::array({2, 1})));
  CHECK_FALSE(with_desired("/spec/set", json::array({"a"})));       // one fewer
  CHECK_FALSE(with_desired("/spec/set", json::array({"b", "a"})));  // another order
  CHECK_FALSE(
      with_desired("/spec/ports/0/protocol", "TCP"));  // the default, now spelt out: not owned
  CHECK_FALSE(with_desired("/spec/ports",
                           json::array({{{"port", 443}, {"protocol", "UDP"}}, {{"port", 80}}})));
  CHECK_FALSE(with_desired("/spec/resources/limits/cpu", "1001m"));
  CHECK_FALSE(with_desired("/apiVersion", "v2"));
  json fewer = desired;
  fewer["spec"].erase("empty");
  CHECK_FALSE(HoldsAlready(Managed(body, fields), fewer));  // owned, and no longer declared
  json gone = body;
  gone["spec"]["ports"].erase(1);
  CHECK_FALSE(HoldsAlready(Managed(gone, fields), desired));
  json theirs = Managed(body, fields);
  theirs["metadata"]["managedFields"][1]["operation"] = "Update";
  CHECK_FALSE(HoldsAlready(theirs, desired));
}

TEST_CASE("defaults and emptiness that the server puts in or leaves out are no difference") {
  const auto holds = [](const char* spec, const char* fields, const char* live) {
    json desired = {{"apiVersion", "v1"}, {"kind", "X"}, {"metadata", {{"name", "a"}}}},
         body = desired;
    desired["spec"] = json::parse(spec);
    body["spec"] = json::parse(live);
    return HoldsAlready(Managed(body, {{"f:spec", json::parse(fields)}}), desired);
  };
  CHECK(holds(R"({"fieldRef":{"fieldPath":"p"}})", R"({"f:fieldRef":{}})",
              R"({"fieldRef":{"fieldPath":"p","apiVersion":"v1"}})"));
  CHECK_FALSE(holds(R"({"fieldRef":{"fieldPath":"p"}})", R"({"f:fieldRef":{}})",
                    R"({"fieldRef":{"fieldPath":"q","apiVersion":"v1"}})"));
  CHECK_FALSE(holds(R"({"other":{"fieldPath":"p"}})", R"({"f:other":{}})",
                    R"({"other":{"fieldPath":"p","apiVersion":"v1"}})"));
  CHECK(holds(R"({"env":[],"a":1})", R"({"f:env":{},"f:a":{}})", R"({"a":1})"));
  CHECK(holds(R"({"readOnly":false,"value":"","n":0})",
              R"({"f:readOnly":{},"f:value":{},"f:n":{}})", R"({})"));
  CHECK_FALSE(holds(R"({"readOnly":true})", R"({"f:readOnly":{}})", R"({})"));
  CHECK_FALSE(holds(R"({"env":[],"a":1})", R"({"f:a":{}})", R"({"a":1})"));
  CHECK_FALSE(holds(R"({"env":[1],"a":1})", R"({"f:env":{},"f:a":{}})", R"({"a":1})"));
}

TEST_CASE("quantities are equal by value") {
  CHECK(IsSameQuantity("1000m", "1"));
  CHECK(IsSameQuantity("0.5Gi", "512Mi"));
  CHECK(IsSameQuantity("1e", "1e") == false);  // not a suffix of ours
  CHECK(IsSameQuantity("1k", 1000));
  CHECK_FALSE(IsSameQuantity("1G", "1Gi"));
  CHECK_FALSE(IsSameQuantity("", ""));
  CHECK_FALSE(IsSameQuantity("abc", "abc"));
}

TEST_CASE("what others rely on is applied first and deleted last") {
  CHECK(OrderOf("", "Namespace").stage < OrderOf("", "ConfigMap").stage);
  CHECK(OrderOf("rbac.authorization.k8s.io", "Role").stage <
        OrderOf("rbac.authorization.k8s.io", "RoleBinding").stage);
  CHECK(OrderOf("", "Service").stage == OrderOf("apps", "Deployment").stage);
  CHECK(OrderOf("apps", "Deployment").stage < OrderOf("example.org", "Widget").stage);
  CHECK(OrderOf("example.org", "Widget").stage <
        OrderOf("admissionregistration.k8s.io", "ValidatingWebhookConfiguration").stage);
  // What is served goes before what serves it, and a webhook before the workload that answers it.
  const std::vector<std::pair<std::string, std::string>> order = {
      {"example.org", "Widget"},
      {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
      {"apps", "Deployment"},
      {"", "ConfigMap"},
      {"rbac.authorization.k8s.io", "ClusterRole"},
      {"apiextensions.k8s.io", "CustomResourceDefinition"},
      {"", "Namespace"}};
  for (size_t i = 1; i < order.size(); ++i) {
    INFO(order[i].second);
    CHECK(DeletionRank(order[i - 1].first, order[i - 1].second) <
          DeletionRank(order[i].first, order[i].second));
  }
  CHECK(DeletionRank("apiregistration.k8s.io", "APIService") ==
        DeletionRank("apiextensions.k8s.io", "CustomResourceDefinition"));
  CHECK(DeletionRank("example.org", "Namespace") == DeletionRank("example.org", "Widget"));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
