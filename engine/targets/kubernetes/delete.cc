// Deletion by uid, what depends on others first.
#include <algorithm>
#include <map>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {

Status KubernetesDriver::SendDelete(const ResourceType& type, const ObjectRef& ref,
                                    const std::string& uid, WriteMode mode, const Call& call,
                                    Dependents dependents) {
  // Always with a policy: a Job's default would orphan its pods.
  nlohmann::json options = {
      {"apiVersion", "v1"},
      {"kind", "DeleteOptions"},
      {"propagationPolicy", dependents == Dependents::kFirst ? "Foreground" : "Background"}};
  if (!uid.empty()) options["preconditions"] = {{"uid", uid}};
  ApiRequest request;
  if (mode == WriteMode::kDryRun) {
    options["dryRun"] = {"All"};
    request.query = {{"dryRun", "All"}};  // the body decides; this is for readers of audit logs
  }
  request.verb = mode == WriteMode::kDryRun ? Verb::kDryRun : Verb::kDelete;
  request.method = "DELETE";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.body = options.dump();
  request.content_type = "application/json";
  request.what = ToString(ref);
  SLUICE_TRY(const ApiAnswer answer, client_.Send(request, call));
  Status status = ToStatus(answer);
  if (status) return {};
  const std::string& reason = status.error().reason();
  if (reason == kReasonObjectMissing || reason == kReasonNamespaceMissing) return {};
  if (reason == kReasonTypeNotServed) {
    SLUICE_TRY(const bool is_gone, IsTypeGone(type, call));
    if (is_gone) return {};
  }
  return status;
}

WriteResult KubernetesDriver::DeleteOne(const Deletion& deletion, WriteMode mode,
                                        const Call& call) {
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of deleting " : "deleting ") + ToString(deletion.ref);
  const std::string version = deletion.api_version.substr(deletion.api_version.find('/') + 1);
  auto type = TypeOf(deletion.ref.group, version, deletion.ref.kind, call);
  if (!type && type.error().code() == ErrorCode::kNotFound)
    type = TypeOf(deletion.ref.group, "", deletion.ref.kind, call);
  WriteResult result;
  if (!type) {
    // The type went (its CRD was deleted), and all objects with it.
    if (type.error().code() != ErrorCode::kNotFound)
      result.status = Fail(std::move(type).error().With(what));
    return result;
  }
  result.status = SendDelete(*type, deletion.ref, deletion.uid, mode, call);
  if (!result.status) result.status = Fail(std::move(result.status).error().With(what));
  result.is_changed = result.status.has_value();
  result.uid = deletion.uid;
  return result;
}

std::vector<WriteResult> KubernetesDriver::Delete(const std::vector<Deletion>& deletions,
                                                  WriteMode mode, const Call& call) {
  std::vector<WriteResult> results(deletions.size());
  std::map<int, std::vector<size_t>> by_rank;
  for (size_t i = 0; i < deletions.size(); ++i) {
    by_rank[DeletionRank(deletions[i].ref.group, deletions[i].ref.kind)].push_back(i);
  }
  for (const auto& [rank, indexes] : by_rank) {
    ForEachInParallel(indexes.size(), [&, &chosen = indexes](size_t k) {
      results[chosen[k]] = DeleteOne(deletions[chosen[k]], mode, call);
    });
  }
  return results;
}

}  // namespace sluice::targets::kubernetes
