#include "tests/support/fake_target.h"

#include <algorithm>
#include <set>

namespace sluice::testing {

using targets::Deletion;
using targets::Force;
using targets::LiveState;
using targets::Ownership;
using targets::Prediction;
using targets::Prepared;
using targets::PreparedObject;
using targets::WriteCall;
using targets::WriteMode;
using targets::WriteResult;

namespace {

constexpr const char* kUnitLabel = "sluice.dev/unit";

int StageOfKind(const std::string& kind) {
  if (kind == "Namespace" || kind == "CustomResourceDefinition") return 0;
  if (kind == "ConfigMap" || kind == "Secret") return 1;
  return 2;
}

bool Contains(const nlohmann::json& body, const std::string& needle) {
  return body.dump().find(needle) != std::string::npos;
}

}  // namespace

class FakeDriver final : public targets::TargetDriver {
 public:
  explicit FakeDriver(FakeCluster& cluster) : cluster_(cluster) {}

  Result<Prepared> Prepare(const std::vector<Resource>& resources, const Ownership& owner,
                           const Call&) override {
    if (auto error = cluster_.Enter("prepare")) return sluice::Fail(*error);
    Prepared prepared;
    std::vector<PlanBlocker> unserved;
    for (const Resource& resource : resources) {
      if (cluster_.unserved_.contains(resource.ref.kind)) {
        unserved.push_back({"UnknownKind", ToString(resource.ref) + ": no such kind is served"});
        continue;
      }
      PreparedObject object{resource, StageOfKind(resource.ref.kind), false};
      nlohmann::json& metadata = object.resource.body["metadata"];
      if (object.stage > 0 && !object.resource.ref.kind.starts_with("Cluster")) {
        object.resource.ref.ns = metadata.value("namespace", "shop");
        metadata["namespace"] = object.resource.ref.ns;
      }
      metadata["labels"][kUnitLabel] = owner.Mark();
      if (resource.ref.kind == "Job") object.work = object.resource.body["spec"].dump();
      prepared.objects.push_back(std::move(object));
    }
    std::ranges::stable_sort(prepared.objects, {}, &PreparedObject::stage);
    const std::lock_guard lock(cluster_.mutex_);
    prepared.blockers = cluster_.blockers_;
    prepared.blockers.insert(prepared.blockers.end(), unserved.begin(), unserved.end());
    return prepared;
  }

  Result<LiveState> Observe(const std::vector<ObjectRef>& refs, const Call&) override {
    if (auto error = cluster_.Enter("observe")) return sluice::Fail(*error);
    const std::lock_guard lock(cluster_.mutex_);
    LiveState live;
    for (const ObjectRef& ref : refs) {
      const auto it = cluster_.objects_.find(ref);
      if (it == cluster_.objects_.end()) continue;
      const auto& object = it->second;
      targets::LiveObject& seen = live.objects[ref];
      seen.api_version = object.api_version;
      seen.body = object.body;
      seen.uid = object.uid;
      seen.resource_version = std::to_string(object.version);
      seen.mark = MarkOf(object);
      seen.is_applied_by_us = object.is_applied_by_us;
      seen.is_deleting = object.is_deleting;
      seen.protected_by = object.protected_by;
      if (object.is_deleting) seen.held_by = object.held_by;
      for (const auto& webhook : object.body.value("webhooks", nlohmann::json::array()))
        seen.intercepts.push_back(webhook.value("name", ""));
      if (ref.kind == "Namespace") seen.takes_namespace = ref.name;
    }
    return live;
  }

  Result<std::vector<ObjectRef>> FindMarked(const Ownership& owner, const std::vector<ObjectRef>&,
                                            const Call&) override {
    if (auto error = cluster_.Enter("find")) return sluice::Fail(*error);
    const std::lock_guard lock(cluster_.mutex_);
    std::vector<ObjectRef> found;
    for (const auto& [ref, object] : cluster_.objects_) {
      if (MarkOf(object) == owner.Mark()) found.push_back(ref);
    }
    return found;
  }

