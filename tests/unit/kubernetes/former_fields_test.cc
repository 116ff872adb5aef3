// Which fields others keep of what is declared no more, and how owners change. No cluster.
#include "engine/targets/kubernetes/former_fields.h"

#include <algorithm>

#include "engine/targets/kubernetes/left_fields.h"
#include "engine/targets/kubernetes/unions.h"
#include "tests/support/catch.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

json Entry(const std::string& manager, const std::string& operation, const std::string& fields,
           const std::string& subresource = "") {
  json entry = {{"manager", manager},
                {"operation", operation},
                {"apiVersion", "v1"},
                {"fieldsType", "FieldsV1"},
                {"fieldsV1", json::parse(fields)}};
  if (!subresource.empty()) entry["subresource"] = subresource;
  return entry;
}

std::vector<std::string> Found(const json& owners, const json& own, const std::vector<json>& former,
                               const json& desired) {
  std::vector<std::string> out;
  for (const CoOwned& field : FindCoOwned(owners, own, former, desired))
    out.push_back(PathText(field.path) + (field.is_remnant ? " remnant " : " ") + field.manager);
  return out;
}

using Names = std::vector<std::string>;

TEST_CASE("what our own entry held and Git drops is found with whoever else owns it") {
  const json own = json::parse(
      R"({"f:data":{"f:keep":{},"f:legacy":{}},"f:metadata":{"f:annotations":{"f:a":{}}}})");
  const json desired = json::parse(R"({"data":{"keep":"1"}})");
  CHECK(
      Found({Entry("helm", "Update", R"({"f:data":{".":{},"f:keep":{},"f:legacy":{}}})"),
             Entry("terraform", "Apply", R"({"f:metadata":{"f:annotations":{"f:a":{},"f:b":{}}}})"),
             Entry("kubectl-create", "Update", R"({"f:data":{"f:legacy":{}}})"),
             Entry("sluice", "Apply", own.dump()),
             Entry("kubelet", "Update", R"({"f:data":{"f:legacy":{}}})", "status")},
            own, {}, desired) == Names{".data.legacy helm", ".metadata.annotations.a terraform",
                                       ".data.legacy remnant kubectl-create"});
  // What we never declared is nobody's business of ours.
  CHECK(Found(json::array({Entry("helm", "Update", R"({"f:data":{"f:theirs":{}}})")}), own, {},
              desired)
            .empty());
}

TEST_CASE("items of lists go whole, and their neighbours stay") {
  const json former = json::parse(R"({"spec":{"containers":[
    {"name":"c","env":[{"name":"A","value":"1"},{"name":"DEBUG","value":"1"}],"ports":[{"containerPort":53},{"containerPort":53,"protocol":"UDP"}]},
    {"name":"old","image":"x"}],"set":["a","b"],"atomic":[1]}})");
  const json desired = json::parse(
      R"({"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}],"ports":[{"containerPort":53}]}],"set":["a"]}})");
  const std::string theirs = R"({"f:spec":{"f:containers":{
    "k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:env":{".":{},"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"DEBUG\"}":{".":{},"f:name":{},"f:value":{}}},
      "f:ports":{"k:{\"containerPort\":53,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}},"k:{\"containerPort\":53,\"protocol\":\"UDP\"}":{".":{},"f:containerPort":{}}}},
    "k:{\"name\":\"old\"}":{".":{},"f:name":{},"f:image":{},"f:resources":{}},
    "k:{\"name\":\"istio-proxy\"}":{".":{},"f:name":{}}},
    "f:set":{"v:\"a\"":{},"v:\"b\"":{},"v:\"z\"":{}},"f:atomic":{}}})";
  const Names names =
      Found(json::array({Entry("helm", "Apply", theirs)}), nullptr, {former}, desired);
  CHECK(
      names ==
      Names{
          ".spec.atomic helm", R"(.spec.containers[name="c"].env[name="DEBUG"] helm)",
          R"(.spec.containers[name="c"].env[name="DEBUG"].name helm)",
          R"(.spec.containers[name="c"].env[name="DEBUG"].value helm)",
          R"(.spec.containers[name="c"].ports[containerPort=53,protocol="UDP"] helm)",
          R"(.spec.containers[name="c"].ports[containerPort=53,protocol="UDP"].containerPort helm)",
          R"(.spec.containers[name="old"] helm)", R"(.spec.containers[name="old"].image helm)",
          R"(.spec.containers[name="old"].name helm)",
          R"(.spec.containers[name="old"].resources helm)", R"(.spec.set[="b"] helm)"});
}

