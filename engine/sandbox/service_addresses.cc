#include "engine/sandbox/service_addresses.h"

#include <nlohmann/json.hpp>

namespace sluice::sandbox {

std::string ServiceAddresses::NextClusterIp(bool dry_run) {
  const uint32_t number = dry_run ? next_ip_ : next_ip_++;
  return "10.0." + std::to_string(number / 250 % 250) + "." + std::to_string(number % 250 + 1);
}

void ServiceAddresses::Allocate(Json& service, const Json* live, bool dry_run) {
  Json& spec = Ensure(service, {"spec"});
  const std::string kind = TextAt(spec, {"type"});
  if (kind == "ExternalName") return;
  if (live != nullptr) {
    for (const char* name :
         {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"}) {
      if (const Json* value = Find(*live, {"spec", name});
          value != nullptr && !spec.contains(name)) {
        spec[name] = *value;
      }
    }
  }
  if (TextAt(spec, {"clusterIP"}).empty()) spec["clusterIP"] = NextClusterIp(dry_run);
  if (!spec.contains("clusterIPs")) spec["clusterIPs"] = Json::array({spec["clusterIP"]});
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = Json::array({"IPv4"});
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  if (kind != "NodePort" && kind != "LoadBalancer") return;
  Json* ports = Find(spec, {"ports"});
  if (ports == nullptr || !ports->is_array()) return;
  for (Json& port : *ports) {
    if (IntAt(port, {"nodePort"}) != 0) continue;
    if (live != nullptr) {
      for (const Json& old : ArrayAt(*live, {"spec", "ports"})) {
        if (IntAt(old, {"port"}) == IntAt(port, {"port"}) && old.contains("nodePort")) {
          port["nodePort"] = old["nodePort"];
        }
      }
    }
    if (IntAt(port, {"nodePort"}) == 0)
      port["nodePort"] = dry_run ? next_node_port_ : next_node_port_++;
  }
}

}  // namespace sluice::sandbox
