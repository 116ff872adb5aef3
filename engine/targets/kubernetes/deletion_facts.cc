#include "engine/targets/kubernetes/deletion_facts.h"

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"

namespace sluice::targets::kubernetes {
namespace {

std::string OfFinalizer(const std::string& name) {
  if (name == "foregroundDeletion") return "its dependents (finalizer foregroundDeletion)";
  if (name == "orphan") return "its dependents, which are let go (finalizer orphan)";
  return "finalizer " + OneLine(name, 200);
}

// A namespace and a definition say in conditions what of their content is left.
std::vector<std::string> OfContent(const nlohmann::json& body, const ObjectRef& ref) {
  std::vector<std::string> out;
  if (!IsNamespace(ref) && !IsCrd(ref)) return out;
  for (const nlohmann::json& condition : Items(At(body, "status", "conditions"))) {
    const std::string type = ToText(At(condition, "type"));
    const bool is_about_content =
        IsCrd(ref) ? type == "Terminating" : type.starts_with("Namespace");
    if (is_about_content && ToText(At(condition, "status")) == "True")
      out.push_back("its content: " + OneLine(ToText(At(condition, "message"))));
  }
  return out;
}

std::string HeldBy(const nlohmann::json& body, const ObjectRef& ref) {
  std::vector<std::string> holders = OfContent(body, ref);
  for (const nlohmann::json& finalizer : Items(At(body, "metadata", "finalizers")))
    holders.push_back(OfFinalizer(ToText(finalizer)));
  if (holders.empty() && IsNamespace(ref)) return "its content";
  if (!holders.empty()) return Join(holders, ", ");
  const int64_t grace = ToInt(At(body, "metadata", "deletionGracePeriodSeconds"));
  return grace > 0 ? "its grace period of " + std::to_string(grace) + "s" : "the server";
}

}  // namespace

void DescribeDeletion(const nlohmann::json& body, const ObjectRef& ref, LiveObject& live) {
  if (live.is_deleting) live.held_by = HeldBy(body, ref);
  if (IsNamespace(ref)) live.takes_namespace = ref.name;
  if (IsCrd(ref)) {
    live.takes_kind = {ToText(At(body, "spec", "group")),
                       ToText(At(body, "spec", "names", "kind"))};
  }
  if (ref.group != "admissionregistration.k8s.io") return;
  for (const nlohmann::json& webhook : Items(At(body, "webhooks")))
    live.intercepts.push_back(ToText(At(webhook, "name")));
}

}  // namespace sluice::targets::kubernetes
