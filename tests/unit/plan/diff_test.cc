#include <random>

#include "engine/plan/plan_builder.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::Json;
using builders::Ref;

const TargetKind& kKind = targets::kubernetes::KindOfTarget();

std::vector<FieldChange> Diff(const Json& before, const Json& after) {
  return DiffFields(kKind, Ref("Widget", "w"), before, after);
}

TEST_CASE("equal objects have no difference, and one field differs alone") {
  const Json object = {{"spec", {{"replicas", 2}, {"template", {{"x", Json::array({1, 2})}}}}}};
  CHECK(Diff(object, object).empty());
  Json other = object;
  other["spec"]["replicas"] = 3;
  CHECK(Diff(object, other) == std::vector<FieldChange>{{"/spec/replicas", 2, 3}});
}

TEST_CASE("what is added or removed is one difference, whole") {
  CHECK(Diff({{"a", 1}}, {{"a", 1}, {"b", {{"c", 2}}}}) ==
        std::vector<FieldChange>{{"/b", nullptr, {{"c", 2}}}});
  CHECK(Diff({{"a", 1}, {"b", {{"c", 2}}}}, {{"a", 1}}) ==
        std::vector<FieldChange>{{"/b", {{"c", 2}}, nullptr}});
  CHECK(Diff({{"a", nullptr}}, Json::object()).empty());
}

struct ListRow {
  std::string name;
  std::string before, after;
  std::vector<std::string> paths;
};

TEST_CASE("list items are paired by their merge key") {
  const std::vector<ListRow> rows = {
      {"containers by name",
       R"([{"name":"a","image":"x:1"},{"name":"b","image":"y:1"}])",
       R"([{"name":"a","image":"x:1"},{"name":"b","image":"y:2"}])",
       {"/l[name=b]/image"}},
      {"an item put in front shifts nothing",
       R"([{"name":"b","image":"y"}])",
       R"([{"name":"a"},{"name":"b","image":"y"}])",
       {"/l[name=a]"}},
      {"order is a difference of its own",
       R"([{"name":"a"},{"name":"b"}])",
       R"([{"name":"b"},{"name":"a"}])",
       {"/l[order]"}},
      {"container ports by port and protocol",
       R"([{"containerPort":53,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP","name":"u"}])",
       R"([{"containerPort":53},{"containerPort":53,"protocol":"UDP","name":"v"}])",
       {"/l[containerPort=53,protocol=TCP]/protocol", "/l[containerPort=53,protocol=UDP]/name"}},
      {"service ports by port",
       R"([{"name":"http","port":80,"targetPort":1}])",
       R"([{"name":"http","port":80,"targetPort":2}])",
       {"/l[port=80,protocol=TCP]/targetPort"}},
      {"mounts by path, though they have names",
       R"([{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/b"}])",
       R"([{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/b","readOnly":true}])",
       {"/l[mountPath=/b]/readOnly"}},
      {"conditions by type",
       R"([{"type":"A","x":1}])",
       R"([{"type":"A","x":2}])",
       {"/l[type=A]/x"}},
      {"host aliases by ip",
       R"([{"ip":"10.0.0.1","hostnames":["a"]}])",
       R"([{"ip":"10.0.0.1","hostnames":["b"]}])",
       {"/l[ip=10.0.0.1]/hostnames"}},
      {"spread constraints by both keys",
       R"([{"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","maxSkew":1}])",
       R"([{"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","maxSkew":2}])",
       {"/l[topologyKey=z,whenUnsatisfiable=DoNotSchedule]/maxSkew"}},
      {"no key: by position", R"([{"k":1},{"k":2}])", R"([{"k":1},{"k":3}])", {"/l[1]/k"}},
      {"a key twice: by position",
       R"([{"name":"a","v":1},{"name":"a","v":2}])",
       R"([{"name":"a","v":1},{"name":"a","v":3}])",
       {"/l[1]/v"}},
      {"scalars are shown whole", R"(["a","b"])", R"(["a","c"])", {"/l"}},
  };
  for (const ListRow& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const auto fields = Diff({{"l", Json::parse(row.before)}}, {{"l", Json::parse(row.after)}});
      std::vector<std::string> paths;
      for (const FieldChange& field : fields) paths.push_back(field.path);
      CHECK(paths == row.paths);
    }
  }
}

TEST_CASE("keys with a slash stay readable") {
  const auto fields = Diff({{"metadata", {{"labels", {{"a/b", "1"}}}}}},
                           {{"metadata", {{"labels", {{"a/b", "2"}}}}}});
  CHECK(fields == std::vector<FieldChange>{{"/metadata/labels[a/b]", "1", "2"}});
}

