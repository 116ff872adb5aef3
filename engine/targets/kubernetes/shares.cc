// Whose a field is, before and after an apply: what we declare no more is taken from others first,
// so that the apply removes it; what is left to others is given up first, so that the apply keeps
// it. Only owners change here, never values.
#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/former_fields.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

constexpr int kMaxOwnerRounds = 4;

const json& OwnersIn(const json& live) { return At(live, "metadata", "managedFields"); }

std::vector<FieldPath> LeftPaths(const json& live, const PreparedObject& object) {
  const json& whole = object.whole.is_null() ? object.resource.body : object.whole;
  std::vector<FieldPath> paths;
  for (const LeftField& field : object.left) {
    if (auto path = PathOf(OwnFields(live), whole, field.pointer))
      paths.push_back(std::move(*path));
  }
  return paths;
}

std::string MarkOf(const PreparedObject& object) {
  return LabelOf(object.resource.body, kMarkLabel);
}

Error OwnersRaced(const ObjectRef& ref) {
  return {ErrorCode::kUnavailable, std::string(kReasonWriteRaced),
          "others write " + ToString(ref) +
              " faster than its field owners can be changed; it is tried again"};
}

bool IsToBeAsked(const CoOwned& field) { return !field.is_remnant; }

}  // namespace

std::vector<CoOwned> KubernetesDriver::KeptByOthers(const json& live,
                                                    const PreparedObject& object) {
  json own = OwnFields(live);
  if (own.is_object()) {
    for (const FieldPath& path : LeftPaths(live, object)) RemovePath(own, path);
  }
  return FindCoOwned(OwnersIn(live), own, object.former, object.resource.body);
}

Error KubernetesDriver::KeptError(const ObjectRef& ref, const std::vector<CoOwned>& fields) {
  std::vector<std::string> parts;
  for (const CoOwned& field : fields) {
    if (IsToBeAsked(field) && !IsPartOfAnother(field, fields))
      parts.push_back(PathText(field.path) + " is kept by '" + field.manager + "'");
  }
  return {ErrorCode::kConflict, std::string(kReasonFieldConflict),
          ToString(ref) + " is to lose fields that others own too: " + Join(parts, ", ") +
              "; take them away with 'sluice adopt'"};
}

Result<ApiAnswer> KubernetesDriver::SendOwners(const ResourceType& type, const ObjectRef& ref,
                                               const json& live, const json& owners,
                                               const WriteCall& call) {
  ApiRequest request;
  request.verb = Verb::kPatch;
  request.method = "PATCH";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.query = {{"fieldManager", std::string(kFieldManager)}};
  request.content_type = "application/json-patch+json";
  request.what = "field owners of " + ToString(ref);
  // With the version, so that a write in between makes it fail (409) and not be lost.
  const json patch = {{{"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", owners}},
                      {{"op", "replace"},
                       {"path", "/metadata/resourceVersion"},
                       {"value", At(live, "metadata", "resourceVersion")}}};
  SLUICE_TRY(request.body, WriteJson(patch));
  SLUICE_TRY(ApiAnswer answer, client_.Write(request, call));
  if (answer.IsSuccess()) SLUICE_CHECK(ExpectObject(answer.body, type, ref));
  return answer;
}

// One look and, where needed, one write. True when owners are as the apply needs them.
Result<bool> KubernetesDriver::SettleOnce(const ResourceType& type, const PreparedObject& object,
                                          Applying& how, const WriteCall& call) {
  const ObjectRef& ref = object.resource.ref;
  SLUICE_TRY(const std::optional<json> live, ReadObject(type, ref, call));
  if (!live) return true;
  SLUICE_TRY(how.seen, StillTheSame(how.seen, &*live, ref, MarkOf(object)));
  const std::vector<CoOwned> kept = KeptByOthers(*live, object);
  if (how.force == Force::kNo && std::ranges::any_of(kept, IsToBeAsked))
    return Fail(KeptError(ref, kept));
  const std::vector<FieldPath> left = LeftPaths(*live, object);
  if (kept.empty() && left.empty()) return true;
  json owners = OwnersIn(*live);
  if (!left.empty()) owners = GiveUp(owners, left);
  if (!kept.empty()) owners = TakeOver(owners, kept, object.resource.api_version);
  return ChangeOwners(type, ref, *live, owners, how, call);
}

