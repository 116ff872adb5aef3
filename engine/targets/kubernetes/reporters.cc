#include "engine/targets/kubernetes/reporters.h"

#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_report.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSomebodyHolds = 10min;
constexpr Duration kNobodyHolds = 15s;
constexpr Duration kBindingModeHolds = 1min;
// Enough to see whether somebody reports; never a whole cluster's objects.
constexpr const char* kSample = "200";

bool MayNot(const Error& error) { return error.code() == ErrorCode::kPermissionDenied; }

}  // namespace

std::optional<bool> Reporters::Knows(const Key& key, const std::string& reporter_class,
                                     SteadyTime now) const {
  return state_.With([&](const State& state) -> std::optional<bool> {
    const auto it = state.classes.find(key);
    if (it == state.classes.end()) return std::nullopt;
    const bool is_reported = it->second.value.contains(reporter_class);
    const Duration holds = is_reported ? kSomebodyHolds : kNobodyHolds;
    return now - it->second.at < holds ? std::optional(is_reported) : std::nullopt;
  });
}

void Reporters::Learn(const Key& key, std::set<std::string> reported_classes, SteadyTime now) {
  state_.With([&](State& state) { state.classes[key] = {std::move(reported_classes), now}; });
}

std::optional<std::string> Reporters::BindingMode(const std::string& storage_class,
                                                  SteadyTime now) const {
  return state_.With([&](const State& state) -> std::optional<std::string> {
    const auto it = state.binding_modes.find(storage_class);
    const bool holds = it != state.binding_modes.end() && now - it->second.at < kBindingModeHolds;
    return holds ? std::optional(it->second.value) : std::nullopt;
  });
}

void Reporters::LearnBindingMode(const std::string& storage_class, const std::string& mode,
                                 SteadyTime now) {
  state_.With([&](State& state) { state.binding_modes[storage_class] = {mode, now}; });
}

Result<std::optional<std::set<std::string>>> KubernetesDriver::ReportedClasses(
    const ResourceType& type, const std::string& ns, const Call& call) {
  SLUICE_TRY(const ApiAnswer answer,
             client_.Send({.verb = Verb::kList,
                           .path = CollectionPath(type, ns),
                           .query = {{"limit", kSample}},
                           .what = type.plural + (ns.empty() ? "" : " in " + ns)},
                          call));
  if (auto status = ToStatus(answer); !status) {
    if (MayNot(status.error())) return std::optional<std::set<std::string>>();
    return Fail(std::move(status).error().With(client_.Name() + ": who reports on " + type.plural));
  }
  SLUICE_CHECK(ExpectList(answer.body, type.plural));
  std::set<std::string> classes;
  for (const nlohmann::json& item : Items(At(answer.body, "items"))) {
    nlohmann::json object = item;
    if (!object.is_object()) continue;
    object["apiVersion"] = type.ApiVersion();  // items of built-in types do not say what they are
    object["kind"] = type.kind;
    if (HasReport(object)) classes.insert(ReporterClass(object));
  }
  return std::optional(std::move(classes));
}

Result<bool> KubernetesDriver::IsReportedOn(const nlohmann::json& live, const ObjectRef& ref,
                                            const Call& call) {
  const std::string reporter_class = ReporterClass(live);
  // In the whole cluster where that is allowed, else beside the object.
  for (const std::string& ns : {std::string(), ref.ns}) {
    const Reporters::Key key{ref.group, ref.kind, ns};
    const SteadyTime now = client_.clock().SteadyNow();
    std::optional<bool> known = connection_->reporters.Knows(key, reporter_class, now);
    if (!known) {
      SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
      SLUICE_TRY(auto classes, ReportedClasses(type, ns, call));
      known = classes && classes->contains(reporter_class);
      connection_->reporters.Learn(key, classes.value_or(std::set<std::string>()), now);
    }
    if (*known || ref.ns.empty()) return *known;
  }
  return false;
}

Result<std::string> KubernetesDriver::BindingModeOf(const std::string& storage_class,
                                                    const Call& call) {
  const SteadyTime now = client_.clock().SteadyNow();
  if (const auto known = connection_->reporters.BindingMode(storage_class, now)) return *known;
  SLUICE_TRY(const ResourceType type, TypeOf("storage.k8s.io", "", "StorageClass", call));
  SLUICE_TRY(const ApiAnswer answer, client_.Send({.path = ObjectPath(type, "", storage_class),
                                                   .what = "StorageClass " + storage_class},
                                                  call));
  std::string mode;
  if (auto status = ToStatus(answer); !status) {
    const Error& error = status.error();
    if (!MayNot(error) && error.reason() != kReasonObjectMissing)
      return Fail(std::move(status).error().With(client_.Name()));
  } else {
    SLUICE_CHECK(ExpectObject(answer.body, type, {type.group, type.kind, "", storage_class}));
    mode = ToText(At(answer.body, "volumeBindingMode"));
  }
  connection_->reporters.LearnBindingMode(storage_class, mode, now);
  return mode;
}

}  // namespace sluice::targets::kubernetes
