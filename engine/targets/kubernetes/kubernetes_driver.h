// The driver's state and private parts; each operation has its own .cc (prepare, adjust, observe,
// predict, in_between, apply, shares, unions, replace, delete, find_marked, stuck_pods, job,
// assess).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/client.h"
#include "engine/targets/kubernetes/credentials.h"
#include "engine/targets/kubernetes/discovery.h"
#include "engine/targets/kubernetes/former_fields.h"
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/own_writes.h"
#include "engine/targets/kubernetes/reporters.h"
#include "engine/targets/kubernetes/shared_reads.h"
#include "engine/targets/kubernetes/swap.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

// One cluster, shared by its drivers. Thread-safe.
struct Connection {
  Connection(std::unique_ptr<HttpClient> client_of_curl, ClusterAccess access,
             Credentials::Options options, const Clock& clock, Effects& effects, Metrics& metrics)
      : http(std::move(client_of_curl)),
        credentials(std::move(access), std::move(options), clock),
        client(*http, credentials, clock, effects, metrics),
        discovery(client),
        shared_reads(clock) {}

  std::unique_ptr<HttpClient> http;
  Credentials credentials;
  Client client;
  Discovery discovery;
  // Namespaces seen lately, and until when that is believed.
  Guarded<std::map<std::string, SteadyTime>> namespaces;
  OwnWrites own_writes;
  Reporters reporters;
  SharedReads shared_reads;
};

using GroupKind = std::pair<std::string, std::string>;

class KubernetesDriver final : public TargetDriver {
 public:
  KubernetesDriver(std::shared_ptr<Connection> connection, std::string ns)
      : connection_(std::move(connection)),
        client_(connection_->client),
        ns_(std::move(ns)),
        made_at_(client_.clock().SteadyNow()) {}

  Result<Prepared> Prepare(const std::vector<Resource>& resources, const Ownership& owner,
                           const Call& call) override;
  void MayBeOld(Duration age) override { max_age_ = age; }
  Result<LiveState> Observe(const std::vector<ObjectRef>& refs, const Call& call) override;
  Result<std::vector<ObjectRef>> FindMarked(const Ownership& owner,
                                            const std::vector<ObjectRef>& kinds_of,
                                            const Call& call) override;
  Status Adjust(Prepared& prepared, const LiveState& live, const Surroundings& around,
                const Call& call) override;
  Result<std::vector<Prediction>> Predict(const std::vector<PreparedObject>& objects,
                                          const LiveState& live, Force force,
                                          const Call& call) override;
  std::vector<WriteResult> MakeRoom(const std::vector<PreparedObject>& objects,
                                    const LiveState& live, WriteMode mode,
                                    const WriteCall& call) override;
  std::vector<WriteResult> Apply(const std::vector<PreparedObject>& objects, const LiveState& live,
                                 WriteMode mode, Force force, const WriteCall& call) override;
  Status AwaitStage(const std::vector<PreparedObject>& stage, const Call& call) override;
  std::vector<WriteResult> Delete(const std::vector<Deletion>& deletions, WriteMode mode,
                                  const WriteCall& call) override;
  Result<std::vector<ObjectHealth>> Assess(const std::vector<ObjectRef>& refs, const Since& since,
                                           Diagnose diagnose, const Call& call) override;
  Status Unstick(const std::vector<ObjectRef>& refs, const WriteCall& call) override;
  Result<TaskOutcome> RunTask(const nlohmann::json& manifest, const Ownership& owner,
                              const std::string& rollout, const WriteCall& call) override;

 private:
  // What the set of the newest Prepare declares itself, so that the rest of the set may rely on it.
  struct Declared {
    std::map<GroupKind, std::string> versions;  // the API version each kind is written in
    std::set<GroupKind> custom_kinds;           // kinds whose CRD is in the set
    std::set<std::string> namespaces;           // Namespace objects in the set
    std::set<std::string> missing_namespaces;   // neither there nor in the set
    std::set<ObjectRef> vanishing;              // Jobs that are removed after their end
    std::map<ObjectRef, Error> refused;         // no server would take them, so none is asked
  };

  // A kind that a CustomResourceDefinition of the set brings.
  struct CrdScope {
    bool is_namespaced = false;
    std::set<std::string> versions;
  };
  using CrdScopes = std::map<GroupKind, CrdScope>;

