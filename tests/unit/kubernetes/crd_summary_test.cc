#include "engine/targets/kubernetes/crd_summary.h"

#include "tests/support/catch.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

json CrdVersion(const std::string& name, json properties) {
  return {{"name", name},
          {"served", true},
          {"storage", name == "v1"},
          {"schema",
           {{"openAPIV3Schema",
             {{"type", "object"},
              {"properties",
               {{"spec", {{"type", "object"}, {"properties", std::move(properties)}}}}}}}}}};
}

json MakeCrd(json versions) {
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "things.example.test"}}},
          {"spec", {{"group", "example.test"}, {"versions", std::move(versions)}}}};
}

const json kTextField = {{"type", "string"}, {"description", "words"}};

}  // namespace

TEST_CASE("what changes in a definition is told on one line") {
  const json before =
      MakeCrd({CrdVersion("v1", {{"a", kTextField}, {"b", kTextField}, {"c", kTextField}})});
  SECTION("fields, of which only the top of what comes or goes is named") {
    json many = {{"a", kTextField}, {"b", {{"type", "integer"}}}, {"c", kTextField}};
    many["c"]["description"] = "other words";
    for (const char* name : {"d", "e", "f", "g"})
      many[name] = {{"type", "array"},
                    {"items", {{"type", "object"}, {"properties", {{"x", kTextField}}}}}};
    CHECK(SummarizeCrd(before, MakeCrd({CrdVersion("v1", many)})) ==
          "4 fields added (spec.d, spec.e, spec.f and 1 more); 1 field changed (spec.b); 1 field "
          "described anew (spec.c)");
    CHECK(SummarizeCrd(MakeCrd({CrdVersion("v1", many)}), before)
              .starts_with("4 fields removed (spec.d, spec.e, spec.f and 1 more)"));
  }
  SECTION("versions") {
    json old = CrdVersion("v1", {{"a", kTextField}, {"b", kTextField}, {"c", kTextField}});
    old["storage"] = false;
    old["deprecated"] = true;
    json next = CrdVersion("v2", {{"other", kTextField}});
    next["storage"] = true;
    CHECK(SummarizeCrd(before, MakeCrd({old, next})) ==
          "version v1 no longer stored and deprecated; version v2 added and stored");
    CHECK(SummarizeCrd(MakeCrd({old, next}), MakeCrd({next})) == "version v1 removed");
  }
  SECTION("what has no schema") {
    json after = before;
    after["metadata"]["annotations"] = {{"a", "b"}};
    after["spec"]["conversion"] = {{"strategy", "None"}};
    after["spec"]["versions"][0]["additionalPrinterColumns"] = json::array({1});
    CHECK(SummarizeCrd(before, after) ==
          "additionalPrinterColumns, metadata.annotations, spec.conversion changed");
  }
  SECTION("a map's and a list's items stand under their name") {
    const json list = {{"type", "array"},
                       {"items", {{"type", "object"}, {"properties", {{"x", kTextField}}}}}};
    json longer = list;
    longer["items"]["properties"]["y"] = kTextField;
    CHECK(SummarizeCrd(MakeCrd({CrdVersion("v1", {{"l", list}})}),
                       MakeCrd({CrdVersion("v1", {{"l", longer}})})) == "1 field added (spec.l.y)");
  }
}

TEST_CASE("what is no definition has no summary, however it is malformed") {
  for (const json& value :
       {json(), json("x"), json{{"spec", 1}}, json{{"spec", {{"versions", "x"}}}},
        json{{"spec", {{"versions", {1, {{"name", 2}}, {{"name", "v1"}, {"schema", "x"}}}}}}}}) {
    CHECK(SummarizeCrd(value, value).empty());
  }
  CHECK(SummarizeCrd(json(), MakeCrd({CrdVersion("v1", {})})).empty());
}

}  // namespace sluice::targets::kubernetes