  Result<std::vector<Prediction>> Predict(const std::vector<PreparedObject>& objects,
                                          const LiveState&, Force force, const Call&) override {
    if (auto error = cluster_.Enter("predict")) return sluice::Fail(*error);
    const std::lock_guard lock(cluster_.mutex_);
    std::vector<Prediction> predictions;
    for (const PreparedObject& object : objects) predictions.push_back(PredictOne(object, force));
    return predictions;
  }

  std::vector<WriteResult> MakeRoom(const std::vector<PreparedObject>& objects,
                                    const LiveState& live, WriteMode mode,
                                    const WriteCall& call) override {
    std::vector<WriteResult> results(objects.size());
    for (size_t i = 0; i < objects.size(); ++i) {
      const ObjectRef& ref = objects[i].resource.ref;
      const std::string operation = mode == WriteMode::kDryRun ? "room-dry-run" : "room";
      results[i].status = MayWrite(mode, call);
      if (!results[i].status) continue;
      if (auto error = cluster_.Enter(operation, ToString(ref))) {
        results[i].status = sluice::Fail(*error);
        continue;
      }
      const std::lock_guard lock(cluster_.mutex_);
      const auto it = cluster_.objects_.find(ref);
      const bool is_known = it != cluster_.objects_.end() && live.objects.contains(ref) &&
                            live.objects.at(ref).uid == it->second.uid;
      if (mode == WriteMode::kApply && is_known) cluster_.objects_.erase(it);
    }
    return results;
  }

  std::vector<WriteResult> Apply(const std::vector<PreparedObject>& objects, const LiveState& live,
                                 WriteMode mode, Force force, const WriteCall& call) override {
    std::vector<WriteResult> results;
    for (const PreparedObject& object : objects) {
      WriteResult result;
      result.status = MayWrite(mode, call);
      if (result.status) result = ApplyOne(object, live, mode, force);
      results.push_back(std::move(result));
    }
    return results;
  }

  Status AwaitStage(const std::vector<PreparedObject>&, const Call&) override {
    if (auto error = cluster_.Enter("await")) return sluice::Fail(*error);
    return {};
  }

  std::vector<WriteResult> Delete(const std::vector<Deletion>& deletions, WriteMode mode,
                                  const WriteCall& call) override {
    std::vector<WriteResult> results;
    for (const Deletion& deletion : deletions) {
      WriteResult result;
      const std::string operation = mode == WriteMode::kDryRun ? "delete-dry-run" : "delete";
      if (auto may = MayWrite(mode, call); !may) {
        result.status = may;
      } else if (auto error = cluster_.Enter(operation, ToString(deletion.ref))) {
        result.status = sluice::Fail(*error);
      } else {
        const std::lock_guard lock(cluster_.mutex_);
        const auto it = cluster_.objects_.find(deletion.ref);
        if (it != cluster_.objects_.end() && it->second.uid != deletion.uid) {
          result.status = Changed();
        } else if (it != cluster_.objects_.end() && mode == WriteMode::kApply) {
          it->second.is_deleting = true;
          if (it->second.held_by.empty()) cluster_.objects_.erase(it);
        }
      }
      results.push_back(std::move(result));
    }
    return results;
  }

  Result<std::vector<ObjectHealth>> Assess(const std::vector<ObjectRef>& refs,
                                           const targets::Since&, Diagnose diagnose,
                                           const Call&) override {
    if (auto error = cluster_.Enter(diagnose == Diagnose::kYes ? "assess" : "look"))
      return sluice::Fail(*error);
    const std::lock_guard lock(cluster_.mutex_);
    std::vector<ObjectHealth> out;
    for (const ObjectRef& ref : refs) {
      const auto it = cluster_.objects_.find(ref);
      if (it == cluster_.objects_.end()) {
        out.push_back({ref, Health::kMissing, "Missing", "", false});
        continue;
      }
      ObjectHealth health{ref, Health::kHealthy, "", "", false};
      for (auto& script : cluster_.health_) {
        if (script.times == 0 || !Contains(it->second.body, script.needle)) continue;
        if (script.times > 0) --script.times;
        health = script.health;
        health.ref = ref;
        break;
      }
      health.is_done = ref.kind == "Job" && health.health == Health::kHealthy;
      out.push_back(std::move(health));
    }
    return out;
  }