  // The type in `version` ("" for the preferred one). kNotFound (TypeNotServed) only when that is
  // certain; kUnavailable while the group cannot be asked.
  Result<ResourceType> TypeOf(const std::string& group, const std::string& version,
                              const std::string& kind, const Call& call);
  // The type a ref is read with: the declared version, else the preferred one.
  Result<ResourceType> TypeOf(const ObjectRef& ref, const Call& call);

  // After a 404 for the path of a whole type: asks discovery again. Objects of a type that is gone
  // are gone.
  Result<bool> IsTypeGone(const ResourceType& type, const Call& call);
  // A version of a type that is gone in its own; nullopt when there is none.
  Result<std::optional<ResourceType>> OtherVersionOf(const ResourceType& type, const Call& call);

  // prepare.cc
  static CrdScopes ScopesOf(const std::vector<Resource>& resources);
  // Sets the namespace; a blocker when the object cannot be placed.
  Result<std::optional<PlanBlocker>> Place(Resource& resource, const CrdScopes& crds,
                                           const Call& call);
  Status PrepareOne(const Resource& resource, const Ownership& owner, const CrdScopes& crds,
                    Prepared& prepared, const Call& call);
  Status CheckNamespaces(Prepared& prepared, const Call& call);
  Result<bool> NamespaceExists(const std::string& name, const Call& call);

  // adjust.cc
  std::vector<nlohmann::json> FormerOf(const PreparedObject& object,
                                       const std::vector<Resource>& former) const;
  Result<std::vector<nlohmann::json>> ForeignAutoscalers(const std::string& ns,
                                                         const LiveState& live, const Call& call);
  // What scales the replicas of the object, as far as they matter now.
  Result<std::optional<ObjectRef>> AutoscalerOf(const PreparedObject& object,
                                                const Prepared& prepared, const LiveState& live,
                                                const Call& call);
  Status AdjustOne(PreparedObject& object, Prepared& prepared, const LiveState& state,
                   const Surroundings& around, const Call& call);

  // observe.cc
  // What comes of an answer that is older than our own write (reason StaleRead): it is asked again
  // for a while, or it is an error at once. It is never live state.
  enum class Stale { kAskAgain, kFail };
  Result<std::optional<nlohmann::json>> ReadObject(const ResourceType& type, const ObjectRef& ref,
                                                   const Call& call,
                                                   Stale stale = Stale::kAskAgain);
  Result<std::optional<nlohmann::json>> ReadObjectOnce(const ResourceType& type,
                                                       const ObjectRef& ref, const Call& call);
  // Objects of one kind in one namespace that are read together, and what came of it.
  struct Reading {
    ResourceType type;
    std::string ns;
    std::vector<ObjectRef> refs;
    Status status;
    std::vector<std::pair<ObjectRef, nlohmann::json>> found;
    bool IsList() const;  // else there is one ref
  };
  Result<std::vector<Reading>> PlanReadings(const std::vector<ObjectRef>& refs, const Call& call);
  // How live is read: what a plan writes against is asked for itself.
  enum class Sharing { kNo, kYes };
  void ReadOne(Reading& reading, const ObjectRef& ref, Stale stale, const Call& call);
  // False where no list says it.
  bool ReadShared(Reading& reading, const ObjectRef& ref, const Call& call);
  void ReadByList(Reading& reading, Stale stale, const Call& call);
  Result<LiveState> ReadLive(const std::vector<ObjectRef>& refs, Stale stale, Sharing sharing,
                             const Call& call);
  // From a list that others share, where one is made; null: read for yourself.
  enum class Owners { kKeep, kDrop };  // managedFields: half of an object
  std::shared_ptr<const SharedReads::Items> AskShared(const ResourceType& type,
                                                      const std::string& ns, Owners owners,
                                                      const Call& call);
  // All pages; items carry apiVersion and kind.
  Result<std::vector<nlohmann::json>> ReadList(
      const ResourceType& type, const std::string& ns,
      std::vector<std::pair<std::string, std::string>> query, const std::string& accept,
      const Call& call);

