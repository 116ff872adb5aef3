#include "engine/sandbox/object_writer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/hash.h"
#include "engine/sandbox/decode.h"
#include "engine/sandbox/defaults.h"
#include "engine/sandbox/managed_fields.h"
#include "engine/sandbox/validation.h"
#include "engine/sandbox/webhooks.h"

namespace sluice::sandbox {
namespace {

std::string NewUid() {
  const std::string hex = RandomHex(16);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-a" +
         hex.substr(17, 3) + "-" + hex.substr(20, 12);
}

// Kinds whose metadata.generation the server counts.
bool CountsGeneration(const ResourceType& type) {
  static const std::set<std::string> kinds = {"Deployment",
                                              "ReplicaSet",
                                              "StatefulSet",
                                              "DaemonSet",
                                              "ReplicationController",
                                              "Job",
                                              "CronJob",
                                              "Pod",
                                              "Ingress",
                                              "IngressClass",
                                              "NetworkPolicy",
                                              "PodDisruptionBudget",
                                              "PriorityClass",
                                              "CustomResourceDefinition",
                                              "MutatingWebhookConfiguration",
                                              "ValidatingWebhookConfiguration",
                                              "ValidatingAdmissionPolicy",
                                              "ValidatingAdmissionPolicyBinding",
                                              "EndpointSlice"};
  return type.IsCustom() || kinds.count(type.kind) > 0;
}

// What a change of raises the generation: everything but metadata and status.
bool SameIntent(const Json& a, const Json& b) {
  Json left = a;
  Json right = b;
  for (Json* side : {&left, &right}) {
    side->erase("metadata");
    side->erase("status");
  }
  return left == right;
}

Json InitialStatus(const ResourceType& type) {
  if (type.kind == "Pod") return {{"phase", "Pending"}, {"qosClass", "BestEffort"}};
  if (type.kind == "Namespace") return {{"phase", "Active"}};
  if (type.kind == "PersistentVolumeClaim") return {{"phase", "Pending"}};
  if (type.kind == "Service" || type.kind == "Ingress") return {{"loadBalancer", Json::object()}};
  return Json::object();
}

void DropServerFields(Json& object) {
  for (const char* name :
       {"selfLink", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    Erase(object, {"metadata", name});
  }
}

bool HasFinalizers(const Json& object) {
  return !ArrayAt(object, {"metadata", "finalizers"}).empty() ||
         !ArrayAt(object, {"spec", "finalizers"}).empty();
}

// What is being deleted takes no further finalizers.
void CheckFinalizers(const Json& live, const Json& object, std::vector<Cause>& causes) {
  if (!IsTerminating(live)) return;
  const Json& before = ArrayAt(live, {"metadata", "finalizers"});
  std::string added;
  for (const Json& name : ArrayAt(object, {"metadata", "finalizers"})) {
    if (std::find(before.begin(), before.end(), name) == before.end())
      added += (added.empty() ? "" : ", ") + name.dump();
  }
  if (added.empty()) return;
  causes.push_back(
      ForbiddenValue("metadata.finalizers",
                     "no new finalizers can be added if the object is being deleted, found new "
                     "finalizers []string{" +
                         added + "}"));
}

Json TimelessCopy(const Json& object) {
  Json out = object;
  Erase(out, {"metadata", "resourceVersion"});
  if (Json* entries = Find(out, {"metadata", "managedFields"});
      entries != nullptr && entries->is_array()) {
    for (Json& entry : *entries) Erase(entry, {"time"});
  }
  return out;
}

std::string RandomSuffix() {
  static constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";
  const std::string hex = RandomHex(5);
  std::string out;
  for (size_t i = 0; i < 10; i += 2) {
    out += kAlphabet[static_cast<size_t>(std::stoi(hex.substr(i, 2), nullptr, 16)) % 27];
  }
  return out;
}

ApiStatus CheckPreconditions(const ResourceType& type, const Json& live, const std::string& uid,
                             const std::string& resource_version) {
  if (!uid.empty() && uid != UidOf(live)) {
    return Conflict(type, NameOf(live),
                    "Precondition failed: UID in precondition: " + uid +
                        ", UID in object meta: " + UidOf(live));
  }
  const std::string current = TextAt(live, {"metadata", "resourceVersion"});
  if (!resource_version.empty() && resource_version != current) {
    return Conflict(
        type, NameOf(live),
        "the object has been modified; please apply your changes to the latest version and "
        "try again");
  }
  return {};
}

ApiStatus CheckDeletePreconditions(const ResourceType& type, const Json& live,
                                   const DeleteOptions& options) {
  const std::string version = TextAt(live, {"metadata", "resourceVersion"});
  if (!options.uid.empty() && options.uid != UidOf(live)) {
    return Conflict(type, NameOf(live),
                    "the UID in the precondition (" + options.uid +
                        ") does not match the UID in record (" + UidOf(live) +
                        "). The object might have been deleted and then recreated");
  }
  if (!options.resource_version.empty() && options.resource_version != version) {
    return Conflict(type, NameOf(live),
                    "the ResourceVersion in the precondition (" + options.resource_version +
                        ") does not match the ResourceVersion in record (" + version +
                        "). The object might have been modified");
  }
  return {};
}

}  // namespace

bool SameContent(const Json& a, const Json& b) { return TimelessCopy(a) == TimelessCopy(b); }

ApiStatus ObjectWriter::CheckNamespace(const ResourceType& type, const std::string& ns,
                                       const std::string& name) const {
  if (!type.namespaced) return {};
  const ObjectPtr owner = store_.Get("namespaces", "", ns);
  if (owner == nullptr) return NotFound(*types_.FindKind("", "Namespace"), ns);
  if (!IsTerminating(*owner)) return {};
  return Forbidden(
      type, name,
      "unable to create new content in namespace " + ns + " because it is being terminated",
      {{"NamespaceTerminating", "namespace " + ns + " is being terminated", "metadata.namespace"}});
}

ApiResult<ObjectPtr> ObjectWriter::Create(const ResourceType& type, Json object,
                                          const WriteOptions& options) {
  Erase(object, {"metadata", "managedFields"});
  if (!TextAt(object, {"metadata", "resourceVersion"}).empty()) {
    return BadRequest("resourceVersion should not be set on objects to be created");
  }
  return FinishCreate(type, std::move(object), options, true);
}

ApiResult<ObjectPtr> ObjectWriter::FinishCreate(const ResourceType& type, Json object,
                                                const WriteOptions& options, bool record) {
  Json& meta = Ensure(object, {"metadata"});
  const std::string prefix = TextAt(meta, {"generateName"});
  if (TextAt(meta, {"name"}).empty() && !prefix.empty()) meta["name"] = prefix + RandomSuffix();
  const std::string name = TextAt(meta, {"name"});
  const std::string ns = type.namespaced ? NamespaceOf(object) : "";
  if (!type.namespaced) meta.erase("namespace");
  SANDBOX_CHECK(CheckNamespace(type, ns, name));

  DropServerFields(object);
  meta.erase("resourceVersion");
  meta["uid"] = NewUid();
  meta["creationTimestamp"] = NowText();
  if (CountsGeneration(type)) meta["generation"] = 1;
  if (type.has_status) object.erase("status");
  if (type.has_status && !type.IsCustom()) object["status"] = InitialStatus(type);
  if (type.kind == "Namespace" && type.group.empty()) {
    Ensure(object, {"spec"})["finalizers"] = Json::array({"kubernetes"});
  }
  if (type.kind == "PersistentVolumeClaim" && type.group.empty()) {
    meta["finalizers"].push_back("kubernetes.io/pvc-protection");
  }
  object["apiVersion"] = type.ApiVersion();
  object["kind"] = type.kind;
  ApplyDefaults(type, object);
  if (type.kind == "Service" && type.group.empty())
    addresses_.Allocate(object, nullptr, options.dry_run);
  SANDBOX_CHECK(AskWebhooks(store_, type, object, "CREATE", options.subresource));
  std::vector<Cause> causes = Validate(type, object, Json(nullptr));
  if (!causes.empty()) return Invalid(type, name, std::move(causes));
  if (store_.Get(type.StorageKey(), ns, name) != nullptr) return AlreadyExists(type, name);
  if (type.kind == "Pod" && type.group.empty()) SANDBOX_CHECK(AdmitPod(type, object));
  if (record) {
    RecordUpdate(*type.schema, type, Json(nullptr), object,
                 {options.manager, type.ApiVersion(), options.subresource});
  }
  if (options.dry_run) return std::make_shared<const Json>(std::move(object));
  return store_.Put(type.StorageKey(), std::move(object));
}

ApiStatus ObjectWriter::AdmitPod(const ResourceType& type, const Json& pod) const {
  const std::string ns = NamespaceOf(pod);
  const std::string account = TextAt(pod, {"spec", "serviceAccountName"});
  // A fresh namespace's own account is a moment late; that is no reason to refuse.
  if (account != "default" && store_.Get("serviceaccounts", ns, account) == nullptr) {
    return Forbidden(type, NameOf(pod),
                     "error looking up service account " + ns + "/" + account +
                         ": serviceaccount \"" + account + "\" not found");
  }
  const std::string used = std::to_string(store_.List("pods", ns).size());
  for (const ObjectPtr& quota : store_.List("resourcequotas", ns)) {
    for (const char* resource : {"pods", "count/pods"}) {
      const std::string limit = TextAt(*quota, {"spec", "hard", resource});
      if (limit.empty() ||
          std::strtoll(used.c_str(), nullptr, 10) < std::strtoll(limit.c_str(), nullptr, 10))
        continue;
      const std::string name = resource;
      return Forbidden(type, NameOf(pod),
                       "exceeded quota: " + NameOf(*quota) + ", requested: " + name +
                           "=1, used: " + name + "=" + used + ", limited: " + name + "=" + limit);
    }
  }
  return {};
}

ApiResult<ObjectPtr> ObjectWriter::Update(const ResourceType& type, Json object,
                                          const WriteOptions& options) {
  const std::string ns = type.namespaced ? NamespaceOf(object) : "";
  const ObjectPtr live = store_.Get(type.StorageKey(), ns, NameOf(object));
  if (live == nullptr) return NotFound(type, NameOf(object));
  SANDBOX_CHECK(CheckPreconditions(type, *live, UidOf(object),
                                   TextAt(object, {"metadata", "resourceVersion"})));
  return FinishUpdate(type, live, std::move(object), options, true);
}

ApiResult<ObjectPtr> ObjectWriter::FinishUpdate(const ResourceType& type, const ObjectPtr& live,
                                                Json object, const WriteOptions& options,
                                                bool record) {
  const Json& old_meta = live->at("metadata");
  if (options.subresource == "status") {
    // Only the status and ownership; the rest of the object stays as it is. Built-in kinds also
    // take annotations here: that is how the Deployment controller writes its revision.
    Json with_status = *live;
    const Json* annotations = Find(object, {"metadata", "annotations"});
    if (annotations != nullptr && !type.IsCustom())
      with_status["metadata"]["annotations"] = *annotations;
    if (const Json* status = Find(object, {"status"})) {
      with_status["status"] = *status;
    } else {
      with_status.erase("status");
    }
    if (const Json* entries = Find(object, {"metadata", "managedFields"})) {
      with_status["metadata"]["managedFields"] = *entries;
    }
    object = std::move(with_status);
  } else if (type.has_status) {
    object.erase("status");
    if (const Json* status = Find(*live, {"status"})) object["status"] = *status;
  }
  Json& meta = Ensure(object, {"metadata"});
  for (const char* name :
       {"uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
        "resourceVersion", "name", "namespace", "generateName", "selfLink"}) {
    meta.erase(name);
    if (old_meta.contains(name)) meta[name] = old_meta[name];
  }
  object["apiVersion"] = type.ApiVersion();
  object["kind"] = type.kind;
  if (type.kind == "Namespace" && type.group.empty() && options.subresource.empty()) {
    if (const Json* spec = Find(*live, {"spec"})) object["spec"] = *spec;
  }
  ApplyDefaults(type, object);
  if (type.kind == "Service" && type.group.empty())
    addresses_.Allocate(object, &*live, options.dry_run);
  SANDBOX_CHECK(AskWebhooks(store_, type, object, "UPDATE", options.subresource));
  std::vector<Cause> causes = Validate(type, object, *live);
  CheckFinalizers(*live, object, causes);
  if (!causes.empty()) return Invalid(type, NameOf(object), std::move(causes));
  const bool intent_changed = options.subresource != "status" && !SameIntent(*live, object);
  if (intent_changed && CountsGeneration(type)) {
    object["metadata"]["generation"] = IntAt(*live, {"metadata", "generation"}) + 1;
  }
  if (record) {
    RecordUpdate(*type.schema, type, *live, object,
                 {options.manager, type.ApiVersion(), options.subresource});
  }
  if (SameContent(*live, object)) return live;
  const bool done = IsTerminating(object) && !HasFinalizers(object) && type.kind != "Pod";
  if (options.dry_run) return std::make_shared<const Json>(std::move(object));
  ObjectPtr stored = store_.Put(type.StorageKey(), std::move(object));
  if (done) Remove(type, *stored);
  return stored;
}

ApiResult<Written> ObjectWriter::Apply(const ResourceType& type, Json config,
                                       const WriteOptions& options) {
  const std::string ns = type.namespaced ? NamespaceOf(config) : "";
  const std::string name = NameOf(config);
  const ObjectPtr live = store_.Get(type.StorageKey(), ns, name);
  const std::string uid = UidOf(config);
  if (live == nullptr) {
    if (!uid.empty()) {
      return Conflict(type, name,
                      "uid mismatch: the provided object specified uid " + uid +
                          ", and no existing object was found");
    }
    if (options.subresource == "status") return NotFound(type, name);
    SANDBOX_CHECK(CheckNamespace(type, ns, name));
  } else {
    SANDBOX_CHECK(
        CheckPreconditions(type, *live, "", TextAt(config, {"metadata", "resourceVersion"})));
    // Here the uid is a field like others, which validation does not let change.
    if (!uid.empty() && uid != UidOf(*live)) {
      return Invalid(type, name, {InvalidValue("metadata.uid", Json(uid), "field is immutable")});
    }
  }
  Erase(config, {"metadata", "resourceVersion"});
  Erase(config, {"metadata", "uid"});
  const FieldManager manager{options.manager, type.ApiVersion(), options.subresource};
  SANDBOX_TRY(ApplyOutcome outcome,
              ApplyConfiguration(*type.schema, type, live == nullptr ? Json(nullptr) : *live,
                                 config, manager, options.force));
  if (!outcome.changed) return Written{live, false};
  std::vector<std::string> unknown;
  if (const ApiStatus decoded = Decode(type, outcome.object, unknown); !decoded) {
    // A value that only the kind's own decoder refuses surfaces as a 500, like a schema failure.
    return Internal("failed to convert new object (" + ns + "/" + name + "; " + type.group + "/" +
                    type.version + ", Kind=" + type.kind +
                    ") to proper version: " + decoded.error().message);
  }
  if (live == nullptr) {
    SANDBOX_TRY(ObjectPtr created, FinishCreate(type, std::move(outcome.object), options, false));
    return Written{created, true};
  }
  SANDBOX_TRY(ObjectPtr updated,
              FinishUpdate(type, live, std::move(outcome.object), options, false));
  return Written{updated, false};
}

ApiResult<ObjectPtr> ObjectWriter::Delete(const ResourceType& type, const std::string& ns,
                                          const std::string& name, const DeleteOptions& options) {
  const ObjectPtr live = store_.Get(type.StorageKey(), ns, name);
  if (live == nullptr) return NotFound(type, name);
  SANDBOX_CHECK(CheckDeletePreconditions(type, *live, options));
  SANDBOX_CHECK(AskWebhooks(store_, type, *live, "DELETE"));
  static const std::set<std::string> kept = {"default", "kube-system", "kube-public"};
  if (type.kind == "Namespace" && type.group.empty() && kept.count(name) > 0) {
    return Forbidden(type, name, "this namespace may not be deleted");
  }
  Json object = *live;
  Json& meta = object["metadata"];
  int64_t grace = 0;
  if (type.kind == "Pod" && type.group.empty()) {
    grace = options.grace_seconds.value_or(
        IntAt(object, {"spec", "terminationGracePeriodSeconds"}, 30));
  }
  const bool foreground = options.propagation == "Foreground";
  const bool orphan = options.propagation == "Orphan";
  const bool was_terminating = IsTerminating(object);
  if (!was_terminating && (foreground || orphan)) {
    meta["finalizers"].push_back(foreground ? "foregroundDeletion" : "orphan");
  }
  if (!HasFinalizers(object) && grace == 0) {
    if (!options.dry_run) store_.Remove(type.StorageKey(), ns, name);
    return ObjectPtr();
  }
  if (was_terminating) return live;
  meta["deletionTimestamp"] = NowText();
  meta["deletionGracePeriodSeconds"] = grace;
  if (CountsGeneration(type)) meta["generation"] = IntAt(meta, {"generation"}) + 1;
  if (type.kind == "Namespace" && type.group.empty())
    Ensure(object, {"status"})["phase"] = "Terminating";
  if (options.dry_run) return std::make_shared<const Json>(std::move(object));
  return store_.Put(type.StorageKey(), std::move(object));
}

void ObjectWriter::Remove(const ResourceType& type, const Json& object) {
  store_.Remove(type.StorageKey(), NamespaceOf(object), NameOf(object));
}

}  // namespace sluice::sandbox
