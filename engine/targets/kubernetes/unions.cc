#include "engine/targets/kubernetes/unions.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/targets/kubernetes/former_fields.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/owned_paths.h"
#include "engine/targets/kubernetes/refusal.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

constexpr int kMaxOwnerRaces = 4;

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

// The rivals that one cause of a refusal is about.
class Search {
 public:
  Search(const std::string& field, std::vector<FieldPath>& out)
      : names_(NamesIn(field)), out_(out) {}

  bool Run(const json& live, const std::vector<json>& former, const json& desired) {
    Place place{&desired, &live, {}, {}, {}};
    for (const json& entry : Items(At(live, "metadata", "managedFields"))) {
      if (ToText(At(entry, "subresource")) != "status")
        place.tries.emplace_back(IsOwnEntry(entry), &At(entry, "fieldsV1"));
    }
    for (const json& body : former) place.former.push_back(&body);
    Walk(place, 0);
    return has_found_;
  }

 private:
  // One place of the object in everything that speaks of it.
  struct Place {
    const json* desired;
    const json* live;
    std::vector<std::pair<bool, const json*>> tries;  // ours, and what it owns here
    std::vector<const json*> former;
    FieldPath path;
  };

  void Walk(const Place& place, size_t at) {
    if (place.desired->is_array() && place.live->is_array()) return WalkItems(place, at);
    if (!place.desired->is_object() || !place.live->is_object()) return;
    if (at + 1 == names_.size()) return Look(place);
    const std::string& name = names_[at];
    if (!place.desired->contains(name) || !place.live->contains(name)) return;
    Place below = place;
    below.desired = &At(*place.desired, name);
    below.live = &At(*place.live, name);
    for (auto& [is_own, fields] : below.tries) fields = &At(*fields, "f:" + name);
    for (const json*& body : below.former) body = &At(*body, name);
    below.path.push_back("f:" + name);
    Walk(below, at + 1);
  }

  void WalkItems(const Place& place, size_t at) {
    for (size_t i = 0; i < place.desired->size(); ++i) {
      const json* other = Counterpart(*place.live, (*place.desired)[i], i);
      if (other == nullptr) continue;
      Place below = place;
      below.desired = &(*place.desired)[i];
      below.live = other;
      std::string step;
      for (auto& [is_own, fields] : below.tries) {
        const std::string found = StepTo(*fields, *other);
        fields = found.empty() ? &NullJson() : &At(*fields, found);
        if (step.empty()) step = found;
      }
      if (step.empty()) continue;  // nobody can own a part of it
      for (const json*& list : below.former) {
        const json* was = list->is_array() ? Counterpart(*list, *other, i) : nullptr;
        list = was == nullptr ? &NullJson() : was;
      }
      below.path.push_back(step);
      Walk(below, at);
    }
  }

  static std::string StepTo(const json& fields, const json& item) {
    for (const auto& [step, below] : fields.items()) {
      if (!step.starts_with("k:")) continue;
      const json key = json::parse(step.substr(2), nullptr, false);
      if (!key.is_discarded() && FitsKey(item, key)) return step;
    }
    return "";
  }

  // What the refusal names may be the rival, or ours beside it.
  void Look(const Place& place) {
    const std::string& named = names_.back();
    const bool is_ours = place.desired->contains(named);
    for (const auto& member : place.live->items()) {
      const std::string& key = member.key();
      const json& value = member.value();
      if (place.desired->contains(key) || (!is_ours && key != named)) continue;
      bool was_ours = std::ranges::any_of(
          place.former, [&](const json* body) { return !At(*body, key).is_null(); });
      bool is_owned = false;
      for (const auto& [is_own, fields] : place.tries) {
        const bool owns = !At(*fields, "f:" + key).is_null();
        was_ours = was_ours || (owns && is_own);
        is_owned = is_owned || owns;
      }
      // Beside ours, only what may be the other member: a default of another sort is none.
      const bool is_rival = !is_ours || value.is_structured() || was_ours;
      if (!is_rival || (is_owned && !was_ours)) continue;
      has_found_ = true;
      FieldPath path = place.path;
      path.push_back("f:" + key);
      if (std::ranges::find(out_, path) == out_.end()) out_.push_back(std::move(path));
    }
  }

