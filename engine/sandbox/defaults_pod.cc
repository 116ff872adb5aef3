#include <nlohmann/json.hpp>

#include "engine/sandbox/defaults.h"
#include "engine/sandbox/image.h"

namespace sluice::sandbox {
namespace {

void Default(Json& object, const char* name, const Json& value) {
  if (!object.contains(name)) object[name] = value;
}

void DefaultHttpGet(Json& handler) {
  if (Json* get = Find(handler, {"httpGet"})) {
    Default(*get, "path", "/");
    Default(*get, "scheme", "HTTP");
  }
}

void DefaultProbe(Json& container, const char* name) {
  Json* probe = Find(container, {name});
  if (probe == nullptr || !probe->is_object()) return;
  Default(*probe, "timeoutSeconds", 1);
  Default(*probe, "periodSeconds", 10);
  Default(*probe, "successThreshold", 1);
  Default(*probe, "failureThreshold", 3);
  DefaultHttpGet(*probe);
  if (Json* grpc = Find(*probe, {"grpc"})) Default(*grpc, "service", "");
}

void DefaultContainer(Json& container, bool host_network) {
  if (!container.is_object()) return;
  Default(container, "terminationMessagePath", "/dev/termination-log");
  Default(container, "terminationMessagePolicy", "File");
  Default(container, "resources", Json::object());
  Default(container, "imagePullPolicy", DefaultPullPolicy(TextAt(container, {"image"})));
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    DefaultProbe(container, probe);
  }
  for (const char* hook : {"postStart", "preStop"}) {
    if (Json* handler = Find(container, {"lifecycle", hook})) DefaultHttpGet(*handler);
  }
  if (Json* ports = Find(container, {"ports"}); ports != nullptr && ports->is_array()) {
    for (Json& port : *ports) {
      Default(port, "protocol", "TCP");
      if (host_network && port.contains("containerPort")) {
        Default(port, "hostPort", port["containerPort"]);
      }
    }
  }
  if (Json* env = Find(container, {"env"}); env != nullptr && env->is_array()) {
    for (Json& variable : *env) {
      if (Json* field = Find(variable, {"valueFrom", "fieldRef"}))
        Default(*field, "apiVersion", "v1");
    }
  }
  // Requests follow limits where only limits are given.
  const Json limits = ObjectAt(container, {"resources", "limits"});
  for (const auto& [name, value] : limits.items()) {
    Default(Ensure(container, {"resources", "requests"}), name.c_str(), value);
  }
}

void DefaultVolume(Json& volume) {
  if (!volume.is_object()) return;
  if (volume.size() == 1) volume["emptyDir"] = Json::object();
  for (const char* kind : {"secret", "configMap", "projected", "downwardAPI"}) {
    if (Json* source = Find(volume, {kind})) Default(*source, "defaultMode", 420);
  }
  if (Json* host_path = Find(volume, {"hostPath"})) Default(*host_path, "type", "");
  if (Json* sources = Find(volume, {"projected", "sources"});
      sources != nullptr && sources->is_array()) {
    for (Json& source : *sources) {
      if (Json* token = Find(source, {"serviceAccountToken"}))
        Default(*token, "expirationSeconds", 3600);
    }
  }
}

}  // namespace

void ApplyPodSpecDefaults(Json& spec) {
  Default(spec, "restartPolicy", "Always");
  Default(spec, "dnsPolicy", "ClusterFirst");
  Default(spec, "schedulerName", "default-scheduler");
  Default(spec, "terminationGracePeriodSeconds", 30);
  Default(spec, "securityContext", Json::object());
  const std::string account = TextAt(spec, {"serviceAccountName"});
  const std::string legacy = TextAt(spec, {"serviceAccount"});
  if (!account.empty()) spec["serviceAccount"] = account;
  if (account.empty() && !legacy.empty()) spec["serviceAccountName"] = legacy;
  const bool host_network = BoolAt(spec, {"hostNetwork"});
  for (const char* list : {"containers", "initContainers"}) {
    if (Json* containers = Find(spec, {list}); containers != nullptr && containers->is_array()) {
      for (Json& container : *containers) DefaultContainer(container, host_network);
    }
  }
  if (Json* volumes = Find(spec, {"volumes"}); volumes != nullptr && volumes->is_array()) {
    for (Json& volume : *volumes) DefaultVolume(volume);
  }
}

}  // namespace sluice::sandbox