  // predict.cc
  Result<Prediction> PredictOne(const PreparedObject& object,
                                const std::vector<PreparedObject>& objects, const LiveState& state,
                                Force force, const Call& call);
  Result<Prediction> PredictChange(const PreparedObject& object,
                                   const std::vector<PreparedObject>& objects,
                                   const LiveState& state, const nlohmann::json* live, Force force,
                                   const Call& call);
  Result<Prediction> PredictAccepted(const ResourceType& type, const PreparedObject& object,
                                     const nlohmann::json* live, const ApiAnswer& answer,
                                     const Call& call);
  Result<Prediction> PredictFailure(const Error& error, const PreparedObject& object,
                                    const std::vector<PreparedObject>& objects,
                                    const LiveState& state, const nlohmann::json* live,
                                    const Call& call);
  Result<Prediction> PredictConflict(const ResourceType& type, const PreparedObject& object,
                                     const nlohmann::json* live, const ApiAnswer& answer,
                                     const Call& call);
  // `live` is null where it is not there, or will not be when the object comes.
  static Prediction Unknowable(std::string why, const nlohmann::json* live,
                               const PreparedObject& object);
  bool ComesWithTheSet(const ObjectRef& ref, const LiveState& live) const;
  bool IsMissingWithTheSet(const std::string& words, const PreparedObject& object,
                           const std::vector<PreparedObject>& objects, const LiveState& live) const;

  // in_between.cc
  void AllowForTheSet(const std::vector<PreparedObject>& objects, const LiveState& live,
                      std::vector<Result<Prediction>>& results);

  // shares.cc
  // Fields that are declared no more, and that others own.
  static std::vector<CoOwned> KeptByOthers(const nlohmann::json& live,
                                           const PreparedObject& object);
  static Error KeptError(const ObjectRef& ref, const std::vector<CoOwned>& fields);
  Result<ApiAnswer> SendOwners(const ResourceType& type, const ObjectRef& ref,
                               const nlohmann::json& live, const nlohmann::json& owners,
                               const WriteCall& call);
  Result<bool> ChangeOwners(const ResourceType& type, const ObjectRef& ref,
                            const nlohmann::json& live, const nlohmann::json& owners, Applying& how,
                            const WriteCall& call);
  Result<bool> SettleOnce(const ResourceType& type, const PreparedObject& object, Applying& how,
                          const WriteCall& call);
  // The server compares with our last apply in the version of that; a field that is newer has no
  // place there. Our share moves to the declared version first.
  Status MoveShare(const ResourceType& type, const PreparedObject& object, Applying& how,
                   const WriteCall& call);
  Status SettleShares(const ResourceType& type, const PreparedObject& object, Applying& how,
                      const WriteCall& call);
  // The apply with all that has to be settled about owners before and after it.
  Result<ApiAnswer> ApplyAndRemove(const ResourceType& type, const PreparedObject& object,
                                   Applying& how, const WriteCall& call);
  // After a first apply: ends kubectl's share of the fields. Changes no value.
  void EndKubectlsShare(const ResourceType& type, const ObjectRef& ref, nlohmann::json& live,
                        const WriteCall& call);

  // unions.cc
  // As SendApply, but what a default alone refuses is sent again with that default gone.
  Result<ApiAnswer> SendPastDefaults(const ResourceType& type, const PreparedObject& object,
                                     Applying& how, const WriteCall& call);
  Result<ApiAnswer> DryRunPastDefaults(const ResourceType& type, const PreparedObject& object,
                                       Force force, const Call& call);

  // replace.cc
  // Whether the server would take the object under another name, as a new one.
  Result<ApiAnswer> DryRunAnew(const ResourceType& type, const PreparedObject& object,
                               const Call& call);
  // Completes a prediction of kImmutable: may the object be replaced, and if not, why.
  Status ConsiderReplacing(const ResourceType& type, const PreparedObject& object,
                           const std::vector<PreparedObject>& objects, const LiveState& state,
                           Prediction& prediction, const Call& call);
  WriteResult MakeRoomFor(const PreparedObject& object, const LiveObject& live, WriteMode mode,
                          const WriteCall& call);
  Status AwaitGone(const ResourceType& type, const ObjectRef& ref, const std::string& uid,
                   const Call& call);

