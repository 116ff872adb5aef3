#include "engine/sandbox/cluster.h"

#include <nlohmann/json.hpp>
#include <set>

namespace sluice::sandbox {
namespace {

void Create(Cluster& cluster, const char* group, const char* kind, Json object) {
  const TypePtr type = cluster.types.FindKind(group, kind);
  WriteOptions options;
  options.manager = "kube-apiserver";
  (void)cluster.writer.Create(*type, std::move(object), options);  // a fresh store refuses nothing
}

Json Named(const std::string& name) { return {{"metadata", {{"name", name}}}}; }

void CreateNode(Cluster& cluster) {
  Json node = Named("node-0");
  node["metadata"]["labels"] = {{"kubernetes.io/hostname", "node-0"},
                                {"kubernetes.io/os", "linux"},
                                {"kubernetes.io/arch", "amd64"}};
  Create(cluster, "", "Node", node);
  const TypePtr type = cluster.types.FindKind("", "Node");
  Json live = *cluster.store.Get("nodes", "", "node-0");
  const Json room = {{"cpu", "1k"}, {"memory", "1Ti"}, {"pods", "10k"}};
  live["status"] = {
      {"capacity", room},
      {"allocatable", room},
      {"nodeInfo", {{"kubeletVersion", "v1.36.3-sandbox"}, {"operatingSystem", "linux"}}},
      {"addresses", {{{"type", "InternalIP"}, {"address", "127.0.0.1"}}}},
      {"conditions",
       {{{"type", "Ready"},
         {"status", "True"},
         {"reason", "KubeletReady"},
         {"message", "simulated"},
         {"lastTransitionTime", NowText()},
         {"lastHeartbeatTime", NowText()}}}}};
  WriteOptions options;
  options.manager = "kubelet";
  options.subresource = "status";
  (void)cluster.writer.Update(*type, std::move(live), options);
}

void CreateApiServices(Cluster& cluster) {
  std::set<std::string> seen;
  for (const TypePtr& type : cluster.types.All()) {
    const std::string name = type->version + "." + type->group;
    if (!seen.insert(name).second) continue;
    Json service = Named(name);
    service["spec"] = {
        {"version", type->version}, {"groupPriorityMinimum", 17000}, {"versionPriority", 15}};
    if (!type->group.empty()) service["spec"]["group"] = type->group;
    Create(cluster, "apiregistration.k8s.io", "APIService", service);
  }
}

}  // namespace

void SeedCluster(Cluster& cluster) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    Create(cluster, "", "Namespace", Named(name));
  }
  CreateNode(cluster);
  Json service = Named("kubernetes");
  service["metadata"]["namespace"] = "default";
  service["spec"] = {{"clusterIP", "10.0.0.1"},
                     {"ports", {{{"name", "https"}, {"port", 443}, {"targetPort", 6443}}}}};
  Create(cluster, "", "Service", service);
  Json storage = Named("standard");
  storage["metadata"]["annotations"] = {{"storageclass.kubernetes.io/is-default-class", "true"}};
  storage["provisioner"] = "sandbox.sluice.dev/none";
  Create(cluster, "storage.k8s.io", "StorageClass", storage);
  for (const char* name : {"cluster-admin", "admin", "edit", "view"}) {
    Json role = Named(name);
    const Json everything = Json::array({"*"});
    role["rules"] = {{{"apiGroups", everything}, {"resources", everything}, {"verbs", everything}}};
    Create(cluster, "rbac.authorization.k8s.io", "ClusterRole", role);
  }
  CreateApiServices(cluster);
}

}  // namespace sluice::sandbox
