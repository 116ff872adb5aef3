#include "engine/targets/kubernetes/unions.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/owned_paths.h"
#include "engine/targets/kubernetes/refusal.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

constexpr int kMaxRefusals = 4;  // one refusal may hide another

// "spec.template.spec.volumes[0].configMap" without the places: the server counts in the merged
// list, which nobody has seen.
std::vector<std::string> NamesIn(const std::string& field) {
  std::vector<std::string> names(1);
  int depth = 0;
  for (const char c : field) {
    if (c == '[') ++depth;
    if (depth == 0 && c == '.') {
      names.emplace_back();
    } else if (depth == 0) {
      names.back() += c;
    }
    if (c == ']') --depth;
  }
  return names;
}

// The server says that two fields do not go together.
bool IsAboutRivals(const json& cause) {
  const std::string message = ToText(At(cause, "message"));
  if (IsImmutableMessage(message)) return false;
  constexpr auto kWords = std::to_array<std::string_view>(
      {"may not", "must not", "more than 1", "more than one", "not allowed", "only allowed",
       "orbidden", "cannot", "should not", "exactly one", "at most one", "may only", "oneOf"});
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return message.find(word) != std::string::npos; });
}

class Clearing {
 public:
  Clearing(const json& live, const std::vector<json>& former, std::vector<std::string> names)
      : names_(std::move(names)) {
    for (const json& entry : Items(At(live, "metadata", "managedFields"))) {
      if (ToText(At(entry, "subresource")) != "status")
        tries_.emplace_back(IsOwnEntry(entry), &At(entry, "fieldsV1"));
    }
    for (const json& body : former) former_.push_back(&body);
  }

  bool Run(json& desired, const json& live) {
    Walk(desired, live, 0, tries_, former_);
    return has_cleared_;
  }

 private:
  using Tries = std::vector<std::pair<bool, const json*>>;

  void Walk(json& desired, const json& live, size_t at, const Tries& tries,
            const std::vector<const json*>& former) {
    if (desired.is_array() && live.is_array()) {
      for (size_t i = 0; i < desired.size(); ++i) {
        const json* other = Counterpart(live, desired[i], i);
        if (other != nullptr)
          Walk(desired[i], *other, at, ItemTries(tries, *other), ItemFormer(former, *other, i));
      }
      return;
    }
    if (!desired.is_object() || !live.is_object()) return;
    if (at + 1 == names_.size()) return Clear(desired, live, tries, former);
    const std::string& name = names_[at];
    if (!desired.contains(name) || !live.contains(name)) return;
    Tries below;
    for (const auto& [is_own, fields] : tries)
      below.emplace_back(is_own, &At(*fields, "f:" + name));
    std::vector<const json*> was;
    for (const json* body : former) was.push_back(&At(*body, name));
    Walk(desired[name], live[name], at + 1, below, was);
  }

  static Tries ItemTries(const Tries& tries, const json& item) {
    Tries below;
    for (const auto& [is_own, fields] : tries) {
      const json* found = &NullJson();
      for (const auto& [step, sub] : fields->items()) {
        if (!step.starts_with("k:")) continue;
        const json key = json::parse(step.substr(2), nullptr, false);
        if (!key.is_discarded() && FitsKey(item, key)) found = &sub;
      }
      below.emplace_back(is_own, found);
    }
    return below;
  }
  static std::vector<const json*> ItemFormer(const std::vector<const json*>& former,
                                             const json& item, size_t place) {
    std::vector<const json*> was;
    for (const json* list : former) {
      const json* found = list->is_array() ? Counterpart(*list, item, place) : nullptr;
      was.push_back(found == nullptr ? &NullJson() : found);
    }
    return was;
  }

  // What the refusal names may be the rival, or ours beside it.
  void Clear(json& desired, const json& live, const Tries& tries,
             const std::vector<const json*>& former) {
    const std::string& named = names_.back();
    const bool is_ours = desired.contains(named);
    for (const auto& [key, value] : live.items()) {
      if (desired.contains(key) || (!is_ours && key != named)) continue;
      bool was_ours =
          std::ranges::any_of(former, [&](const json* body) { return !At(*body, key).is_null(); });
      bool is_owned = false;
      for (const auto& [is_own, fields] : tries) {
        const bool owns = !At(*fields, "f:" + key).is_null();
        was_ours = was_ours || (owns && is_own);
        is_owned = is_owned || owns;
      }
      // Beside ours, only what may be the other member: a default of another sort is none.
      const bool is_rival = !is_ours || value.is_structured() || was_ours;
      if (!is_rival || (is_owned && !was_ours)) continue;
      desired[key] = nullptr;
      has_cleared_ = true;
    }
  }

  const std::vector<std::string> names_;
  Tries tries_;
  std::vector<const json*> former_;
  bool has_cleared_ = false;
};

}  // namespace

bool ClearRivals(const json& refusal, const json& live, const std::vector<json>& former,
                 json& desired) {
  bool has_cleared = false;
  for (const json& cause : Items(At(refusal, "details", "causes"))) {
    const std::string field = ToText(At(cause, "field"));
    if (!field.starts_with("spec.") || !IsAboutRivals(cause)) continue;
    if (Clearing(live, former, NamesIn(field)).Run(desired, live)) has_cleared = true;
  }
  return has_cleared;
}

Result<ApiAnswer> KubernetesDriver::SendPastDefaults(const ResourceType& type,
                                                     const PreparedObject& object, Applying& how,
                                                     const WriteCall& call) {
  SLUICE_TRY(const ApiAnswer first, SendApply(type, object, how, call));
  if (first.status != 422) return first;
  SLUICE_TRY(const auto live, ReadObject(type, object.resource.ref, call));
  if (!live) return first;
  PreparedObject cleared = object;
  ApiAnswer refusal = first;
  for (int i = 0; i < kMaxRefusals; ++i) {
    json& body = how.mode == WriteMode::kDryRun && !cleared.asked.is_null() ? cleared.asked
                                                                            : cleared.resource.body;
    if (!ClearRivals(refusal.body, *live, object.former, body)) return first;
    SLUICE_TRY(ApiAnswer answer, SendApply(type, cleared, how, call));
    if (answer.status != 422) return answer;
    refusal = std::move(answer);
  }
  return first;
}

Result<ApiAnswer> KubernetesDriver::DryRunPastDefaults(const ResourceType& type,
                                                       const PreparedObject& object, Force force,
                                                       const Call& call) {
  Applying how{WriteMode::kDryRun, force, {}};
  return SendPastDefaults(type, object, how, {call, {}});
}

}  // namespace sluice::targets::kubernetes