  Status Unstick(const std::vector<ObjectRef>&, const WriteCall&) override {
    if (auto error = cluster_.Enter("replace")) return sluice::Fail(*error);
    return {};
  }

  Result<targets::TaskOutcome> RunTask(const nlohmann::json&, const Ownership&, const std::string&,
                                       const WriteCall& call) override {
    if (auto may = MayWrite(WriteMode::kApply, call); !may) return sluice::Fail(may.error());
    if (auto error = cluster_.Enter("job")) return sluice::Fail(*error);
    const std::lock_guard lock(cluster_.mutex_);
    return cluster_.job_;
  }

 private:
  static std::string MarkIn(const nlohmann::json& body) {
    const nlohmann::json::json_pointer path("/metadata/labels/sluice.dev~1unit");
    return body.contains(path) ? body.at(path).get<std::string>() : "";
  }
  static std::string MarkOf(const FakeCluster::Object& object) { return MarkIn(object.body); }

  // With the cluster's lock held.
  Prediction PredictOne(const PreparedObject& object, Force force) {
    Prediction prediction;
    prediction.after = object.resource.body;
    const auto it = cluster_.objects_.find(object.resource.ref);
    if (it != cluster_.objects_.end()) prediction.before = it->second.body;
    for (const auto& [needle, blocker] : cluster_.blocked_) {
      if (it != cluster_.objects_.end() || !Contains(object.resource.body, needle)) continue;
      prediction.kind = Prediction::Kind::kUnknowable;
      prediction.blocked_by = blocker.reason;
      prediction.message = blocker.message;
      return prediction;
    }
    for (const auto& script : cluster_.predictions_) {
      if (!Contains(object.resource.body, script.needle)) continue;
      prediction.kind = script.kind;
      prediction.message = script.message;
      return prediction;
    }
    if (it == cluster_.objects_.end()) {
      prediction.kind = Prediction::Kind::kCreate;
    } else if (it->second.body == object.resource.body) {
      prediction.kind = Prediction::Kind::kSame;
    } else if (!it->second.other_manager.empty() && force == Force::kNo) {
      prediction.kind = Prediction::Kind::kConflict;
      prediction.conflicts = {{".spec", it->second.other_manager}};
    } else {
      prediction.kind = Prediction::Kind::kUpdate;
    }
    if (prediction.kind != Prediction::Kind::kUpdate) return prediction;
    for (const auto& [needle, what] : cluster_.takes_away_) {
      if (Contains(object.resource.body, needle)) prediction.takes_away = what;
    }
    for (const auto& [text, may_be_replaced] : cluster_.immutable_) {
      const nlohmann::json::json_pointer pointer(text);
      if (it->second.body.value(pointer, nlohmann::json()) ==
          object.resource.body.value(pointer, nlohmann::json()))
        continue;
      prediction.kind = Prediction::Kind::kImmutable;
      prediction.message = text + ": field is immutable";
      prediction.may_be_replaced = may_be_replaced;
    }
    return prediction;
  }

  static Status MayWrite(WriteMode mode, const WriteCall& call) {
    if (mode == WriteMode::kDryRun) return {};
    const auto may = call.may_write();
    return may ? Status{} : sluice::Fail(may.error());
  }

  static Status Changed() {
    return sluice::Fail(ErrorCode::kUnavailable, "ChangedMeanwhile", "it is another object now");
  }