TEST_CASE("values of Secrets are never shown, only that they differ") {
  const ObjectRef secret = Ref("Secret", "db");
  const auto changed = DiffFields(
      kKind, secret, builders::Secret({{"password", "b2xk"}, {"user", "c2FtZQ=="}}),
      builders::Secret({{"password", "bmV3"}, {"user", "c2FtZQ=="}, {"extra", "c2VjcmV0"}}));
  CHECK(changed == std::vector<FieldChange>{{"/data/extra", nullptr, "***"},
                                            {"/data/password", "*** (before)", "*** (after)"}});
  const auto removed = DiffFields(kKind, secret, builders::Secret({{"password", "b2xk"}}),
                                  builders::Secret(Json::object()));
  CHECK(removed == std::vector<FieldChange>{{"/data/password", "***", nullptr}});
  const auto created = DiffFields(kKind, secret, nullptr, builders::Secret({{"password", "bmV3"}}));
  CHECK(created == std::vector<FieldChange>{{"/data", nullptr, {{"password", "***"}}}});
  Json plain = builders::Secret(nullptr);
  plain["stringData"] = {{"password", "hunter22"}};
  CHECK(Json(DiffFields(kKind, secret, nullptr, plain).front().after).dump() ==
        R"({"password":"***"})");
  CHECK(DiffFields(kKind, secret, {{"data", "odd"}}, {{"data", "odder"}}).front().after ==
        "*** (after)");
}

TEST_CASE("a Secret's value is masked in whichever member it stands") {
  const ObjectRef secret = Ref("Secret", "db");
  for (const Json& odd :
       {Json{{"stringDatas", {{"p", "s3cr3tA"}}}}, Json{{"Data", {{"p", {{"q", "s3cr3tA"}}}}}},
        Json{{"password", "s3cr3tA"}}, Json{{"passwords", {"s3cr3tA"}}},
        Json{{"immutable", "s3cr3tA"}}, Json{{"type", {{"t", "s3cr3tA"}}}}}) {
    Json body = builders::Secret(nullptr);
    body.update(odd);
    const std::string member = odd.items().begin().key();
    const auto dump = [](const std::vector<FieldChange>& fields) {
      std::string out;
      for (const FieldChange& field : fields)
        out += field.path + field.before.dump() + field.after.dump();
      return out;
    };
    for (const std::string& text :
         {dump(DiffFields(kKind, secret, nullptr, body)),
          dump(DiffFields(kKind, secret, builders::Secret(nullptr), body)),
          dump(DiffFields(kKind, secret, body, builders::Secret(nullptr)))}) {
      INFO(text);
      CHECK(text.find("s3cr3tA") == std::string::npos);
      CHECK(text.find("/" + member) != std::string::npos);
      CHECK(text.find("***") != std::string::npos);
    }
  }
}

TEST_CASE("of a Secret the type and whether it is immutable can be seen") {
  const auto fields = DiffFields(kKind, Ref("Secret", "db"), {{"type", "Opaque"}},
                                 {{"type", "kubernetes.io/tls"}, {"immutable", true}});
  CHECK(fields == std::vector<FieldChange>{{"/immutable", nullptr, true},
                                           {"/type", "Opaque", "kubernetes.io/tls"}});
}

TEST_CASE("the last-applied annotation is masked on every kind") {
  const auto with = [](const std::string& value) {
    return Json{{"metadata",
                 {{"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", value}}}}}};
  };
  CHECK(Diff(with("{\"data\":\"a\"}"), with("{\"data\":\"b\"}")) ==
        std::vector<FieldChange>{
            {"/metadata/annotations[kubectl.kubernetes.io/last-applied-configuration]",
             "*** (before)", "*** (after)"}});
}

TEST_CASE("another group's Secret is an ordinary custom resource") {
  const ObjectRef vault = Ref("Secret", "db", "vault.example.com");
  CHECK(DiffFields(kKind, vault, {{"data", {{"path", "a"}}}}, {{"data", {{"path", "b"}}}})
            .front()
            .after == "b");
}

// Random JSON without null members, which mean the same as absent ones.
Json RandomJson(std::mt19937& random, int depth) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int kind = pick(depth > 0 ? 5 : 3);
  if (kind == 0) return pick(3);
  if (kind == 1) return std::string(1, static_cast<char>('a' + pick(3)));
  if (kind == 2) return pick(2) == 0;
  if (kind == 3) {
    Json list = Json::array();
    for (int i = pick(3); i > 0; --i) {
      Json item = RandomJson(random, depth - 1);
      if (item.is_object() && pick(2) == 0)
        item["name"] = std::string(1, static_cast<char>('a' + pick(3)));
      list.push_back(std::move(item));
    }
    return list;
  }
  Json object = Json::object();
  for (int i = pick(4); i > 0; --i)
    object[std::string(1, static_cast<char>('p' + pick(4)))] = RandomJson(random, depth - 1);
  return object;
}

TEST_CASE("there is a difference exactly when two objects are not equal") {
  std::mt19937 random(20261121);
  for (int i = 0; i < 5000; ++i) {
    const Json before = {{"spec", RandomJson(random, 3)}};
    const Json after = {{"spec", RandomJson(random, 3)}};
    INFO(before.dump() << " / " << after.dump());
    REQUIRE(Diff(before, after).empty() == (before == after));
    REQUIRE(Diff(before, before).empty());
  }
}

}  // namespace
}  // namespace sluice::plan
