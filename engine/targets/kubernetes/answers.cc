#include "engine/targets/kubernetes/answers.h"

#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

// "{}", "a list", "Status ", "ConfigMap shop/other".
std::string Describe(const nlohmann::json& answered) {
  if (answered.is_array()) return "a JSON array";
  if (!answered.is_object()) return "no JSON object";
  const std::string kind = ToText(At(answered, "kind"));
  if (kind.empty()) return "an object without a kind";
  const std::string ns = ToText(At(answered, "metadata", "namespace"));
  const std::string name = NameOf(answered);
  return OneLine(
      ToText(At(answered, "apiVersion")) + " " + kind + " " + (ns.empty() ? "" : ns + "/") + name,
      200);
}

bool IsNamed(const nlohmann::json& answered, const ResourceType& type, const ObjectRef& ref) {
  return answered.is_object() && ToText(At(answered, "apiVersion")) == type.ApiVersion() &&
         ToText(At(answered, "kind")) == type.kind && NameOf(answered) == ref.name &&
         ToText(At(answered, "metadata", "namespace")) == ref.ns;
}

}  // namespace

Error NotTheObject(const std::string& what, const std::string& but) {
  return {ErrorCode::kUnavailable, std::string(kReasonAnswerNotTheObject),
          what + ": the server answered with success and " + but +
              "; what is live is not known. Look for a proxy between sluice and the API server "
              "(the kubeconfig's server and proxy-url)"};
}

Status ExpectDryRun(const nlohmann::json& answered, const ResourceType& type,
                    const ObjectRef& ref) {
  if (IsNamed(answered, type, ref)) return {};
  return Fail(NotTheObject(ToString(ref), "not with the object, but with " + Describe(answered)));
}

Status ExpectObject(const nlohmann::json& answered, const ResourceType& type,
                    const ObjectRef& ref) {
  SLUICE_CHECK(ExpectDryRun(answered, type, ref));
  for (const char* field : {"uid", "resourceVersion"}) {
    if (ToText(At(answered, "metadata", field)).empty())
      return Fail(NotTheObject(ToString(ref), std::string("left out its metadata.") + field));
  }
  return {};
}

Status ExpectList(const nlohmann::json& answered, const std::string& what) {
  const nlohmann::json& items = At(answered, "items");
  const bool is_list = ToText(At(answered, "kind")).ends_with("List") &&
                       (items.is_array() || items.is_null());  // null: empty, of some servers
  if (is_list) return {};
  return Fail(NotTheObject("listing " + what, "not with a list, but with " + Describe(answered)));
}

Status ExpectDeletion(const nlohmann::json& answered, const ResourceType& type,
                      const ObjectRef& ref, const std::string& uid) {
  const bool is_status = ToText(At(answered, "kind")) == "Status";
  const nlohmann::json& subject = At(answered, is_status ? "details" : "metadata");
  const bool is_it = is_status ? ToText(At(answered, "status")) == "Success" &&
                                     ToText(At(subject, "name")) == ref.name
                               : IsNamed(answered, type, ref);
  const std::string its_uid = ToText(At(subject, "uid"));
  if (is_it && (uid.empty() || its_uid.empty() || its_uid == uid)) return {};
  return Fail(
      NotTheObject("deleting " + ToString(ref), "spoke of something else: " + Describe(answered)));
}

}  // namespace sluice::targets::kubernetes
