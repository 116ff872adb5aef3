#include "engine/sandbox/validation.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

using Causes = std::vector<Cause>;

constexpr char kSubdomainDetail[] =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr char kLabelDetail[] =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr size_t kAnnotationsLimit = 256 * 1024;
constexpr size_t kDataLimit = 1024 * 1024;

bool IsSubdomain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  bool edge = true;  // at the start of a part
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!alnum && c != '-' && c != '.') return false;
    if (!alnum && (edge || i + 1 == name.size())) return false;
    if (c == '.' && name[i - 1] == '-') return false;
    edge = c == '.';
  }
  return true;
}

bool IsLabelValue(std::string_view value) {
  if (value.size() > 63) return false;
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (!value.empty() && (!alnum(value.front()) || !alnum(value.back()))) return false;
  return std::all_of(value.begin(), value.end(),
                     [&](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsQualifiedName(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash != std::string_view::npos && !IsSubdomain(key.substr(0, slash))) return false;
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  return !name.empty() && name.find('/') == std::string_view::npos && IsLabelValue(name);
}

void CheckLabels(const std::string& path, const Json& labels, Causes& causes) {
  for (const auto& [key, value] : labels.items()) {
    if (!IsQualifiedName(key)) {
      causes.push_back(
          InvalidValue(path, key,
                       "name part must consist of alphanumeric characters, '-', '_' or '.', "
                       "and must start and end with an alphanumeric character (e.g. "
                       "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"));
    }
    if (value.is_string() && value.get_ref<const std::string&>().size() > 63) {
      causes.push_back(InvalidValue(path, value, "must be no more than 63 bytes"));
    } else if (value.is_string() && !IsLabelValue(value.get<std::string>())) {
      causes.push_back(InvalidValue(
          path, value,
          "a valid label must be an empty string or consist of alphanumeric "
          "characters, '-', '_' or '.', and must start and end with an "
          "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
          "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"));
    }
  }
}

void CheckMeta(const ResourceType& type, const Json& object, Causes& causes) {
  const std::string name = NameOf(object);
  static const std::set<std::string> path_named = {"Role", "ClusterRole", "RoleBinding",
                                                   "ClusterRoleBinding"};
  static const std::set<std::string> label_named = {"Namespace", "Service"};
  if (name.empty()) {
    causes.push_back(RequiredValue("metadata.name", "name or generateName is required"));
  } else if (!type.IsCustom() && path_named.count(type.kind) > 0) {
    if (name.find('/') != std::string::npos || name.find('%') != std::string::npos) {
      causes.push_back(InvalidValue("metadata.name", name, "may not contain '/' or '%'"));
    }
  } else if (!type.IsCustom() && label_named.count(type.kind) > 0) {
    const bool starts_with_digit = type.kind == "Service" && name[0] >= '0' && name[0] <= '9';
    if (!IsDnsLabel(name) || starts_with_digit) {
      causes.push_back(InvalidValue("metadata.name", name, kLabelDetail));
    }
  } else if (!IsSubdomain(name)) {
    causes.push_back(InvalidValue("metadata.name", name, kSubdomainDetail));
  }
  CheckLabels("metadata.labels", ObjectAt(object, {"metadata", "labels"}), causes);
  size_t total = 0;
  for (const auto& [key, value] : ObjectAt(object, {"metadata", "annotations"}).items()) {
    if (!IsQualifiedName(ToLower(key))) {
      causes.push_back(
          InvalidValue("metadata.annotations", key,
                       "name part must consist of alphanumeric characters, '-', '_' or '.'"));
    }
    total += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (total > kAnnotationsLimit) {
    causes.push_back({"FieldValueTooLong", "Too long: may not be more than 262144 bytes",
                      "metadata.annotations"});
  }
}

// Values of enumerated strings anywhere in the object.
void CheckEnums(const Type& type, const std::string& path, const Json& value, Causes& causes) {
  if (!type.allowed.empty() && value.is_string()) {
    const std::string text = value.get<std::string>();
    if (std::find(type.allowed.begin(), type.allowed.end(), text) == type.allowed.end()) {
      causes.push_back(UnsupportedValue(path, value, type.allowed));
    }
  } else if (type.shape == Shape::kStruct && value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      const Type* below = MemberType(type, name);
      if (below != nullptr && !(path.empty() && name == "status")) {
        CheckEnums(*below, path.empty() ? name : path + "." + name, member, causes);
      }
    }
  } else if (type.shape == Shape::kList && value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      CheckEnums(*type.element, path + "[" + std::to_string(i) + "]", value[i], causes);
    }
  }
}

void CheckService(const Json& object, const Json& live, Causes& causes) {
  const std::string kind = TextAt(object, {"spec", "type"});
  const bool headless = TextAt(object, {"spec", "clusterIP"}) == "None";
  const Json& ports = ArrayAt(object, {"spec", "ports"});
  if (ports.empty() && !headless && kind != "ExternalName")
    causes.push_back(RequiredValue("spec.ports"));
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string path = "spec.ports[" + std::to_string(i) + "]";
    const int64_t number = IntAt(ports[i], {"port"});
    if (number < 1 || number > 65535) {
      causes.push_back(
          InvalidValue(path + ".port", number, "must be between 1 and 65535, inclusive"));
    }
    const std::string name = TextAt(ports[i], {"name"});
    if (ports.size() > 1 && name.empty()) causes.push_back(RequiredValue(path + ".name"));
    if (!name.empty() && !names.insert(name).second) {
      causes.push_back(DuplicateValue(path + ".name", name));
    }
  }
  if (kind == "ExternalName" && TextAt(object, {"spec", "externalName"}).empty()) {
    causes.push_back(RequiredValue("spec.externalName"));
  }
  CheckLabels("spec.selector", ObjectAt(object, {"spec", "selector"}), causes);
  const std::string old_ip = live.is_null() ? "" : TextAt(live, {"spec", "clusterIP"});
  if (!old_ip.empty() && kind != "ExternalName" &&
      TextAt(object, {"spec", "clusterIP"}) != old_ip) {
    causes.push_back(InvalidValue("spec.clusterIPs[0]", ArrayAt(object, {"spec", "clusterIPs"}),
                                  "may not change once set"));
  }
}