TEST_CASE("a certificate injected into an item keeps the item from going in nobody's name") {
  const json former =
      json::parse(R"({"webhooks":[{"name":"a","clientConfig":{"caBundle":"Cg=="}},{"name":"b"}]})");
  const json desired = json::parse(R"({"webhooks":[{"name":"b"}]})");
  const auto kept = [&](const std::string& of_item) {
    return Found(json::array({Entry("cainjector", "Update",
                                    R"({"f:webhooks":{"k:{\"name\":\"a\"}":)" + of_item + "}}")}),
                 nullptr, {former}, desired);
  };
  CHECK(kept(R"({"f:clientConfig":{"f:caBundle":{}}})") ==
        Names{R"(.webhooks[name="a"] remnant cainjector)",
              R"(.webhooks[name="a"].clientConfig.caBundle remnant cainjector)"});
  CHECK(kept(R"({".":{},"f:name":{},"f:clientConfig":{".":{},"f:caBundle":{}}})").front() ==
        R"(.webhooks[name="a"] remnant cainjector)");
  CHECK(kept(R"({"f:clientConfig":{"f:caBundle":{},"f:url":{}}})").front() ==
        R"(.webhooks[name="a"] cainjector)");
}

TEST_CASE("owners change for exactly the fields that go") {
  const json owners = {
      Entry("helm", "Apply", R"({"f:data":{"f:keep":{},"f:legacy":{}}})"),
      Entry("once", "Update", R"({"f:data":{"f:legacy":{}}})"),
      Entry("sluice", "Apply", R"({"f:data":{"f:keep":{}}})"),
  };
  const json former = json::parse(R"({"data":{"keep":"1","legacy":"2"}})");
  const json desired = json::parse(R"({"data":{"keep":"1"}})");
  const json taken = TakeOver(owners, FindCoOwned(owners, nullptr, {former}, desired), "v1");
  REQUIRE(taken.size() == 2);  // nothing is left of "once"
  CHECK(taken[0]["fieldsV1"] == json::parse(R"({"f:data":{"f:keep":{}}})"));
  CHECK(taken[1]["fieldsV1"] == json::parse(R"({"f:data":{"f:keep":{},"f:legacy":{}}})"));
  // Without an entry of ours one is made.
  const json first =
      TakeOver(json::array({owners[0]}), FindCoOwned(owners, nullptr, {former}, desired), "v1");
  REQUIRE(first.size() == 2);
  CHECK(first[1]["manager"] == "sluice");
  CHECK(first[1]["fieldsV1"] == json::parse(R"({"f:data":{"f:legacy":{}}})"));

  const json given = GiveUp(owners, {{"f:data", "f:keep"}});
  REQUIRE(given.size() == 2);
  CHECK(given[0] == owners[0]);
}

TEST_CASE("a field is not taken out of what is owned as a whole, nor a node left as a leaf") {
  json fields =
      json::parse(R"({"f:spec":{"f:a":{"f:b":{}},"f:whole":{}},"f:x":{".":{},"f:y":{}}})");
  RemovePath(fields, {"f:spec", "f:a", "f:b"});
  RemovePath(fields, {"f:spec", "f:whole", "f:part"});
  RemovePath(fields, {"f:x", "f:y"});
  CHECK(fields == json::parse(R"({"f:spec":{"f:whole":{}},"f:x":{".":{}}})"));
  AddPath(fields, {"f:spec", "f:whole", "f:part"});
  AddPath(fields, {"f:new", "f:deep"});
  CHECK(fields ==
        json::parse(
            R"({"f:spec":{"f:whole":{".":{},"f:part":{}}},"f:x":{".":{}},"f:new":{"f:deep":{}}})"));
}

TEST_CASE("only what is declared or ours makes a difference, in its order") {
  const auto same = [](const char* before, const char* after, const char* desired,
                       const char* own = "{}") {
    return IsSameInOurs(json::parse(before), json::parse(after), json::parse(desired),
                        json::parse(own));
  };
  CHECK(same(R"({"a":1,"stamp":1})", R"({"a":1,"stamp":2})", R"({"a":1})"));
  CHECK_FALSE(same(R"({"a":1})", R"({"a":2})", R"({"a":2})"));
  CHECK_FALSE(same(R"({"a":1,"b":5})", R"({"a":1,"b":1})", R"({"a":1})", R"({"f:b":{}})"));
  CHECK(same(R"({"l":[{"name":"a"},{"name":"x"}]})", R"({"l":[{"name":"a"},{"name":"y"}]})",
             R"({"l":[{"name":"a"}]})"));
  CHECK_FALSE(same(R"({"l":[{"name":"b"},{"name":"a"}]})", R"({"l":[{"name":"a"},{"name":"b"}]})",
                   R"({"l":[{"name":"a"},{"name":"b"}]})"));
  CHECK_FALSE(same(R"({"l":["a"]})", R"({"l":["b"]})", R"({"l":["b"]})"));
}

json Refusal(const char* field, const char* message) {
  return {{"details", {{"causes", {{{"field", field}, {"message", message}}}}}}};
}

Names Rivals(const json& refusal, const json& live, const std::vector<json>& former,
             const json& desired) {
  Names out;
  for (const FieldPath& path : FindRivals(refusal, live, former, desired))
    out.push_back(PathText(path));
  return out;
}

TEST_CASE("a default beside what is declared is a rival, what somebody owns is not") {
  json live = json::parse(
      R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%"}}}})");
  const json desired = json::parse(R"({"spec":{"strategy":{"type":"Recreate"}}})");
  const json refusal =
      Refusal("spec.strategy.rollingUpdate",
              "Forbidden: may not be specified when strategy `type` is 'Recreate'");
  const Names rival = {".spec.strategy.rollingUpdate"};
  CHECK(Rivals(refusal, live, {}, desired) == rival);
  CHECK(PutOver(live, FindRivals(refusal, live, {}, desired), desired) == desired);
  live["metadata"]["managedFields"] =
      json::array({Entry("kubectl-edit", "Update",
                         R"({"f:spec":{"f:strategy":{"f:rollingUpdate":{"f:maxSurge":{}}}}})")});
  CHECK(Rivals(refusal, live, {}, desired).empty());
  // Declared by us before: ours to take away, whoever else owns it.
  CHECK(Rivals(refusal, live, {live}, desired) == rival);
  // Another cause beside it stays one.
  json two = refusal;
  two["details"]["causes"].push_back({{"field", "spec.x"}, {"message", "Required value"}});
  CHECK(Rivals(two, live, {live}, desired).empty());
}

TEST_CASE("a rival in a list is found by the item's key") {
  json live = json::parse(
      R"({"spec":{"volumes":[{"name":"w","emptyDir":{}},{"name":"v","emptyDir":{}}]}})");
  live["metadata"]["managedFields"] = json::array({Entry(
      "sluice", "Apply",
      R"({"f:spec":{"f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:name":{}},"k:{\"name\":\"w\"}":{".":{},"f:name":{}}}}})")});
  const json desired =
      json::parse(R"({"spec":{"volumes":[{"name":"v","configMap":{"name":"m"}},{"name":"w"}]}})");
  const json refusal =
      Refusal("spec.volumes[1].configMap", "Forbidden: may not specify more than 1 volume type");
  const auto rivals = FindRivals(refusal, live, {}, desired);
  REQUIRE(rivals.size() == 1);
  CHECK(PathText(rivals[0]) == R"(.spec.volumes[name="v"].emptyDir)");
  CHECK(PutOver(live, rivals, desired)["spec"]["volumes"] ==
        json::parse(R"([{"name":"v","configMap":{"name":"m"}},{"name":"w","emptyDir":{}}])"));
  // An ordinary refusal has none.
  CHECK(Rivals(Refusal("spec.volumes[0].name", "Required value"), live, {}, desired).empty());
}

PreparedObject Object(const std::string& group, const std::string& kind, const std::string& body) {
  PreparedObject object;
  object.resource.ref = {group, kind, "", "x"};
  object.resource.body = json::parse(body);
  return object;
}

TEST_CASE("generated fields are known: aggregated rules, and placeholders for certificates") {
  const auto names = [](const PreparedObject& object, const json& live) {
    Names out;
    for (const LeftField& field : GeneratedFields(object, live)) out.push_back(field.pointer);
    return out;
  };
  const std::string rbac = "rbac.authorization.k8s.io";
  CHECK(names(Object(rbac, "ClusterRole",
                     R"({"aggregationRule":{"clusterRoleSelectors":[{}]},"rules":[]})"),
              nullptr) == Names{"/rules"});
  CHECK(names(Object(rbac, "ClusterRole", R"({"rules":[]})"), json::object()).empty());
  const auto webhook = Object(
      "admissionregistration.k8s.io", "MutatingWebhookConfiguration",
      R"({"webhooks":[{"clientConfig":{}},{"clientConfig":{"caBundle":"Cg=="}},{"clientConfig":{"caBundle":""}}]})");
  CHECK(names(webhook, json::object()) ==
        Names{"/webhooks/1/clientConfig/caBundle", "/webhooks/2/clientConfig/caBundle"});
  CHECK(names(webhook, nullptr).empty());  // created as declared
  CHECK(names(Object("apiregistration.k8s.io", "APIService", R"({"spec":{"caBundle":"Cg=="}})"),
              json::object()) == Names{"/spec/caBundle"});
  CHECK(names(Object("apiextensions.k8s.io", "CustomResourceDefinition",
                     R"({"spec":{"conversion":{"webhook":{"clientConfig":{"caBundle":"Cg=="}}}}})"),
              json::object()) == Names{"/spec/conversion/webhook/clientConfig/caBundle"});
}

TEST_CASE("what is left out is found by name in live, and new items come as declared") {
  PreparedObject object =
      Object("", "X", R"({"l":[{"name":"b","v":"1"},{"name":"new","v":"2"}],"n":3})");
  json live = json::parse(R"({"l":[{"name":"a","v":"7"},{"name":"b","v":"8"}],"n":9})");
  live["metadata"]["managedFields"] = json::array({Entry(
      "sluice", "Apply", R"({"f:l":{"k:{\"name\":\"b\"}":{".":{},"f:name":{},"f:v":{}}}})")});
  object.former = {json::parse(R"({"l":[{"name":"c","v":"3"},{"name":"b","v":"4"}],"n":1})")};
  LeaveOut(object, live, {{"/l/0/v", "x"}, {"/l/1/v", "x"}, {"/n", "x"}, {"/missing/deep", "x"}});
  CHECK(object.former.front() == json::parse(R"({"l":[{"name":"c","v":"3"},{"name":"b"}]})"));
  CHECK(object.resource.body == json::parse(R"({"l":[{"name":"b"},{"name":"new","v":"2"}]})"));
  CHECK(object.whole ==
        json::parse(R"({"l":[{"name":"b","v":"1"},{"name":"new","v":"2"}],"n":3})"));
  // A dry run is told what live has where it is ours, or it would count as removed.
  CHECK(object.asked == json::parse(R"({"l":[{"name":"b","v":"8"},{"name":"new","v":"2"}]})"));
  REQUIRE(object.left.size() == 2);
  const auto of = [&](const std::string& pointer) {
    return std::ranges::find(object.left, pointer, &LeftField::pointer)->is_ours;
  };
  CHECK(of("/l/0/v"));
  CHECK_FALSE(of("/n"));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
