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
                                           const targets::Since& since, Diagnose,
                                           const Call&) override {
    const bool is_glance = since.before == nullptr;
    if (auto error = cluster_.Enter(is_glance ? "look" : "assess")) return sluice::Fail(*error);
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
        const bool is_spent = script.times == 0 || (is_glance && script.times > 0);
        if (is_spent || !Contains(it->second.body, script.needle)) continue;
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

}  // namespace sluice::testing
