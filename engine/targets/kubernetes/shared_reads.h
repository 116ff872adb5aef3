// Reads of one collection (a kind in a namespace) by many at once, who all wait for what is there.
// Few read each for himself; where many ask, one list answers all of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::targets::kubernetes {

// An object of a list, packed: of a thousand each reader wants one.
class SharedItem {
 public:
  explicit SharedItem(const nlohmann::json& object);
  nlohmann::json Unpack() const;
  bool HasLabel(const std::string& key, const std::string& value) const;

 private:
  std::map<std::string, std::string> labels_;
  std::vector<std::uint8_t> packed_;
};

// Thread-safe.
class SharedReads {
 public:
  using Items = std::map<std::string, SharedItem>;  // by name
  using List = std::function<Result<std::vector<nlohmann::json>>()>;

  explicit SharedReads(const Clock& clock) : clock_(clock) {}

  // What a list says that was sent after this call began, or at most `max_age` before. Null where a
  // list would cost more than it spares, may not be read, failed, or takes longer than `call`
  // waits: the caller reads for himself.
  std::shared_ptr<const Items> Ask(const std::string& collection, Duration max_age,
                                   const Call& call, const List& list);

 private:
  struct Batch {
    bool is_done = false;
    SteadyTime began;
    std::shared_ptr<const Items> items;
  };
  struct Collection {
    // How many ask, counted by the second.
    SteadyTime second{};
    size_t asked = 0, asked_before = 0;
    size_t size = 0;  // when it was listed last
    SteadyTime began{};
    SteadyTime not_before{};  // it may not be listed
    bool is_listing = false;
    std::shared_ptr<Batch> next;    // those who wait for the list that has not begun
    std::shared_ptr<Batch> newest;  // for those who take what is not quite new
  };

  void Count(Collection& collection, SteadyTime now) const;
  bool IsWorthAList(const Collection& collection, SteadyTime now) const;
  static std::shared_ptr<const Items> Made(const List& list, bool& may_not);
  std::shared_ptr<const Items> Lead(std::unique_lock<std::mutex>& lock, Collection& collection,
                                    Duration max_age, const Call& call, const List& list);

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Collection> collections_;  // one for each kind in a namespace; they stay
};

}  // namespace sluice::targets::kubernetes
