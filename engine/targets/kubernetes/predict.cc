// What applying would do, found by reading managedFields and, where that is not certain, by server
// dry runs.
#include <algorithm>

#include "engine/targets/kubernetes/fieldset.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

using Kind = Prediction::Kind;

Prediction Unknowable(std::string why, const PreparedObject& object) {
  Prediction prediction;
  prediction.kind = Kind::kUnknowable;
  prediction.message = std::move(why);
  prediction.after = object.resource.body;
  return prediction;
}

// For what the server did not merge: the fields we speak of, live and desired.
void Project(const nlohmann::json* live, const PreparedObject& object, Prediction& prediction) {
  if (live != nullptr) prediction.before = ProjectOnto(Normalise(*live), object.resource.body);
  prediction.after = object.resource.body;
}

Prediction Refused(const Error& error, const nlohmann::json* live, const PreparedObject& object) {
  Prediction prediction;
  const bool is_immutable =
      error.reason() == kReasonImmutableField || IsImmutableMessage(error.message());
  prediction.kind = is_immutable && live != nullptr ? Kind::kImmutable : Kind::kRefused;
  prediction.message = error.message();
  Project(live, object, prediction);
  return prediction;
}

// A webhook that cannot be dry run: we compare for ourselves.
Prediction Compared(const nlohmann::json* live, const PreparedObject& object) {
  Prediction prediction;
  Project(live, object, prediction);
  prediction.kind = live == nullptr                         ? Kind::kCreate
                    : prediction.before == prediction.after ? Kind::kSame
                                                            : Kind::kUpdate;
  return prediction;
}

bool HasWord(const std::string& text, const std::string& word) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  };
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const bool starts = at == 0 || !is_part(text[at - 1]);
    const size_t end = at + word.size();
    if (starts && (end >= text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

}  // namespace

bool KubernetesDriver::ComesWithTheSet(const ObjectRef& ref, const LiveState& live) const {
  const bool is_in_new_namespace = !ref.ns.empty() && declared_.namespaces.contains(ref.ns) &&
                                   !live.objects.contains({"", "Namespace", "", ref.ns});
  return is_in_new_namespace || declared_.missing_namespaces.contains(ref.ns);
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
  SLUICE_TRY(const ApiAnswer forced,
             SendApply(type, object, WriteMode::kDryRun, Force::kYes, call));
  if (forced.IsSuccess()) {
    if (live != nullptr) prediction.before = Normalise(*live);
    prediction.after = Normalise(forced.body);
    return prediction;
  }
  const Error error = ErrorOf(forced, object.resource.ref);
  if (error.code() != ErrorCode::kRejected) return Fail(error);
  return Refused(error, live, object);  // with a conflict, too: nothing to replace by itself
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
    return refused;
  }
  if (ComesWithTheSet(ref, state)) return Unknowable("its namespace is not there yet", object);
  const auto it = state.objects.find(ref);
  const nlohmann::json* live = it == state.objects.end() ? nullptr : &it->second.body;
  if (live != nullptr && HoldsAlready(*live, object.resource.body)) {
    Prediction same;
    same.kind = Kind::kSame;
    return same;
  }
  const std::string& api_version = object.resource.api_version;
  const bool is_custom = declared_.custom_kinds.contains({ref.group, ref.kind});
  auto type = TypeOf(ref.group, api_version.substr(api_version.find('/') + 1), ref.kind, call);
  if (!type) {
    if (is_custom && type.error().code() == ErrorCode::kNotFound)
      return Unknowable("its type is not there yet", object);
    return Fail(std::move(type).error());
  }
  const auto refused = [&](const Error& error) -> Result<Prediction> {
    Prediction prediction = Refused(error, live, object);
    if (prediction.kind == Kind::kImmutable)
      SLUICE_CHECK(ConsiderReplacing(*type, object, objects, state, prediction, call));
    return prediction;
  };
  const auto sent = SendApply(*type, object, WriteMode::kDryRun, force, call);
  if (!sent && sent.error().code() == ErrorCode::kRejected) return refused(sent.error());
  if (!sent) return Fail(sent.error());
  const ApiAnswer& answer = *sent;
  if (!answer.IsSuccess()) {
    const Error error = ErrorOf(answer, ref);
    if (error.reason() == kReasonFieldConflict)
      return PredictConflict(*type, object, live, answer, call);
    if (error.reason() == kReasonDryRunUnsupported) return Compared(live, object);
    if (error.reason() == kReasonTypeNotServed && is_custom)
      return Unknowable("its type is not there yet", object);
    if (IsMissingWithTheSet(error.message(), object, objects, state))
      return Unknowable(error.message(), object);
    if (error.code() == ErrorCode::kRejected) return refused(error);
    return Fail(error);
  }
  // Read again where the answer belongs to another object or version than what was observed.
  std::optional<nlohmann::json> again;
  const bool is_created = answer.status == 201;
  const bool is_other = live == nullptr || ToText(At(*live, "apiVersion")) != api_version;
  if (!is_created && is_other) {
    SLUICE_TRY(again, ReadObject(*type, ref, call));
    live = again ? &*again : nullptr;
  }
  Prediction prediction;
  prediction.after = Normalise(answer.body);
  if (is_created || live == nullptr) {
    prediction.kind = Kind::kCreate;
    return prediction;
  }
  prediction.before = Normalise(*live);
  prediction.kind = prediction.before == prediction.after ? Kind::kSame : Kind::kUpdate;
  return prediction;
}

Result<std::vector<Prediction>> KubernetesDriver::Predict(
    const std::vector<PreparedObject>& objects, const LiveState& live, Force force,
    const Call& call) {
  std::vector<Result<Prediction>> results(objects.size(), Prediction{});
  ForEachInParallel(objects.size(), [&](size_t i) {
    results[i] = PredictOne(objects[i], objects, live, force, call);
  });
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i])
      return Fail(results[i].error().With("dry run of " + ToString(objects[i].resource.ref)));
    predictions.push_back(std::move(*results[i]));
  }
  return predictions;
}

}  // namespace sluice::targets::kubernetes
