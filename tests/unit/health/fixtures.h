// Live objects as a server would send them, with only what health looks at.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/time_format.h"
#include "engine/targets/kubernetes/health.h"
#include "tests/support/catch.h"

namespace sluice::targets::fixtures {

using Json = nlohmann::json;

// An array; braces around a single value would copy it instead.
template <class... Values>
Json List(const Values&... values) {
  Json list = Json::array();
  (list.push_back(values), ...);
  return list;
}

inline SystemTime At(const std::string& text) { return *ParseTime(text); }

inline Json Object(const std::string& api_version, const std::string& kind, const Json& spec,
                   const Json& status, const std::string& name = "web") {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata",
           {{"name", name}, {"namespace", "shop"}, {"uid", name + "-uid"}, {"generation", 2}}},
          {"spec", spec},
          {"status", status}};
}

inline Json Condition(const std::string& type, const std::string& status,
                      const std::string& reason = "", const std::string& message = "",
                      const std::string& time = "2026-11-21T07:00:00Z") {
  return {{"type", type},       {"status", status},       {"reason", reason},
          {"message", message}, {"lastUpdateTime", time}, {"lastTransitionTime", time}};
}

// As a controller writes it, with the generation it is about.
inline Json ConditionOf(int generation, const std::string& type, const std::string& status) {
  Json condition = Condition(type, status);
  condition["observedGeneration"] = generation;
  return condition;
}

// A custom resource at generation 2.
inline Json Custom(const Json& status, const Json& spec = Json::object(),
                   const std::string& kind = "Widget",
                   const std::string& api_version = "example.com/v1") {
  return Object(api_version, kind, spec, status);
}

inline Json OwnedBy(Json object, const Json& owner) {
  object["metadata"]["ownerReferences"] = Json::array({{{"kind", owner["kind"]},
                                                        {"name", owner["metadata"]["name"]},
                                                        {"uid", owner["metadata"]["uid"]},
                                                        {"controller", true}}});
  return object;
}

inline Json Labelled(Json object, const std::string& key, const std::string& value) {
  object["metadata"]["labels"][key] = value;
  return object;
}

inline Json Template(const std::string& image) {
  return {{"metadata", {{"labels", {{"app", "web"}}}}},
          {"spec", {{"containers", {{{"name", "web"}, {"image", image}}}}}}};
}

// 3 replicas wanted; the counts are given.
inline Json Deployment(int replicas, int updated, int ready, int available, const Json& conditions,
                       const std::string& image = "shop/web:2") {
  return Object("apps/v1", "Deployment",
                {{"replicas", 3},
                 {"progressDeadlineSeconds", 600},
                 {"template", Template(image)},
                 {"selector", {{"matchLabels", {{"app", "web"}}}}}},
                {{"observedGeneration", 2},
                 {"replicas", replicas},
                 {"updatedReplicas", updated},
                 {"readyReplicas", ready},
                 {"availableReplicas", available},
                 {"conditions", conditions}});
}

inline Json ReplicaSetOf(const Json& deployment, const std::string& hash, const std::string& image,
                         int available, const std::string& created = "2026-11-21T07:00:00Z") {
  Json pod_template = Template(image);
  pod_template["metadata"]["labels"]["pod-template-hash"] = hash;
  Json set = Object("apps/v1", "ReplicaSet", {{"replicas", 3}, {"template", pod_template}},
                    {{"observedGeneration", 2}, {"replicas", 3}, {"availableReplicas", available}},
                    "web-" + hash);
  set["metadata"]["creationTimestamp"] = created;
  return OwnedBy(Labelled(set, "pod-template-hash", hash), deployment);
}

inline Json Pod(const std::string& name, const std::string& phase,
                const Json& conditions = Json::array(), const Json& containers = Json::array()) {
  Json pod = Object("v1", "Pod", {{"restartPolicy", "Always"}},
                    {{"phase", phase},
                     {"startTime", "2026-11-21T07:00:00Z"},
                     {"conditions", conditions},
                     {"containerStatuses", containers}},
                    name);
  pod["metadata"].erase("generation");
  pod["metadata"]["creationTimestamp"] = "2026-11-21T07:00:00Z";
  return pod;
}

inline Json Container(const Json& state, int restarts = 0,
                      const Json& last_state = Json::object()) {
  return {{"name", "web"},  {"image", "shop/web:2"},  {"ready", false}, {"restartCount", restarts},
          {"state", state}, {"lastState", last_state}};
}
inline Json Waiting(const std::string& reason, const std::string& message = "") {
  return {{"waiting", {{"reason", reason}, {"message", message}}}};
}
inline Json Terminated(int code, const std::string& reason, const std::string& message = "") {
  return {{"terminated", {{"exitCode", code}, {"reason", reason}, {"message", message}}}};
}

inline Json Warning(const Json& about, const std::string& reason, const std::string& message,
                    const std::string& time = "2026-11-21T07:00:30Z") {
  return {{"type", "Warning"},
          {"reason", reason},
          {"message", message},
          {"lastTimestamp", time},
          {"involvedObject", {{"uid", about["metadata"]["uid"]}}}};
}

inline Json StatefulSet(int total, int ready, int updated, int current, const Json& strategy,
                        bool same_revision = true) {
  return Object("apps/v1", "StatefulSet", {{"replicas", 3}, {"updateStrategy", strategy}},
                {{"observedGeneration", 2},
                 {"replicas", total},
                 {"readyReplicas", ready},
                 {"updatedReplicas", updated},
                 {"currentReplicas", current},
                 {"currentRevision", same_revision ? "web-b" : "web-a"},
                 {"updateRevision", "web-b"}});
}

struct Row {
  std::string name;
  Json live;
  Health health;
  std::string reason;
  bool is_terminal = false;
};

inline void Check(const std::vector<Row>& rows, const HealthContext& context = {}) {
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const ObjectHealth seen = AssessObject(row.live, context);
      CHECK(ToString(seen.health) == ToString(row.health));
      CHECK(seen.reason == row.reason);
      CHECK(seen.is_terminal == row.is_terminal);
      CHECK((seen.reason.empty() || !seen.message.empty()));
    }
  }
}

}  // namespace sluice::targets::fixtures
