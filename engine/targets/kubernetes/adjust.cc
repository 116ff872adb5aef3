// What of the declared objects is left to others, and what was declared before.
#include <algorithm>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/left_fields.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/owned_paths.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

bool IsAutoscalerFor(const json& scaler, const std::string& ns, const ObjectRef& ref) {
  const std::optional<ScaleTarget> target = ScaleTargetOf(scaler, ns);
  return target && target->Is(ref);
}

bool SpeaksOfReplicas(const PreparedObject& object, const json& live) {
  const auto has = [](const json& body) { return !At(body, "spec", "replicas").is_null(); };
  return has(object.resource.body) || std::ranges::any_of(object.former, has) ||
         !At(OwnFields(live), "f:spec", "f:replicas").is_null();
}

bool IsMatch(const IgnoredFields& rule, const ObjectRef& ref) {
  return rule.kind == ref.kind && (rule.name.empty() || rule.name == ref.name);
}

}  // namespace

std::vector<json> KubernetesDriver::FormerOf(const PreparedObject& object,
                                             const std::vector<Resource>& former) const {
  const ObjectRef& ref = object.resource.ref;
  std::vector<json> bodies;
  for (const Resource& was : former) {
    if (was.ref.group != ref.group || was.ref.kind != ref.kind || was.ref.name != ref.name)
      continue;
    const std::string declared = ToText(At(was.body, "metadata", "namespace"));
    if (!ref.ns.empty() && (declared.empty() ? ns_ : declared) != ref.ns) continue;
    json body = was.body;
    StripServerOwned(body);
    if (IsSecret(ref) && !EncodeStringData(body)) continue;
    if (body != object.resource.body) bodies.push_back(std::move(body));
  }
  return bodies;
}

// Autoscalers of the namespace that this unit does not declare. One that it declared before is on
// its way out.
Result<std::vector<json>> KubernetesDriver::ForeignAutoscalers(const std::string& ns,
                                                               const LiveState& live,
                                                               const Call& call) {
  auto type = TypeOf("autoscaling", "", "HorizontalPodAutoscaler", call);
  if (!type) {
    if (type.error().code() == ErrorCode::kNotFound) return std::vector<json>();
    return Fail(std::move(type).error());
  }
  auto listed = ReadList(*type, ns, {}, "application/json", call);
  if (!listed) {
    // Not everybody may look; then the owner of the field tells (a conflict).
    if (listed.error().code() == ErrorCode::kPermissionDenied) return std::vector<json>();
    return Fail(std::move(listed).error());
  }
  std::erase_if(*listed, [&](const json& scaler) {
    return live.objects.contains(
        {"autoscaling", "HorizontalPodAutoscaler", ns, ToText(At(scaler, "metadata", "name"))});
  });
  return listed;
}

Result<std::optional<ObjectRef>> KubernetesDriver::AutoscalerOf(const PreparedObject& object,
                                                                const Prepared& prepared,
                                                                const LiveState& live,
                                                                const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const auto it = live.objects.find(ref);
  const json& body = it == live.objects.end() ? NullJson() : it->second.body;
  if (ref.ns.empty() || !SpeaksOfReplicas(object, body)) return std::nullopt;
  for (const PreparedObject& scaler : prepared.objects) {
    if (IsAutoscalerFor(scaler.resource.body, scaler.resource.ref.ns, ref))
      return scaler.resource.ref;
  }
  const json& wanted = At(object.resource.body, "spec", "replicas");
  if (body.is_null() || wanted == At(body, "spec", "replicas")) return std::nullopt;
  SLUICE_TRY(const std::vector<json> others, ForeignAutoscalers(ref.ns, live, call));
  for (const json& scaler : others) {
    if (IsAutoscalerFor(scaler, ref.ns, ref)) {
      return ObjectRef{"autoscaling", "HorizontalPodAutoscaler", ref.ns,
                       ToText(At(scaler, "metadata", "name"))};
    }
  }
  return std::nullopt;
}

Status KubernetesDriver::AdjustOne(PreparedObject& object, Prepared& prepared,
                                   const LiveState& state, const Surroundings& around,
                                   const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const auto it = state.objects.find(ref);
  const bool is_live = it != state.objects.end() && !it->second.is_deleting;
  const json& live = is_live ? it->second.body : NullJson();
  object.former = FormerOf(object, around.former);
  std::vector<LeftField> fields = GeneratedFields(object, live);
  if (is_live) {
    for (const IgnoredFields& rule : around.ignored) {
      if (!IsMatch(rule, ref)) continue;
      for (const std::string& pointer : rule.pointers) fields.push_back({pointer, "spec.ignore"});
    }
  }
  SLUICE_TRY(const auto scaler, AutoscalerOf(object, prepared, state, call));
  if (scaler && is_live) fields.push_back({"/spec/replicas", "scaled by " + ToString(*scaler)});
  if (scaler && !is_live && !At(object.resource.body, "spec", "replicas").is_null()) {
    prepared.warnings.push_back(ToString(ref) + ": spec.replicas is declared and " +
                                ToString(*scaler) + " scales it; leave spec.replicas out of Git");
  }
  if (!fields.empty()) LeaveOut(object, live, std::move(fields));
  return {};
}

Status KubernetesDriver::Adjust(Prepared& prepared, const LiveState& live,
                                const Surroundings& around, const Call& call) {
  for (PreparedObject& object : prepared.objects)
    SLUICE_CHECK(AdjustOne(object, prepared, live, around, call));
  return {};
}

}  // namespace sluice::targets::kubernetes
