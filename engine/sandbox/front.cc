#include "engine/sandbox/front.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller.h"
#include "engine/sandbox/image.h"
#include "engine/sandbox/request_info.h"
#include "engine/sandbox/selectors.h"

namespace sluice::sandbox {
namespace {

constexpr int64_t kLongestDelay = 10000;

HttpResponse Answer(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}, {"X-Sluice-Sandbox", "simulation"}};
  response.body = Dump(body) + "\n";
  return response;
}

HttpResponse Refusal(int status, const std::string& message) {
  return Answer(status, {{"error", message}, {"simulation", true}});
}

std::string AppName(const Json& pod, const std::string& service) {
  for (const char* label : {"app.kubernetes.io/name", "app", "k8s-app"}) {
    std::string name = TextAt(pod, {"metadata", "labels", label});
    if (!name.empty()) return name;
  }
  return service;
}

Duration DelayOf(const RequestInfo& info) {
  const std::string text = info.Query("delay");
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
    return Duration(0);
  return Duration(std::min<int64_t>(std::stol(text), kLongestDelay));
}

std::vector<ObjectPtr> ReadyPods(const Cluster& cluster, const Json& service) {
  std::vector<ObjectPtr> out;
  const Json& selector = ObjectAt(service, {"spec", "selector"});
  for (const ObjectPtr& pod : cluster.store.List("pods", NamespaceOf(service))) {
    const bool selected = MatchesMap(selector, ObjectAt(*pod, {"metadata", "labels"}));
    if (selected && IsPodActive(*pod) && IsPodReady(*pod)) out.push_back(pod);
  }
  return out;
}

// The image behind the Service's first port; the first container's when none declares that port.
std::string ServingImage(const Json& pod, const Json& service) {
  const Json& containers = ArrayAt(pod, {"spec", "containers"});
  const Json& service_ports = ArrayAt(service, {"spec", "ports"});
  const Json* target = service_ports.empty() ? nullptr : Find(service_ports[0], {"targetPort"});
  for (const Json& container : containers) {
    for (const Json& port : ArrayAt(container, {"ports"})) {
      if (target == nullptr) continue;
      const Json* number = Find(port, {"containerPort"});
      if ((number != nullptr && *number == *target) || Json(TextAt(port, {"name"})) == *target) {
        return TextAt(container, {"image"});
      }
    }
  }
  return containers.empty() ? "" : TextAt(containers[0], {"image"});
}

HttpResponse AnswerOf(const Json& pod, const std::string& image, const RequestInfo& info,
                      const std::string& path) {
  const bool broken = HasFault(ObjectAt(pod, {"spec"}), "http500");
  Json body = {{"app", AppName(pod, info.parts[1])},
               {"cluster", info.cluster},
               {"namespace", info.parts[0]},
               {"service", info.parts[1]},
               {"image", image},
               {"version", ImageVersion(image)},
               {"pod", NameOf(pod)},
               {"path", path},
               {"simulation", true}};
  if (broken) body["error"] = "simulated failure: the image's tag begins with http500-";
  HttpResponse response = Answer(broken ? 500 : 200, body);
  response.delay = DelayOf(info);
  return response;
}

}  // namespace

HttpResponse Front::Handle(const HttpRequest& request) {
  const std::optional<RequestInfo> info = ParseRequest(request);
  if (!info) return Refusal(400, "the request target cannot be read");
  const auto it = clusters_.find(info->cluster);
  if (it == clusters_.end() || info->parts.size() < 2) {
    return Refusal(404,
                   "this is sluice sandbox's HTTP front, a simulation; ask for "
                   "/CLUSTER/NAMESPACE/SERVICE/PATH");
  }
  std::string path;
  for (size_t i = 2; i < info->parts.size(); ++i) path += "/" + info->parts[i];
  if (path.empty()) path = "/";
  std::vector<ObjectPtr> pods;
  ObjectPtr service;
  {
    Cluster& cluster = *it->second;
    const std::lock_guard lock(cluster.mutex);
    service = cluster.store.Get("services", info->parts[0], info->parts[1]);
    if (service == nullptr) {
      return Refusal(404, "no Service " + info->parts[0] + "/" + info->parts[1] + " in cluster " +
                              info->cluster);
    }
    pods = ReadyPods(cluster, *service);
  }
  if (pods.empty()) {
    return Refusal(503, "Service " + info->parts[0] + "/" + info->parts[1] + " in cluster " +
                            info->cluster + " has no ready endpoint");
  }
  size_t turn = 0;
  {
    const std::lock_guard lock(mutex_);
    turn = turns_[info->cluster + "/" + info->parts[0] + "/" + info->parts[1]]++;
  }
  const Json& pod = *pods[turn % pods.size()];
  return AnswerOf(pod, ServingImage(pod, *service), *info, path);
}

}  // namespace sluice::sandbox
