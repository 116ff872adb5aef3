// What one cluster has shown of who reports on which kinds of objects, and of its storage classes:
// facts that hold for a while and that many objects' health asks for. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "engine/base/clock.h"
#include "engine/base/guarded.h"

namespace sluice::targets::kubernetes {

class Reporters {
 public:
  // Kind and where it was listed: "" for the whole cluster.
  struct Key {
    std::string group, kind, ns;
    auto operator<=>(const Key&) const = default;
  };
  // Whether objects of this class carry reports there; nullopt when that has to be asked (again).
  // Nobody yet is believed for a shorter time than somebody.
  std::optional<bool> Knows(const Key& key, const std::string& reporter_class,
                            SteadyTime now) const;
  void Learn(const Key& key, std::set<std::string> reported_classes, SteadyTime now);

  std::optional<std::string> BindingMode(const std::string& storage_class, SteadyTime now) const;
  void LearnBindingMode(const std::string& storage_class, const std::string& mode, SteadyTime now);

 private:
  template <class Value>
  struct Seen {
    Value value;
    SteadyTime at;
  };
  struct State {
    std::map<Key, Seen<std::set<std::string>>> classes;
    std::map<std::string, Seen<std::string>> binding_modes;
  };
  Guarded<State> state_;
};

}  // namespace sluice::targets::kubernetes
