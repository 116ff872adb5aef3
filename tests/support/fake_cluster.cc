// What tests script and ask of a cluster in memory; the driver before it is in fake_target.cc.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/fake_target.h"

namespace sluice::testing {

using targets::Prediction;

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