  // With the cluster's lock held.
  bool IsAsSeen(const PreparedObject& object, const LiveState& live) const {
    const auto now = cluster_.objects_.find(object.resource.ref);
    const auto seen = live.objects.find(object.resource.ref);
    if (now == cluster_.objects_.end()) return seen == live.objects.end();
    if (seen != live.objects.end()) return seen->second.uid == now->second.uid;
    // Made meanwhile: by us, or by somebody else.
    return MarkOf(now->second) == MarkIn(object.resource.body);
  }

  WriteResult ApplyOne(const PreparedObject& object, const LiveState& live, WriteMode mode,
                       Force force) {
    WriteResult result;
    const std::string operation = mode == WriteMode::kDryRun ? "dry-run" : "apply";
    if (auto error = cluster_.Enter(operation, ToString(object.resource.ref))) {
      result.status = sluice::Fail(*error);
      return result;
    }
    const std::lock_guard lock(cluster_.mutex_);
    const Prediction prediction = PredictOne(object, object.takes_over ? Force::kYes : force);
    if (prediction.kind == Prediction::Kind::kConflict) {
      result.status =
          sluice::Fail(ErrorCode::kConflict, "FieldConflict", "another manager owns .spec");
      return result;
    }
    if (prediction.kind == Prediction::Kind::kImmutable) {
      result.status = sluice::Fail(ErrorCode::kRejected, "ImmutableField", prediction.message);
      return result;
    }
    if (mode == WriteMode::kDryRun) return result;
    if (!IsAsSeen(object, live)) return {.status = Changed()};
    auto& stored = cluster_.objects_[object.resource.ref];
    result.is_created = stored.uid.empty();
    result.is_changed = stored.body != object.resource.body;
    if (result.is_created) stored.uid = "uid-" + std::to_string(cluster_.next_++);
    stored.version = cluster_.next_++;
    stored.api_version = object.resource.api_version;
    stored.body = object.resource.body;
    stored.is_applied_by_us = true;
    stored.other_manager.clear();
    result.uid = stored.uid;
    result.resource_version = std::to_string(stored.version);
    return result;
  }

  FakeCluster& cluster_;
};

std::unique_ptr<targets::TargetDriver> FakeCluster::MakeDriver() {
  return std::make_unique<FakeDriver>(*this);
}

std::optional<Error> FakeCluster::Use(std::map<std::string, Fault>& faults,
                                      const std::string& key) {
  const auto it = faults.find(key);
  if (it == faults.end() || it->second.times == 0) return std::nullopt;
  if (it->second.times > 0) --it->second.times;
  return it->second.error;
}

std::optional<Error> FakeCluster::Enter(const Operation& operation, const std::string& about) {
  const std::string line = about.empty() ? operation : operation + " " + about;
  std::function<void(const std::string&)> callback;
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(line);
    callback = on_call_;
  }
  if (callback) callback(line);
  const std::lock_guard lock(mutex_);
  if (auto error = Use(faults_, operation)) return error;
  return about.empty() ? std::nullopt : Use(faults_, line);
}

std::vector<std::string> FakeCluster::Calls(const std::string& prefix) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  std::ranges::copy_if(calls_, std::back_inserter(out),
                       [&](const std::string& call) { return call.starts_with(prefix); });
  return out;
}

std::vector<std::string> FakeCluster::Writes() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  std::ranges::copy_if(calls_, std::back_inserter(out), [](const std::string& call) {
    return call.starts_with("apply ") || call.starts_with("delete ") || call.starts_with("room ");
  });
  return out;
}

void FakeCluster::ForgetCalls() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

void FakeCluster::OnCall(std::function<void(const std::string&)> callback) {
  const std::lock_guard lock(mutex_);
  on_call_ = std::move(callback);
}

void FakeCluster::Fail(const Operation& operation, Error error, int times) {
  const std::lock_guard lock(mutex_);
  faults_.insert_or_assign(operation, Fault{std::move(error), times});
}

void FakeCluster::FailObject(const Operation& operation, const std::string& name, Error error,
                             int times) {
  Fail(operation + " " + name, std::move(error), times);
}

void FakeCluster::Mend() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  health_.clear();
  predictions_.clear();
  takes_away_.clear();
  blocked_.clear();
  unserved_.clear();
  blockers_.clear();
}

