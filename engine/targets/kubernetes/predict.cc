// What applying would do, found by reading managedFields and, where that is not certain, by server
// dry runs.
#include <algorithm>

#include "engine/targets/kubernetes/crd_summary.h"
#include "engine/targets/kubernetes/crd_versions.h"
#include "engine/targets/kubernetes/fieldset.h"
#include "engine/targets/kubernetes/former_fields.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"
#include "engine/targets/kubernetes/refusal.h"
#include "engine/targets/kubernetes/words.h"

namespace sluice::targets::kubernetes {
namespace {

using Kind = Prediction::Kind;

// For what the server did not merge: the fields we speak of, live and desired.
void Project(const nlohmann::json* live, const PreparedObject& object, Prediction& prediction) {
  if (live != nullptr) prediction.before = ProjectOnto(Normalise(*live), object.resource.body);
  prediction.after = object.resource.body;
}

Prediction Refused(const Error& error, const nlohmann::json* live, const PreparedObject& object) {
  Prediction prediction;
  const bool is_immutable = error.reason() == kReasonImmutableField;
  prediction.kind = is_immutable && live != nullptr ? Kind::kImmutable : Kind::kRefused;
  prediction.reason = error.reason();
  prediction.detail = error.detail();
  Project(live, object, prediction);
  prediction.message = is_immutable && !IsSecret(object.resource.ref)
                           ? NameChangedFields(error.message(), prediction.before, prediction.after)
                           : error.message();
  return prediction;
}

// What an admission plugin made of the value we sent is no difference: nobody took the field from
// us since, and we declare what we declared before.
void AcceptMutated(const nlohmann::json& live, const PreparedObject& object,
                   Prediction& prediction) {
  for (const FieldPath& path : PathsOf(OwnFields(live))) {
    const nlohmann::json* declared = FindAt(prediction.after, path);
    const nlohmann::json* is = FindAt(prediction.before, path);
    if (declared == nullptr || is == nullptr || declared->is_structured()) continue;
    const bool is_as_before = std::ranges::all_of(object.former, [&](const nlohmann::json& body) {
      const nlohmann::json* was = FindAt(body, path);
      return was != nullptr && *was == *declared;
    });
    if (is_as_before) SetAt(prediction.before, path, *declared);
  }
}

// A webhook that cannot be dry run: we compare for ourselves.
Prediction Compared(const nlohmann::json* live, const PreparedObject& object) {
  Prediction prediction;
  Project(live, object, prediction);
  if (live != nullptr) AcceptMutated(*live, object, prediction);
  prediction.kind = live == nullptr                         ? Kind::kCreate
                    : prediction.before == prediction.after ? Kind::kSame
                                                            : Kind::kUpdate;
  return prediction;
}

const nlohmann::json& Asked(const PreparedObject& object) {
  return object.asked.is_null() ? object.resource.body : object.asked;
}

Prediction Deleting(const LiveObject& live, const PreparedObject& object) {
  Prediction prediction;
  prediction.kind = Kind::kDeleting;
  prediction.message = "being deleted since " +
                       ToText(At(live.body, "metadata", "deletionTimestamp")) + " (" +
                       FinalizersOf(live.body) + "); created again when it is gone";
  prediction.after = object.resource.body;
  return prediction;
}

// What others keep of what is declared no more goes with the apply, or needs somebody's word first.
void AddKept(const std::vector<CoOwned>& kept, const nlohmann::json& live,
             const nlohmann::json& desired, Force force, Prediction& prediction) {
  if (kept.empty()) return;
  if (prediction.kind == Kind::kSame) {
    prediction.before = Normalise(live);
    prediction.after = prediction.before;
  }
  for (const CoOwned& field : kept) {
    EraseAt(prediction.after, field.path, desired);
    if (force == Force::kYes || field.is_remnant || IsPartOfAnother(field, kept)) continue;
    const std::string name = PathText(field.path);
    const auto is_told = [&](const FieldConflict& told) {
      return told.field == name && told.manager == field.manager;
    };
    if (const auto it = std::ranges::find_if(prediction.conflicts, is_told);
        it != prediction.conflicts.end()) {
      it->is_former = true;
    } else {
      prediction.conflicts.push_back({name, field.manager, true});
    }
  }
  if (!prediction.conflicts.empty()) {
    prediction.kind = Kind::kConflict;
  } else if (prediction.before != prediction.after) {
    prediction.kind = Kind::kUpdate;
  }
}

}  // namespace

Prediction KubernetesDriver::Unknowable(std::string why, const nlohmann::json* live,
                                        const PreparedObject& object) {
  Prediction prediction;
  prediction.kind = Kind::kUnknowable;
  prediction.message = std::move(why);
  Project(live, object, prediction);
  return prediction;
}

// Its namespace is not there yet, or going.
bool KubernetesDriver::ComesWithTheSet(const ObjectRef& ref, const LiveState& live) const {
  if (ref.ns.empty() || !declared_.namespaces.contains(ref.ns)) return false;
  const auto it = live.objects.find({"", "Namespace", "", ref.ns});
  return it == live.objects.end() || it->second.is_deleting;
}

// The server misses something (a role to bind, a service account, a priority class) that an earlier
// stage of the same set brings.
bool KubernetesDriver::IsMissingWithTheSet(const std::string& words, const PreparedObject& object,
                                           const std::vector<PreparedObject>& objects,
                                           const LiveState& live) const {
  const auto has = [&](const char* part) { return words.find(part) != std::string::npos; };
  if (!has("not found") && !has("was found") && !has("looking up")) return false;
  return std::ranges::any_of(objects, [&](const PreparedObject& other) {
    return other.stage < object.stage && !live.objects.contains(other.resource.ref) &&
           HasWord(words, other.resource.ref.name);
  });
}

Result<Prediction> KubernetesDriver::PredictConflict(const ResourceType& type,
                                                     const PreparedObject& object,
                                                     const nlohmann::json* live,
                                                     const ApiAnswer& answer, const Call& call) {
  Prediction prediction;
  prediction.kind = Kind::kConflict;
  prediction.conflicts = ConflictsOf(answer.body);
  prediction.message = ErrorOf(answer, object.resource.ref).message();
  SLUICE_TRY(const ApiAnswer forced, DryRunPastDefaults(type, object, Force::kYes, call));
  if (forced.IsSuccess()) {
    if (live != nullptr) prediction.before = Normalise(*live);
    prediction.after = Normalise(forced.body);
    return prediction;
  }
  const Error error = ErrorOf(forced, object.resource.ref);
  if (error.code() != ErrorCode::kRejected) return Fail(error);
  return Refused(error, live, object);  // with a conflict, too: nothing to replace by itself
}

// What a refused or failed dry run says about the object.
Result<Prediction> KubernetesDriver::PredictFailure(const Error& error,
                                                    const PreparedObject& object,
                                                    const std::vector<PreparedObject>& objects,
                                                    const LiveState& state,
                                                    const nlohmann::json* live, const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const bool is_custom = declared_.custom_kinds.contains({ref.group, ref.kind});
  if (error.reason() == kReasonDryRunUnsupported) return Compared(live, object);
  if (error.reason() == kReasonTypeNotServed && is_custom)
    return Unknowable("its type is not there yet", live, object);
  if (IsMissingWithTheSet(error.words(), object, objects, state))
    return Unknowable(error.message(), live, object);
  if (error.code() != ErrorCode::kRejected) return Fail(error);
  Prediction prediction = Refused(error, live, object);
  if (prediction.kind == Kind::kImmutable) {
    const std::string& api_version = object.resource.api_version;
    SLUICE_TRY(const ResourceType type,
               TypeOf(ref.group, api_version.substr(api_version.find('/') + 1), ref.kind, call));
    SLUICE_CHECK(ConsiderReplacing(type, object, objects, state, prediction, call));
  }
  return prediction;
}

// What an accepted dry run would change.
Result<Prediction> KubernetesDriver::PredictAccepted(const ResourceType& type,
                                                     const PreparedObject& object,
                                                     const nlohmann::json* live,
                                                     const ApiAnswer& answer, const Call& call) {
  // Read again where the answer belongs to another object or version than what was observed.
  std::optional<nlohmann::json> again;
  const bool is_created = answer.status == 201;
  const bool is_other =
      live == nullptr || ToText(At(*live, "apiVersion")) != object.resource.api_version;
  if (!is_created && is_other) {
    SLUICE_TRY(again, ReadObject(type, object.resource.ref, call));
    live = again ? &*again : nullptr;
  }
  Prediction prediction;
  prediction.after = Normalise(answer.body);
  if (is_created || live == nullptr) {
    prediction.kind = Kind::kCreate;
    return prediction;
  }
  prediction.before = Normalise(*live);
  // A webhook may write another value each time where nobody declares one.
  const bool is_same =
      IsSameInOurs(prediction.before, prediction.after, Asked(object), OwnFields(*live));
  prediction.kind = is_same ? Kind::kSame : Kind::kUpdate;
  return prediction;
}

Result<Prediction> KubernetesDriver::PredictChange(const PreparedObject& object,
                                                   const std::vector<PreparedObject>& objects,
                                                   const LiveState& state,
                                                   const nlohmann::json* live, Force force,
                                                   const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  if (live != nullptr && HoldsAlready(*live, Asked(object))) {
    Prediction same;
    same.kind = Kind::kSame;
    return same;
  }
  const std::string& api_version = object.resource.api_version;
  auto type = TypeOf(ref.group, api_version.substr(api_version.find('/') + 1), ref.kind, call);
  if (!type) return PredictFailure(type.error(), object, objects, state, live, call);
  const auto answer = DryRunPastDefaults(*type, object, force, call);
  if (!answer && answer.error().code() != ErrorCode::kRejected) return Fail(answer.error());
  if (!answer) return PredictFailure(answer.error(), object, objects, state, live, call);
  if (answer->IsSuccess()) return PredictAccepted(*type, object, live, *answer, call);
  if (IsOfOlderShare(answer->body))
    return Unknowable("it moves to " + api_version + " with fields that are new there", live,
                      object);
  const Error error = ErrorOf(*answer, ref);
  if (error.reason() == kReasonFieldConflict)
    return PredictConflict(*type, object, live, *answer, call);
  return PredictFailure(error, object, objects, state, live, call);
}

Result<Prediction> KubernetesDriver::PredictOne(const PreparedObject& object,
                                                const std::vector<PreparedObject>& objects,
                                                const LiveState& state, Force force,
                                                const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  if (const auto refusal = declared_.refused.find(ref); refusal != declared_.refused.end()) {
    Prediction refused;
    refused.kind = Kind::kRefused;
    refused.message = refusal->second.message();
    refused.reason = refusal->second.reason();
    return refused;
  }
  if (declared_.missing_namespaces.contains(ref.ns)) {
    Prediction blocked = Unknowable("there is no namespace '" + ref.ns + "'", nullptr, object);
    blocked.blocked_by = kReasonNamespaceMissing;
    return blocked;
  }
  if (ComesWithTheSet(ref, state))
    return Unknowable("its namespace is not there yet", nullptr, object);
  const auto it = state.objects.find(ref);
  if (it != state.objects.end() && it->second.is_deleting) return Deleting(it->second, object);
  const nlohmann::json* live = it == state.objects.end() ? nullptr : &it->second.body;
  SLUICE_TRY(Prediction prediction, PredictChange(object, objects, state, live, force, call));
  const bool is_judged = prediction.kind == Kind::kSame || prediction.kind == Kind::kUpdate ||
                         prediction.kind == Kind::kConflict;
  if (live != nullptr && is_judged) {
    const std::vector<CoOwned> kept = KeptByOthers(*live, object);
    AddKept(kept, *live, Asked(object), force, prediction);
    prediction.takes_from_others = !kept.empty();
  }
  if (prediction.kind == Kind::kUpdate && IsCrd(ref))
    prediction.summary = SummarizeCrd(prediction.before, prediction.after);
  if (live != nullptr && prediction.kind == Kind::kUpdate && IsCrd(ref))
    prediction.takes_away = LostVersions(*live, object.resource.body);
  return prediction;
}

Result<std::vector<Prediction>> KubernetesDriver::Predict(
    const std::vector<PreparedObject>& objects, const LiveState& live, Force force,
    const Call& call) {
  std::vector<Result<Prediction>> results(objects.size(), Prediction{});
  Progress progress(client_.clock(), call);
  ForEachInParallel(objects.size(), [&](size_t i) {
    results[i] = PredictOne(objects[i], objects, live, force, progress.Bound(call));
    if (results[i]) progress.Note();
  });
  AllowForTheSet(objects, live, results);
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i] && results[i]->takes_from_others) co_owned_.insert(objects[i].resource.ref);
    if (!results[i])
      return Fail(results[i].error().With("dry run of " + ToString(objects[i].resource.ref)));
    predictions.push_back(std::move(*results[i]));
  }
  return predictions;
}

}  // namespace sluice::targets::kubernetes
