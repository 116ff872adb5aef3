// A namespace with one ConfigMap, "m", whose key "a" holds what it is about.
#pragma once

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {

inline std::string MapYaml(const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"" + value + "\"}\n";
}

inline std::string ReasonOf(const WriteResult& result) {
  return result.status ? "" : result.status.error().reason();
}

struct MapScene {
  LiveCluster cluster;
  std::string ns = cluster.MakeNamespace();
  std::unique_ptr<TargetDriver> driver = cluster.Driver(ns);
  ObjectRef ref{"", "ConfigMap", ns, "m"};
  std::string maps = "/api/v1/namespaces/" + ns + "/configmaps";
  std::string path = maps + "/m";

  Pass Bring(const std::string& value) { return Deploy(cluster, *driver, MapYaml(value)); }
  Pass Plan(const std::string& value, Force force = Force::kNo) {
    return MakePass(cluster, *driver, MakeResources(MapYaml(value)), force);
  }
  WriteResult Apply(const Pass& pass, Force force = Force::kNo) {
    return driver
        ->Apply(pass.prepared.objects, pass.live, WriteMode::kApply, force, cluster.Deadline())
        .at(0);
  }
  Deletion Seen() {
    const auto live = driver->Observe({ref}, cluster.Deadline());
    REQUIRE(live);
    return DeletionOf(ref, live->objects.at(ref));
  }
  WriteResult Delete(const Deletion& deletion) {
    return driver->Delete({deletion}, WriteMode::kApply, cluster.Deadline()).at(0);
  }

  // As others see it, and what they do to it.
  nlohmann::json Live() { return cluster.As("t", "GET", path).body; }
  std::string Value() { return ToText(At(Live(), "data", "a")); }
  void Merge(const nlohmann::json& patch) {
    REQUIRE(
        cluster.As("kubectl", "PATCH", path, patch, "application/merge-patch+json").IsSuccess());
  }
  void Remove() { REQUIRE(cluster.As("t", "DELETE", path).IsSuccess()); }
  void MakeAnew(const std::string& value) {
    REQUIRE(cluster.As("kubectl", "POST", maps, MakeResource(MapYaml(value)).body).IsSuccess());
  }
};

// What a controller does: it moves the version, and nothing that is ours.
inline const nlohmann::json kStatusMoves = {{"metadata", {{"annotations", {{"other", "1"}}}}}};

}  // namespace sluice::targets::kubernetes
