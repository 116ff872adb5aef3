// Inputs of a plan with good defaults.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/plan/plan_builder.h"
#include "tests/support/kinds.h"

namespace sluice::plan::builders {

using Json = nlohmann::json;

inline ObjectRef Ref(const std::string& kind, const std::string& name,
                     const std::string& group = "") {
  return {group, kind, "shop", name};
}

inline Json ConfigMap(const Json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "settings"}, {"namespace", "shop"}}},
          {"data", data}};
}
inline Json Secret(const Json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", "db"}, {"namespace", "shop"}}},
          {"data", data}};
}
inline Json Marked(Json object, const std::string& mark = "u-1") {
  object["metadata"]["labels"]["sluice.dev/unit"] = mark;
  return object;
}

inline Declared Object(Declared::Found found, const Json& before, const Json& after,
                       const ObjectRef& ref = Ref("ConfigMap", "settings")) {
  Declared declared;
  declared.ref = ref;
  declared.api_version = "v1";
  declared.found = found;
  declared.before = before;
  declared.after = after;
  return declared;
}
inline Declared Ours(Declared declared) {
  declared.is_ours = true;
  return declared;
}

inline Leftover Gone(const std::string& name) {
  Leftover leftover;
  leftover.ref = Ref("ConfigMap", name);
  leftover.api_version = "v1";
  leftover.is_live = leftover.is_marked = leftover.is_applied_by_us = true;
  return leftover;
}

inline Input Empty() {
  Input input;
  input.kind = testing::Kinds().front();
  input.target = "main";
  return input;
}

inline Input One(const Declared& declared) {
  Input input = Empty();
  input.unit = "prod/checkout";
  input.declared.push_back(declared);
  input.inventory_size = 1;
  return input;
}

}  // namespace sluice::plan::builders
