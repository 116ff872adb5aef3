// A refusal that the same set of objects is about to make obsolete is no verdict: a definition, a
// quota, an admission policy or a webhook that comes or changes with it, before the object is
// sent.
#include <algorithm>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/words.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;
using Kind = Prediction::Kind;

constexpr std::string_view kAdmissionGroup = "admissionregistration.k8s.io";

bool Says(const std::string& words, const std::string& part) {
  return words.find(part) != std::string::npos;
}

bool Defines(const PreparedObject& crd, const ObjectRef& ref) {
  const json& spec = At(crd.resource.body, "spec");
  return IsCrd(crd.resource.ref) && ToText(At(spec, "group")) == ref.group &&
         ToText(At(spec, "names", "kind")) == ref.kind;
}

bool IsNamedWebhook(const PreparedObject& other, const std::string& words) {
  return other.resource.ref.group == kAdmissionGroup &&
         std::ranges::any_of(Items(At(other.resource.body, "webhooks")), [&](const json& webhook) {
           const std::string name = ToText(At(webhook, "name"));
           return !name.empty() && Says(words, "webhook \"" + name + "\"");
         });
}

// `words` refuse `ref` because of what `other` says.
bool IsRefusedBy(const PreparedObject& other, const ObjectRef& ref, const std::string& words) {
  const ObjectRef& by = other.resource.ref;
  if (Defines(other, ref) || IsNamedWebhook(other, words)) return true;
  if (by.group.empty() && by.ns == ref.ns && by.kind == "ResourceQuota")
    return Says(words, " quota: " + by.name);
  if (by.group.empty() && by.ns == ref.ns && by.kind == "LimitRange")
    return Says(words, " usage per ") || Says(words, " limit to request ratio per ");
  if (IsNamespace(by)) return by.name == ref.ns && Says(words, "violates PodSecurity");
  return by.group == kAdmissionGroup && HasWord(words, by.name);
}

// What calls a webhook that is down may be ended by the set, too, where it brings who answers.
bool IsServedBy(const PreparedObject& other, const ObjectRef& ref, const std::string& words) {
  return IsNamedWebhook(other, words) || (Defines(other, ref) && Says(words, "conversion webhook"));
}

}  // namespace

void KubernetesDriver::AllowForTheSet(const std::vector<PreparedObject>& objects,
                                      const LiveState& live,
                                      std::vector<Result<Prediction>>& results) {
  const auto changes = [&](size_t i) {
    return results[i] && results[i]->kind != Kind::kSame && results[i]->kind != Kind::kRefused &&
           results[i]->kind != Kind::kImmutable;
  };
  for (size_t i = 0; i < objects.size(); ++i) {
    const bool is_refusal = results[i] && results[i]->kind == Kind::kRefused;
    const bool is_full = !results[i] && results[i].error().reason() == kReasonQuotaExceeded;
    const bool is_down = !results[i] && results[i].error().reason() == kReasonWebhookUnavailable;
    if (!is_refusal && !is_full && !is_down) continue;
    const ObjectRef& ref = objects[i].resource.ref;
    const std::string said = is_refusal ? results[i]->message : results[i].error().message();
    const std::string words = is_refusal && !results[i]->detail.empty() ? results[i]->detail : said;
    for (size_t j = 0; j < objects.size(); ++j) {
      const bool is_it = is_down ? IsServedBy(objects[j], ref, words)
                                 : changes(j) && IsRefusedBy(objects[j], ref, words);
      if (j == i || !is_it) continue;
      const auto it = live.objects.find(ref);
      results[i] = Unknowable("it is sent after " + ToString(objects[j].resource.ref) +
                                  ", which comes with it; the server says now: " + said,
                              it == live.objects.end() ? nullptr : &it->second.body, objects[i]);
      if (!is_down) results[i]->after_stage = objects[j].stage;
      awaited_.insert(ref);
      break;
    }
  }
}

}  // namespace sluice::targets::kubernetes
