#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/strings.h"
#include "engine/sandbox/selectors.h"
#include "engine/sandbox/validation.h"

namespace sluice::sandbox {
namespace {

using WorkloadCauses = std::vector<Cause>;

void CheckReplicas(const Json& object, WorkloadCauses& causes) {
  const int64_t replicas = IntAt(object, {"spec", "replicas"}, 0);
  if (replicas < 0) {
    causes.push_back(InvalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  }
}

// Deployment, ReplicaSet, StatefulSet, DaemonSet.
void CheckWorkload(const Json& object, const Json& live, WorkloadCauses& causes) {
  CheckReplicas(object, causes);
  const Json& selector = ObjectAt(object, {"spec", "selector"});
  const Json& labels = ObjectAt(object, {"spec", "template", "metadata", "labels"});
  const bool no_selector = Find(object, {"spec", "selector"}) == nullptr;
  if (no_selector) {
    causes.push_back(RequiredValue("spec.selector"));
  } else if (selector.empty()) {
    causes.push_back(InvalidValue("spec.selector", selector,
                                  "empty selector is invalid for " + TextAt(object, {"kind"})));
  }
  if (no_selector || !MatchesSelector(selector, labels) || labels.empty()) {
    causes.push_back(InvalidValue("spec.template.metadata.labels", labels,
                                  "`selector` does not match template `labels`"));
  }
  std::vector<std::string> claims;
  for (const Json& claim : ArrayAt(object, {"spec", "volumeClaimTemplates"}))
    claims.push_back(NameOf(claim));
  ValidatePodTemplate("spec.template", ObjectAt(object, {"spec", "template"}), causes, claims);
  const std::string restart = TextAt(object, {"spec", "template", "spec", "restartPolicy"});
  if (!restart.empty() && restart != "Always") {
    causes.push_back(UnsupportedValue("spec.template.spec.restartPolicy", restart, {"Always"}));
  }
  if (!live.is_null()) CheckImmutable(object, live, {"spec", "selector"}, "spec.selector", causes);
}

void CheckDeployment(const Json& object, const Json& live, WorkloadCauses& causes) {
  CheckWorkload(object, live, causes);
  if (TextAt(object, {"spec", "strategy", "type"}) == "Recreate" &&
      Find(object, {"spec", "strategy", "rollingUpdate"}) != nullptr) {
    causes.push_back(ForbiddenValue("spec.strategy.rollingUpdate",
                                    "may not be specified when strategy `type` is 'Recreate'"));
  }
  const auto zero = [&](const char* name) {
    const Json* value = Find(object, {"spec", "strategy", "rollingUpdate", name});
    return value != nullptr && (*value == 0 || *value == "0%");
  };
  if (zero("maxSurge") && zero("maxUnavailable")) {
    causes.push_back(
        InvalidValue("spec.strategy.rollingUpdate.maxUnavailable",
                     *Find(object, {"spec", "strategy", "rollingUpdate", "maxUnavailable"}),
                     "may not be 0 when `maxSurge` is 0"));
  }
  const int64_t deadline = IntAt(object, {"spec", "progressDeadlineSeconds"}, 600);
  if (deadline <= IntAt(object, {"spec", "minReadySeconds"}, 0)) {
    causes.push_back(InvalidValue("spec.progressDeadlineSeconds", deadline,
                                  "must be greater than minReadySeconds"));
  }
}

void CheckStatefulSet(const Json& object, const Json& live, WorkloadCauses& causes) {
  CheckWorkload(object, Json(nullptr), causes);
  if (live.is_null()) return;
  static const std::set<std::string> mutable_fields = {"replicas",
                                                       "ordinals",
                                                       "template",
                                                       "updateStrategy",
                                                       "revisionHistoryLimit",
                                                       "persistentVolumeClaimRetentionPolicy",
                                                       "minReadySeconds"};
  Json now = ObjectAt(object, {"spec"});
  Json then = ObjectAt(live, {"spec"});
  for (const std::string& name : mutable_fields) {
    now.erase(name);
    then.erase(name);
  }
  if (now != then) {
    causes.push_back(ForbiddenValue(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
        "'minReadySeconds' are forbidden"));
  }
}

void CheckJob(const Json& object, const Json& live, WorkloadCauses& causes) {
  ValidatePodTemplate("spec.template", ObjectAt(object, {"spec", "template"}), causes);
  const std::string restart = TextAt(object, {"spec", "template", "spec", "restartPolicy"});
  if (restart != "OnFailure" && restart != "Never") {
    causes.push_back({"FieldValueRequired",
                      "Required value: valid values: \"OnFailure\", \"Never\"",
                      "spec.template.spec.restartPolicy"});
  }
  if (live.is_null()) return;
  CheckImmutable(object, live, {"spec", "completions"}, "spec.completions", causes);
  CheckImmutable(object, live, {"spec", "selector"}, "spec.selector", causes);
  CheckImmutable(object, live, {"spec", "template"}, "spec.template", causes);
}

void CheckCronJob(const Json& object, const Json& /*live*/, WorkloadCauses& causes) {
  const std::string schedule = TextAt(object, {"spec", "schedule"});
  if (schedule.empty()) {
    causes.push_back(RequiredValue("spec.schedule"));
  } else if (schedule[0] != '@' && std::count(schedule.begin(), schedule.end(), ' ') < 4) {
    causes.push_back(InvalidValue("spec.schedule", schedule,
                                  "expected exactly 5 fields, found " +
                                      std::to_string(Split(schedule, ' ').size()) + ": [" +
                                      schedule + "]"));
  }
  const std::string path = "spec.jobTemplate.spec.template";
  ValidatePodTemplate(path, ObjectAt(object, {"spec", "jobTemplate", "spec", "template"}), causes);
  const std::string restart =
      TextAt(object, {"spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"});
  if (restart != "OnFailure" && restart != "Never") {
    causes.push_back({"FieldValueRequired",
                      "Required value: valid values: \"OnFailure\", \"Never\"",
                      path + ".spec.restartPolicy"});
  }
}

void CheckPod(const Json& object, const Json& live, WorkloadCauses& causes) {
  ValidatePodTemplate("", object, causes);
  if (live.is_null()) return;
  Json now = ObjectAt(object, {"spec"});
  Json then = ObjectAt(live, {"spec"});
  for (Json* spec : {&now, &then}) {
    for (const char* name : {"tolerations", "activeDeadlineSeconds", "nodeName", "schedulingGates"})
      spec->erase(name);
    for (const char* list : {"containers", "initContainers"}) {
      if (Json* containers = Find(*spec, {list}); containers != nullptr && containers->is_array()) {
        for (Json& container : *containers) Erase(container, {"image"});
      }
    }
  }
  if (now != then) {
    causes.push_back(
        ForbiddenValue("spec",
                       "pod updates may not change fields other than `spec.containers[*].image`,"
                       "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
                       "`spec.tolerations` (only additions to existing tolerations)"));
  }
}

}  // namespace

const std::map<std::string, CheckFunction>& WorkloadChecks() {
  static const std::map<std::string, CheckFunction> functions = {{"Deployment", CheckDeployment},
                                                                 {"ReplicaSet", CheckWorkload},
                                                                 {"DaemonSet", CheckWorkload},
                                                                 {"StatefulSet", CheckStatefulSet},
                                                                 {"Job", CheckJob},
                                                                 {"CronJob", CheckCronJob},
                                                                 {"Pod", CheckPod}};
  return functions;
}

}  // namespace sluice::sandbox