  const std::vector<std::string> names_;
  std::vector<FieldPath>& out_;
  bool has_found_ = false;
};

// Items of lists are paired by what names them; the others are `desired`'s.
void Put(const json& desired, json& live) {
  if (desired.is_object() && live.is_object()) {
    for (const auto& [key, value] : desired.items()) Put(value, live[key]);
    return;
  }
  if (!desired.is_array() || !live.is_array() || desired.empty() || !desired[0].is_object()) {
    live = desired;
    return;
  }
  json items = json::array();
  for (size_t i = 0; i < desired.size(); ++i) {
    const json* other = Counterpart(live, desired[i], i);
    items.push_back(other == nullptr ? desired[i] : *other);
    Put(desired[i], items.back());
  }
  live = std::move(items);
}

}  // namespace

std::vector<FieldPath> FindRivals(const json& refusal, const json& live,
                                  const std::vector<json>& former, const json& desired) {
  std::vector<FieldPath> rivals;
  for (const json& cause : Items(At(refusal, "details", "causes"))) {
    const std::string field = ToText(At(cause, "field"));
    const bool is_ended = field.starts_with("spec.") && IsAboutRivals(cause) &&
                          Search(field, rivals).Run(live, former, desired);
    if (!is_ended) return {};
  }
  return rivals;
}

json PutOver(json live, const std::vector<FieldPath>& rivals, const json& desired) {
  for (const FieldPath& path : rivals) EraseAt(live, path, desired);
  Put(desired, live);
  return live;
}

// The rivals become ours, so that the apply, which does not have them, removes them.
Result<ApiAnswer> KubernetesDriver::SendPastDefaults(const ResourceType& type,
                                                     const PreparedObject& object, Applying& how,
                                                     const WriteCall& call) {
  if (how.mode == WriteMode::kDryRun) return DryRunPastDefaults(type, object, how.force, call);
  SLUICE_TRY(ApiAnswer answer, SendApply(type, object, how, call));
  for (int race = 0; answer.status == 422 && race < kMaxOwnerRaces; ++race) {
    const ObjectRef& ref = object.resource.ref;
    SLUICE_TRY(const auto live, ReadObject(type, ref, call));
    if (!live) return answer;
    std::vector<CoOwned> rivals;
    for (FieldPath& path : FindRivals(answer.body, *live, object.former, object.resource.body))
      rivals.push_back({std::move(path), "", true});
    if (rivals.empty()) return answer;
    SLUICE_TRY(how.seen,
               StillTheSame(how.seen, &*live, ref, LabelOf(object.resource.body, kMarkLabel)));
    const json owners =
        TakeOver(At(*live, "metadata", "managedFields"), rivals, object.resource.api_version);
    SLUICE_TRY(const ApiAnswer taken, SendOwners(type, ref, *live, owners, call));
    if (taken.status == 409) continue;
    if (!taken.IsSuccess()) return taken;
    how.seen = SeenIn(taken.body);
    return SendApply(type, object, how, call);
  }
  return answer;
}

// A dry run cannot take two steps. The server says instead whether it would take the object as a
// new one, and what becomes of it here is worked out.
Result<ApiAnswer> KubernetesDriver::DryRunPastDefaults(const ResourceType& type,
                                                       const PreparedObject& object, Force force,
                                                       const Call& call) {
  SLUICE_TRY(ApiAnswer first, SendDryRun(type, object, force, call));
  if (first.status != 422) return first;
  SLUICE_TRY(const auto live, ReadObject(type, object.resource.ref, call));
  if (!live) return first;
  const json& desired = object.asked.is_null() ? object.resource.body : object.asked;
  const std::vector<FieldPath> rivals = FindRivals(first.body, *live, object.former, desired);
  if (rivals.empty()) return first;
  SLUICE_TRY(const ApiAnswer anew, DryRunAnew(type, object, call));
  if (!anew.IsSuccess()) return first;
  first.status = 200;
  first.body = PutOver(*live, rivals, desired);
  return first;
}

}  // namespace sluice::targets::kubernetes
