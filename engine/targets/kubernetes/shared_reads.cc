#include "engine/targets/kubernetes/shared_reads.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/base/log.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr size_t kManyAsk = 12;         // in a second
constexpr size_t kItemsPerReading = 8;  // of a list cost as much as one reading
constexpr Duration kBetweenLists = 500ms;
constexpr Duration kAskAgain = 5min;  // whether it may be listed now

std::shared_ptr<const SharedReads::Items> ByName(std::vector<nlohmann::json> listed) {
  auto items = std::make_shared<SharedReads::Items>();
  for (nlohmann::json& item : listed) {
    items->insert_or_assign(ToText(At(item, "metadata", "name")), SharedItem(item));
    item = nullptr;
  }
  return items;
}

}  // namespace

SharedItem::SharedItem(const nlohmann::json& object) : packed_(nlohmann::json::to_cbor(object)) {
  packed_.shrink_to_fit();
  const nlohmann::json& labels = At(object, "metadata", "labels");
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) labels_.emplace(key, ToText(value));
}

nlohmann::json SharedItem::Unpack() const { return nlohmann::json::from_cbor(packed_); }

bool SharedItem::HasLabel(const std::string& key, const std::string& value) const {
  const auto it = labels_.find(key);
  return it != labels_.end() && it->second == value;
}

void SharedReads::Count(Collection& collection, SteadyTime now) const {
  const auto passed = now - collection.second;
  if (passed >= 1s) {
    collection.asked_before = passed < 2s ? collection.asked : 0;
    collection.asked = 0;
    collection.second = now;
  }
  ++collection.asked;
}

bool SharedReads::IsWorthAList(const Collection& collection, SteadyTime now) const {
  const size_t asked = std::max(collection.asked, collection.asked_before);
  return now >= collection.not_before && asked >= kManyAsk &&
         asked * kItemsPerReading >= collection.size;
}

// Null when it failed, whatever it failed of: others wait for the end.
std::shared_ptr<const SharedReads::Items> SharedReads::Made(const List& list, bool& may_not) {
  try {
    auto listed = list();
    if (listed) return ByName(*std::move(listed));
    may_not = listed.error().code() == ErrorCode::kPermissionDenied;
  } catch (const std::exception& error) {
    log::Warn("shared_list_failed",
              {{"error", error.what()}, {"remedy", "each object is read by itself instead"}});
  }
  return nullptr;
}

// Lists for all who have come until it begins. The lock is held at the begin and at the end.
std::shared_ptr<const SharedReads::Items> SharedReads::Lead(std::unique_lock<std::mutex>& lock,
                                                            Collection& collection,
                                                            Duration max_age, const Call& call,
                                                            const List& list) {
  collection.is_listing = true;
  const auto early = collection.began + kBetweenLists - clock_.SteadyNow();
  lock.unlock();
  if (early > 0ms) clock_.Sleep(std::chrono::duration_cast<Duration>(early), call.stop);
  lock.lock();
  const auto batch = std::exchange(collection.next, nullptr);
  batch->began = collection.began = clock_.SteadyNow();
  lock.unlock();
  bool may_not = false;
  auto items = Made(list, may_not);
  lock.lock();
  if (items) collection.size = items->size();
  if (may_not) collection.not_before = clock_.SteadyNow() + kAskAgain;
  batch->items = items;
  batch->is_done = true;
  collection.newest = max_age > Duration(0) ? batch : nullptr;
  collection.is_listing = false;
  changed_.notify_all();
  return items;
}

std::shared_ptr<const SharedReads::Items> SharedReads::Ask(const std::string& name,
                                                           Duration max_age, const Call& call,
                                                           const List& list) {
  std::unique_lock lock(mutex_);
  Collection& collection = collections_[name];
  const SteadyTime now = clock_.SteadyNow();
  Count(collection, now);
  const bool is_old = max_age == Duration(0) || !collection.newest || !collection.newest->items ||
                      now - collection.newest->began > max_age;
  if (!is_old) return collection.newest->items;
  collection.newest.reset();  // it is large
  if (!IsWorthAList(collection, now)) return nullptr;
  if (!collection.next) collection.next = std::make_shared<Batch>();
  const std::shared_ptr<Batch> mine = collection.next;
  const auto may_go_on = [&] { return mine->is_done || !collection.is_listing; };
  if (!changed_.wait_until(lock, call.stop, call.deadline, may_go_on)) return nullptr;
  if (mine->is_done) return mine->items;
  return Lead(lock, collection, max_age, call, list);
}

}  // namespace sluice::targets::kubernetes