// False when somebody wrote in between.
Result<bool> KubernetesDriver::ChangeOwners(const ResourceType& type, const ObjectRef& ref,
                                            const json& live, const json& owners, Applying& how,
                                            const WriteCall& call) {
  SLUICE_TRY(const ApiAnswer answer, SendOwners(type, ref, live, owners, call));
  if (answer.status == 409) return false;
  if (!answer.IsSuccess()) return Fail(ErrorOf(answer, ref));
  how.seen = SeenIn(answer.body);
  connection_->own_writes.Note(ref, answer.body, client_.clock().SteadyNow());
  return true;
}

Status KubernetesDriver::SettleShares(const ResourceType& type, const PreparedObject& object,
                                      Applying& how, const WriteCall& call) {
  const bool gives = std::ranges::any_of(object.left, &LeftField::is_ours);
  if (!gives && !co_owned_.contains(object.resource.ref)) return {};
  for (int round = 0; round < kMaxOwnerRounds; ++round) {
    SLUICE_TRY(const bool is_settled, SettleOnce(type, object, how, call));
    if (is_settled) return {};
  }
  return Fail(OwnersRaced(object.resource.ref));
}

Status KubernetesDriver::MoveShare(const ResourceType& type, const PreparedObject& object,
                                   Applying& how, const WriteCall& call) {
  const ObjectRef& ref = object.resource.ref;
  for (int round = 0; round < kMaxOwnerRounds; ++round) {
    SLUICE_TRY(const std::optional<json> live, ReadObject(type, ref, call));
    if (!live) return {};
    SLUICE_TRY(how.seen, StillTheSame(how.seen, &*live, ref, MarkOf(object)));
    const json owners = InVersion(OwnersIn(*live), object.resource.api_version);
    SLUICE_TRY(const bool is_moved, ChangeOwners(type, ref, *live, owners, how, call));
    if (is_moved) return {};
  }
  return Fail(OwnersRaced(ref));
}

// Settled before, so what is still there came in between, or nobody was known to own it: the server
// names "before-first-apply" only in its answer to the first apply.
Result<ApiAnswer> KubernetesDriver::ApplyAndRemove(const ResourceType& type,
                                                   const PreparedObject& object, Applying& how,
                                                   const WriteCall& call) {
  if (how.mode == WriteMode::kApply) SLUICE_CHECK(SettleShares(type, object, how, call));
  for (int round = 0;; ++round) {
    SLUICE_TRY(ApiAnswer answer, SendPastDefaults(type, object, how, call));
    if (how.mode == WriteMode::kApply && round == 0 && IsOfOlderShare(answer.body)) {
      SLUICE_CHECK(MoveShare(type, object, how, call));
      continue;
    }
    if (how.mode == WriteMode::kDryRun || !answer.IsSuccess() || object.former.empty())
      return answer;
    const std::vector<CoOwned> kept = KeptByOthers(answer.body, object);
    if (kept.empty() || round == kMaxOwnerRounds) return answer;
    if (how.force == Force::kNo && std::ranges::any_of(kept, IsToBeAsked))
      return Fail(KeptError(object.resource.ref, kept));
    const json owners = TakeOver(OwnersIn(answer.body), kept, object.resource.api_version);
    SLUICE_TRY(const ApiAnswer taken,
               SendOwners(type, object.resource.ref, answer.body, owners, call));
    if (!taken.IsSuccess() && taken.status != 409) return taken;
    if (taken.IsSuccess()) how.seen = SeenIn(taken.body);
  }
}

void KubernetesDriver::EndKubectlsShare(const ResourceType& type, const ObjectRef& ref, json& live,
                                        const WriteCall& call) {
  const std::optional<json> entries = WithoutKubectlEntries(live);
  if (!entries) return;
  // Best effort: the apply itself has succeeded, and the next one tries again.
  auto answer = SendOwners(type, ref, live, *entries, call);
  if (answer && answer->IsSuccess()) {
    live = std::move(answer->body);
  } else {
    log::Debug("kubectl_share_kept", {{"object", ToString(ref)}});
  }
}

}  // namespace sluice::targets::kubernetes