  // apply.cc
  Result<ApiAnswer> SendDryRun(const ResourceType& type, const PreparedObject& object, Force force,
                               const Call& call);
  // As long as what is there is what was seen, also when its status moves meanwhile.
  Result<ApiAnswer> SendApply(const ResourceType& type, const PreparedObject& object, Applying& how,
                              const WriteCall& call);
  Status ExpectApplied(const ResourceType& type, const PreparedObject& object, const Applying& how,
                       const ApiAnswer& answer, const Call& call);
  // The answer's error, without values of Secrets.
  static Error ErrorOf(const ApiAnswer& answer, const ObjectRef& ref);
  Result<ApiAnswer> TryApply(const PreparedObject& object, Applying& how, const WriteCall& call);
  // How long a failed apply is worth another try.
  Duration PatienceWith(const Error& error, const ObjectRef& ref) const;
  WriteResult ApplyOne(const PreparedObject& object, const LiveState& live, WriteMode mode,
                       Force force, const WriteCall& call);
  // An object in its place is being deleted: waits until it is gone, within a bound.
  Status AwaitRoom(const ResourceType& type, const ObjectRef& ref, const Call& call);
  Status AwaitNamespace(const ObjectRef& ref, const Call& call);
  Status AwaitCrd(const PreparedObject& crd, const Call& call);

  // delete.cc
  WriteResult DeleteOne(const Deletion& deletion, WriteMode mode, const WriteCall& call);
  enum class Dependents { kLater, kFirst };  // when the garbage collector takes them
  // Why an object that moved on is not to be deleted any more; "" when it still is.
  using WhyNot = std::function<std::string(const nlohmann::json& now)>;
  // As long as it is what was seen; also when it moves meanwhile, unless `why_not` has a reason.
  // Gone, or on its way, is success.
  Status SendDelete(const ResourceType& type, const ObjectRef& ref, Seen seen,
                    const WhyNot& why_not, WriteMode mode, const WriteCall& call,
                    Dependents dependents = Dependents::kLater);
  Result<ApiAnswer> SendDeleteOnce(const ResourceType& type, const ObjectRef& ref, const Seen& seen,
                                   WriteMode mode, const WriteCall& call, Dependents dependents);

  // stuck_pods.cc
  Status ReplaceStuckPodsOf(const ObjectRef& ref, const WriteCall& call);

  // job.cc
  Result<TaskOutcome> AwaitJob(const ResourceType& type, const ObjectRef& ref, const Call& call);
  Status RemoveJob(const ResourceType& type, const ObjectRef& ref, const std::string& mark,
                   const WriteCall& call);
  std::string ExplainJob(const ObjectRef& ref, const nlohmann::json& job, const Call& call);

  // assess.cc
  struct Moment {  // what one look at several objects shares
    const LiveState& now;
    const LiveState& before;
    SystemTime came_up;  // when what runs among them came up last: it may report on the others
  };
  struct Look {
    HealthContext context;
    ObjectHealth health;
  };
  Result<Look> AssessOne(const ObjectRef& ref, const Moment& moment, Diagnose diagnose,
                         const Call& call);
  // Absent, and declared with a time to live after its end.
  ObjectHealth AssessGone(const ObjectRef& ref, const Call& call);
  // Asks who reports on objects like this one, and judges it again.
  Status JudgeSilence(const Moment& moment, Look& look, const Call& call);
  bool IsChangedMeanwhile(const ObjectRef& ref, const nlohmann::json& live,
                          const nlohmann::json& before) const;
  Result<nlohmann::json> ReadRelated(const std::string& group, const std::string& kind,
                                     const std::string& ns, const std::string& selector,
                                     const Call& call);
  Status ReadRelatedOf(const nlohmann::json& live, const ObjectRef& ref, Diagnose diagnose,
                       HealthContext& context, const Call& call);
  // Best effort: events are never the only evidence, and not everybody may read them.
  nlohmann::json ReadEvents(const std::vector<std::string>& uids, const std::string& ns,
                            const Call& call);
  // "" when the class is not there or may not be read.
  Result<std::string> BindingModeOf(const std::string& storage_class, const Call& call);
  // Whether objects like this one have reports here. Not being allowed to look is not knowing: no.
  Result<bool> IsReportedOn(const nlohmann::json& live, const ObjectRef& ref, const Call& call);
  Result<std::optional<std::set<std::string>>> ReportedClasses(const ResourceType& type,
                                                               const std::string& ns,
                                                               const Call& call);

  const std::shared_ptr<Connection> connection_;  // shared with the other drivers of this cluster
  Client& client_;
  const std::string ns_;
  const SteadyTime made_at_;
  Declared declared_;
  std::set<ObjectRef> co_owned_;  // others own fields of them that are declared no more (Predict)
  std::set<ObjectRef> awaited_;   // what refuses them now comes with the set (Predict)
  Guarded<std::map<ObjectRef, Written>> written_;  // what Apply was answered
  Duration max_age_{0};
};

}  // namespace sluice::targets::kubernetes