void FakeCluster::SetHealth(const std::string& needle, Health health, const std::string& reason,
                            bool is_terminal, int times) {
  const std::lock_guard lock(mutex_);
  health_.push_back({needle, {{}, health, reason, "", is_terminal}, times});
}

void FakeCluster::SetPrediction(const std::string& needle, Prediction::Kind kind,
                                const std::string& message) {
  const std::lock_guard lock(mutex_);
  predictions_.push_back({needle, kind, message});
}

void FakeCluster::SetImmutable(const std::string& pointer, bool may_be_replaced) {
  const std::lock_guard lock(mutex_);
  immutable_.insert_or_assign(pointer, may_be_replaced);
}

void FakeCluster::SetBlocked(const std::string& needle, const std::string& reason,
                             const std::string& message) {
  const std::lock_guard lock(mutex_);
  blocked_.insert_or_assign(needle, PlanBlocker{reason, message});
}

void FakeCluster::Unserve(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  unserved_.insert(kind);
}

void FakeCluster::SetTakesAway(const std::string& needle, const std::string& what) {
  const std::lock_guard lock(mutex_);
  takes_away_.insert_or_assign(needle, what);
}

void FakeCluster::SetBlockers(std::vector<PlanBlocker> blockers) {
  const std::lock_guard lock(mutex_);
  blockers_ = std::move(blockers);
}

void FakeCluster::SetTaskOutcome(targets::TaskOutcome outcome) {
  const std::lock_guard lock(mutex_);
  job_ = std::move(outcome);
}

void FakeCluster::Put(const ObjectRef& ref, const std::string& api_version, nlohmann::json body) {
  const std::lock_guard lock(mutex_);
  Object object;
  object.api_version = api_version;
  object.body = std::move(body);
  object.uid = "uid-" + std::to_string(next_++);
  object.version = next_++;
  object.other_manager = "kubectl";
  objects_[ref] = std::move(object);
}

void FakeCluster::Edit(const ObjectRef& ref, const std::string& manager, const std::string& pointer,
                       nlohmann::json value) {
  const std::lock_guard lock(mutex_);
  Object& object = objects_.at(ref);
  object.body[nlohmann::json::json_pointer(pointer)] = std::move(value);
  object.other_manager = manager;
  object.version = next_++;
}

void FakeCluster::PutBack(const ObjectRef& ref, const Object& object) {
  const std::lock_guard lock(mutex_);
  objects_[ref] = object;
}

void FakeCluster::Erase(const ObjectRef& ref) {
  const std::lock_guard lock(mutex_);
  objects_.erase(ref);
}

void FakeCluster::Protect(const ObjectRef& ref, const std::string& why) {
  const std::lock_guard lock(mutex_);
  objects_.at(ref).protected_by = why;
}

void FakeCluster::Hold(const ObjectRef& ref, const std::string& by) {
  const std::lock_guard lock(mutex_);
  objects_.at(ref).held_by = by;
}

void FakeCluster::LetGo(const ObjectRef& ref) {
  const std::lock_guard lock(mutex_);
  objects_.at(ref).held_by.clear();
  if (objects_.at(ref).is_deleting) objects_.erase(ref);
}

void FakeCluster::Recreate(const ObjectRef& ref) {
  const std::lock_guard lock(mutex_);
  Object& object = objects_.at(ref);
  object.uid = "uid-" + std::to_string(next_++);
  object.is_deleting = false;
  object.held_by.clear();
}

void FakeCluster::Alias(const ObjectRef& ref, const ObjectRef& other) {
  const std::lock_guard lock(mutex_);
  objects_[other] = objects_.at(ref);
}

std::optional<FakeCluster::Object> FakeCluster::Find(const ObjectRef& ref) const {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(ref);
  return it == objects_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<std::string> FakeCluster::Names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [ref, object] : objects_) names.push_back(ToString(ref));
  return names;
}

}  // namespace sluice::testing
