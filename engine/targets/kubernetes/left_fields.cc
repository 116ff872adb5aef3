#include "engine/targets/kubernetes/left_fields.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/certificates.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/owned_paths.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

// Something stands where a certificate belongs, and it cannot be one: "Cg==", "", "placeholder".
bool IsPlaceholder(const json& ca_bundle) {
  if (ca_bundle.is_null()) return false;
  if (!ca_bundle.is_string()) return false;
  const auto pem = Base64Decode(ToText(ca_bundle));
  return !pem || !CheckCertificates(*pem);
}

// Pointers to every caBundle that a kind has.
std::vector<std::string> CaBundlesOf(const PreparedObject& object) {
  const ObjectRef& ref = object.resource.ref;
  std::vector<std::string> pointers;
  if (ref.group == "admissionregistration.k8s.io") {
    const size_t count = Items(At(object.resource.body, "webhooks")).size();
    for (size_t i = 0; i < count; ++i)
      pointers.push_back("/webhooks/" + std::to_string(i) + "/clientConfig/caBundle");
  } else if (IsCrd(ref)) {
    pointers.emplace_back("/spec/conversion/webhook/clientConfig/caBundle");
  } else if (ref.group == "apiregistration.k8s.io" && ref.kind == "APIService") {
    pointers.emplace_back("/spec/caBundle");
  }
  return pointers;
}

const json* ValueAt(const json& object, const std::string& pointer) {
  const json* at = &object;
  for (const std::string& token : TokensOf(pointer)) {
    if (at->is_array()) {
      const auto place = PositionOf(token);
      if (!place || *place >= at->size()) return nullptr;
      at = &(*at)[*place];
    } else {
      if (!at->is_object() || !at->contains(token)) return nullptr;
      at = &(*at)[token];
    }
  }
  return at;
}

// The value in live of what `pointer` names in `declared`: items of lists may stand elsewhere. With
// `has_place` false there is no such item: it is new, and comes as declared.
struct InLive {
  bool has_place = true;
  const json* value = nullptr;
};
InLive FindInLive(const json& live, const json& declared, const std::string& pointer) {
  const json* at = &live;
  const json* was = &declared;
  for (const std::string& token : TokensOf(pointer)) {
    if (was->is_array() && at->is_array()) {
      const auto place = PositionOf(token);
      if (!place || *place >= was->size()) return {};
      was = &(*was)[*place];
      at = Counterpart(*at, *was, *place);
      if (at == nullptr) return {false, nullptr};
    } else {
      was = &At(*was, token);
      if (!at->is_object() || !at->contains(token)) return {};
      at = &(*at)[token];
    }
  }
  return {true, at};
}

// The same field in another body, where items of lists may stand elsewhere; "" when it is not
// there.
std::string PointerIn(const json& body, const json& declared, const std::string& pointer) {
  json::json_pointer out;
  const json* at = &body;
  const json* was = &declared;
  for (const std::string& token : TokensOf(pointer)) {
    if (was->is_array() && at->is_array()) {
      const auto place = PositionOf(token);
      if (!place || *place >= was->size()) return "";
      was = &(*was)[*place];
      const json* item = Counterpart(*at, *was, *place);
      if (item == nullptr) return "";
      out /= static_cast<size_t>(item - &at->front());
      at = item;
    } else {
      was = &At(*was, token);
      if (!at->is_object() || !at->contains(token)) return "";
      out /= token;
      at = &(*at)[token];
    }
  }
  return out.to_string();
}

// Only through objects that are there: nothing is made up around it.
void PutAtPointer(json& object, const std::string& pointer, const json& value) {
  const json::json_pointer to(pointer);
  const json* parent = ValueAt(object, to.parent_pointer().to_string());
  if (parent == nullptr || to.empty()) return;
  if (parent->is_object()) object[to] = value;
  const auto place = PositionOf(to.back());
  if (parent->is_array() && place && *place < parent->size()) object[to] = value;
}

