#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/strings.h"
#include "engine/sandbox/validation.h"

namespace sluice::sandbox {
namespace {

void CheckPorts(const std::string& path, const Json& container, std::vector<Cause>& causes) {
  const Json& ports = ArrayAt(container, {"ports"});
  for (size_t i = 0; i < ports.size(); ++i) {
    const int64_t number = IntAt(ports[i], {"containerPort"});
    if (number < 1 || number > 65535) {
      causes.push_back(InvalidValue(path + ".ports[" + std::to_string(i) + "].containerPort",
                                    number, "must be between 1 and 65535, inclusive"));
    }
  }
}

void CheckContainer(const std::string& path, const Json& container,
                    const std::set<std::string>& volumes, std::vector<Cause>& causes) {
  const std::string name = TextAt(container, {"name"});
  if (name.empty()) {
    causes.push_back(RequiredValue(path + ".name"));
  } else if (!IsDnsLabel(name)) {
    causes.push_back(
        InvalidValue(path + ".name", name,
                     "a lowercase RFC 1123 label must consist of lower case alphanumeric "
                     "characters or '-', and must start and end with an alphanumeric character"));
  }
  const std::string image = TextAt(container, {"image"});
  if (image.empty()) {
    causes.push_back(RequiredValue(path + ".image"));
  } else if (Trim(image).size() != image.size()) {
    causes.push_back(
        InvalidValue(path + ".image", image, "must not have leading or trailing whitespace"));
  }
  CheckPorts(path, container, causes);
  const Json& env = ArrayAt(container, {"env"});
  for (size_t i = 0; i < env.size(); ++i) {
    const std::string at = path + ".env[" + std::to_string(i) + "]";
    if (TextAt(env[i], {"name"}).empty()) causes.push_back(RequiredValue(at + ".name"));
    if (env[i].contains("value") && env[i].contains("valueFrom") &&
        !TextAt(env[i], {"value"}).empty()) {
      causes.push_back(
          InvalidValue(at + ".valueFrom", "", "may not be specified when `value` is not empty"));
    }
  }
  const Json& mounts = ArrayAt(container, {"volumeMounts"});
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = path + ".volumeMounts[" + std::to_string(i) + "]";
    const std::string volume = TextAt(mounts[i], {"name"});
    if (volumes.count(volume) == 0) {
      causes.push_back({"FieldValueNotFound", "Not found: " + Dump(Json(volume)), at + ".name"});
    }
    if (TextAt(mounts[i], {"mountPath"}).empty())
      causes.push_back(RequiredValue(at + ".mountPath"));
  }
}

}  // namespace

void ValidatePodTemplate(const std::string& path, const Json& pod, std::vector<Cause>& causes,
                         const std::vector<std::string>& extra_volumes) {
  const std::string spec_path = path.empty() ? "spec" : path + ".spec";
  const Json& spec = ObjectAt(pod, {"spec"});
  std::set<std::string> volumes;
  for (const Json& volume : ArrayAt(spec, {"volumes"})) {
    if (!volumes.insert(TextAt(volume, {"name"})).second) {
      causes.push_back(DuplicateValue(
          spec_path + ".volumes[" + std::to_string(volumes.size()) + "].name", volume["name"]));
    }
  }
  // A StatefulSet's claim templates become volumes of its pods.
  volumes.insert(extra_volumes.begin(), extra_volumes.end());
  if (ArrayAt(spec, {"containers"}).empty())
    causes.push_back(RequiredValue(spec_path + ".containers"));
  std::set<std::string> names;
  for (const char* list : {"containers", "initContainers"}) {
    const Json& containers = ArrayAt(spec, {list});
    for (size_t i = 0; i < containers.size(); ++i) {
      const std::string at = spec_path + "." + list + "[" + std::to_string(i) + "]";
      CheckContainer(at, containers[i], volumes, causes);
      const std::string name = TextAt(containers[i], {"name"});
      if (!name.empty() && !names.insert(name).second)
        causes.push_back(DuplicateValue(at + ".name", name));
    }
  }
}

}  // namespace sluice::sandbox