void CheckData(const Json& object, const Json& live, Causes& causes) {
  size_t total = 0;
  const bool secret = TextAt(object, {"kind"}) == "Secret";
  for (const char* member : {"data", "binaryData"}) {
    for (const auto& [key, value] : ObjectAt(object, {member}).items()) {
      const std::string path = std::string(member) + "[" + key + "]";
      const bool good = !key.empty() && key.size() <= 253 && key != "." && key != ".." &&
                        std::all_of(key.begin(), key.end(), [](char c) {
                          return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
                                 c == '_' || c == '.';
                        });
      if (!good) {
        causes.push_back(InvalidValue(path, key,
                                      "a valid config key must consist of alphanumeric "
                                      "characters, '-', '_' or '.' (e.g. 'key.name',  or "
                                      "'KEY_NAME',  or 'key-name', regex used for validation is "
                                      "'[-._a-zA-Z0-9]+')"));
      }
      total += value.is_string() ? value.get_ref<const std::string&>().size() : 0;
    }
  }
  if (total > kDataLimit) {
    causes.push_back({"FieldValueTooLong", "Too long: may not be more than 1048576 bytes",
                      secret ? "data" : "[]"});
  }
  if (live.is_null()) return;
  if (secret) CheckImmutable(object, live, {"type"}, "type", causes);
  if (!BoolAt(live, {"immutable"})) return;
  if (!BoolAt(object, {"immutable"})) {
    causes.push_back(ForbiddenValue("immutable", "field is immutable when `immutable` is set"));
  }
  for (const char* member : {"data", "binaryData"}) {
    if (ObjectAt(object, {member}) != ObjectAt(live, {member})) {
      causes.push_back(ForbiddenValue(member, "field is immutable when `immutable` is set"));
    }
  }
}

void CheckClaim(const Json& object, const Json& live, Causes& causes) {
  if (ArrayAt(object, {"spec", "accessModes"}).empty()) {
    causes.push_back(RequiredValue("spec.accessModes", "at least 1 access mode is required"));
  }
  if (TextAt(object, {"spec", "resources", "requests", "storage"}).empty()) {
    causes.push_back(RequiredValue("spec.resources[storage]"));
  }
  if (live.is_null()) return;
  Json now = ObjectAt(object, {"spec"});
  Json then = ObjectAt(live, {"spec"});
  for (Json* spec : {&now, &then}) {
    spec->erase("resources");
    spec->erase("volumeAttributesClassName");
  }
  if (TextAt(then, {"volumeName"}).empty()) now.erase("volumeName");
  if (now != then) {
    causes.push_back(ForbiddenValue("spec",
                                    "spec is immutable after creation except resources.requests "
                                    "and volumeAttributesClassName for bound claims"));
  }
}

void CheckBinding(const Json& object, const Json& live, Causes& causes) {
  if (TextAt(object, {"roleRef", "name"}).empty()) causes.push_back(RequiredValue("roleRef.name"));
  if (live.is_null()) return;
  if (ObjectAt(object, {"roleRef"}) != ObjectAt(live, {"roleRef"})) {
    causes.push_back(
        InvalidValue("roleRef", ObjectAt(object, {"roleRef"}), "cannot change roleRef"));
  }
}