// Positions of later items first, so that erasing one moves none that is still to go.
bool IsErasedBefore(const LeftField& a, const LeftField& b) {
  const auto x = TokensOf(a.pointer);
  const auto y = TokensOf(b.pointer);
  return std::ranges::lexicographical_compare(y, x, [](const auto& one, const auto& other) {
    const auto p = PositionOf(one);
    const auto q = PositionOf(other);
    return p && q ? *p < *q : one < other;
  });
}

}  // namespace

void EraseAtPointer(json& object, const std::string& pointer) {
  const json::json_pointer to(pointer);
  if (to.empty() || ValueAt(object, pointer) == nullptr) return;
  json& parent = object[to.parent_pointer()];
  if (parent.is_object()) {
    parent.erase(to.back());
  } else {
    parent.erase(parent.begin() + static_cast<std::ptrdiff_t>(*PositionOf(to.back())));
  }
}

std::vector<LeftField> GeneratedFields(const PreparedObject& object, const json& live) {
  std::vector<LeftField> fields;
  const json& body = object.resource.body;
  const bool is_aggregated = object.resource.ref.group == "rbac.authorization.k8s.io" &&
                             object.resource.ref.kind == "ClusterRole" &&
                             !Items(At(body, "aggregationRule", "clusterRoleSelectors")).empty();
  if (is_aggregated) fields.push_back({"/rules", "the aggregation controller writes them"});
  if (live.is_null()) return fields;
  for (const std::string& pointer : CaBundlesOf(object)) {
    const json* declared = ValueAt(body, pointer);
    if (declared != nullptr && IsPlaceholder(*declared))
      fields.push_back({pointer, "what is declared is no certificate, so one is injected"});
  }
  return fields;
}

void LeaveOut(PreparedObject& object, const json& live, std::vector<LeftField> fields) {
  const json whole = object.resource.body;
  json asked = whole;
  std::ranges::sort(fields, IsErasedBefore);
  for (LeftField& field : fields) {
    const bool is_repeated = !object.left.empty() && object.left.back().pointer == field.pointer;
    const InLive found = live.is_null() ? InLive{} : FindInLive(live, whole, field.pointer);
    const bool is_anywhere = found.value != nullptr || ValueAt(whole, field.pointer) != nullptr;
    if (is_repeated || !is_anywhere || !found.has_place) continue;
    field.is_ours = found.value != nullptr && PathOf(OwnFields(live), whole, field.pointer);
    EraseAtPointer(object.resource.body, field.pointer);
    if (field.is_ours) {
      PutAtPointer(asked, field.pointer, *found.value);
    } else {
      EraseAtPointer(asked, field.pointer);
    }
    object.left.push_back(std::move(field));
  }
  for (json& body : object.former) {
    for (const LeftField& field : object.left)
      EraseAtPointer(body, PointerIn(body, whole, field.pointer));
  }
  if (object.resource.body != whole) object.whole = whole;
  if (object.resource.body != asked) object.asked = std::move(asked);
}

bool ScaleTarget::Is(const ObjectRef& ref) const {
  return ref.group == group && ref.kind == kind && ref.ns == ns && ref.name == name;
}

std::optional<ScaleTarget> ScaleTargetOf(const json& scaler, const std::string& ns) {
  const json& target = At(scaler, "spec", "scaleTargetRef");
  const std::string name = ToText(At(target, "name"));
  if (name.empty()) return std::nullopt;
  // KEDA leaves out what is usual.
  const std::string api_version = ToText(At(target, "apiVersion"));
  const std::string kind = ToText(At(target, "kind"));
  const bool is_core = kind == "ReplicationController" && api_version.empty();
  return ScaleTarget{api_version.empty() && !is_core ? "apps" : GroupOf(api_version),
                     kind.empty() ? "Deployment" : kind, ns, name};
}

}  // namespace sluice::targets::kubernetes