void CheckIngress(const Json& object, const Json& /*live*/, Causes& causes) {
  const Json& rules = ArrayAt(object, {"spec", "rules"});
  if (rules.empty() && Find(object, {"spec", "defaultBackend"}) == nullptr) {
    causes.push_back(InvalidValue("spec", Json::array(),
                                  "either `defaultBackend` or `rules` must be specified"));
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    const Json& paths = ArrayAt(rules[i], {"http", "paths"});
    for (size_t k = 0; k < paths.size(); ++k) {
      if (TextAt(paths[k], {"pathType"}).empty()) {
        causes.push_back(RequiredValue(
            "spec.rules[" + std::to_string(i) + "].http.paths[" + std::to_string(k) + "].pathType",
            "pathType must be specified"));
      }
    }
  }
}

void CheckAutoscaler(const Json& object, const Json& /*live*/, Causes& causes) {
  const int64_t max = IntAt(object, {"spec", "maxReplicas"});
  if (max < 1) causes.push_back(InvalidValue("spec.maxReplicas", max, "must be greater than 0"));
  if (TextAt(object, {"spec", "scaleTargetRef", "name"}).empty()) {
    causes.push_back(RequiredValue("spec.scaleTargetRef.name"));
  }
  if (max >= 1 && max < IntAt(object, {"spec", "minReplicas"}, 1)) {
    causes.push_back(
        InvalidValue("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`"));
  }
}

void CheckDefinition(const Json& object, const Json& live, Causes& causes) {
  const std::string group = TextAt(object, {"spec", "group"});
  const std::string plural = TextAt(object, {"spec", "names", "plural"});
  if (group.empty()) causes.push_back(RequiredValue("spec.group"));
  if (plural.empty()) causes.push_back(RequiredValue("spec.names.plural"));
  if (TextAt(object, {"spec", "names", "kind"}).empty())
    causes.push_back(RequiredValue("spec.names.kind"));
  if (TextAt(object, {"spec", "scope"}).empty()) causes.push_back(RequiredValue("spec.scope"));
  if (NameOf(object) != plural + "." + group) {
    causes.push_back(InvalidValue("metadata.name", NameOf(object),
                                  "must be spec.names.plural+\".\"+spec.group"));
  }
  const Json& versions = ArrayAt(object, {"spec", "versions"});
  int stored = 0;
  for (size_t i = 0; i < versions.size(); ++i) {
    stored += BoolAt(versions[i], {"storage"}) ? 1 : 0;
    if (ObjectAt(versions[i], {"schema", "openAPIV3Schema"}).empty()) {
      causes.push_back(
          RequiredValue("spec.versions[" + std::to_string(i) + "].schema.openAPIV3Schema",
                        "schemas are required"));
    }
  }
  if (stored != 1) {
    causes.push_back(InvalidValue("spec.versions", Json::array(),
                                  "must have exactly one version marked as storage version"));
  }
  if (live.is_null()) return;
  CheckImmutable(object, live, {"spec", "group"}, "spec.group", causes);
  CheckImmutable(object, live, {"spec", "scope"}, "spec.scope", causes);
  CheckImmutable(object, live, {"spec", "names", "kind"}, "spec.names.kind", causes);
}

void CheckStorageClass(const Json& object, const Json& live, Causes& causes) {
  if (TextAt(object, {"provisioner"}).empty()) causes.push_back(RequiredValue("provisioner"));
  if (live.is_null()) return;
  for (const char* field : {"parameters", "provisioner", "reclaimPolicy"})
    CheckImmutable(object, live, {field}, field, causes);
}

const std::map<std::string, CheckFunction>& Functions() {
  static const std::map<std::string, CheckFunction> functions = {
      {"Service", CheckService},
      {"ConfigMap", CheckData},
      {"Secret", CheckData},
      {"PersistentVolumeClaim", CheckClaim},
      {"RoleBinding", CheckBinding},
      {"ClusterRoleBinding", CheckBinding},
      {"Ingress", CheckIngress},
      {"HorizontalPodAutoscaler", CheckAutoscaler},
      {"CustomResourceDefinition", CheckDefinition},
      {"StorageClass", CheckStorageClass}};
  return functions;
}

}  // namespace

void CheckImmutable(const Json& object, const Json& live, JsonPath path, const std::string& field,
                    Causes& causes) {
  const Json* now = Find(object, path);
  const Json* then = Find(live, path);
  const Json null;
  if ((now == nullptr ? null : *now) != (then == nullptr ? null : *then)) {
    causes.push_back(InvalidValue(field, now == nullptr ? null : *now, "field is immutable"));
  }
}

std::vector<Cause> Validate(const ResourceType& type, const Json& object, const Json& live) {
  Causes causes;
  CheckMeta(type, object, causes);
  if (type.IsCustom()) {
    ValidateAgainstRules(*type.schema, "", object, causes);
    return causes;
  }
  CheckEnums(*type.schema, "", object, causes);
  for (const auto* functions : {&Functions(), &WorkloadChecks()}) {
    const auto it = functions->find(type.kind);
    if (it != functions->end()) it->second(object, live, causes);
  }
  return causes;
}

}  // namespace sluice::sandbox
