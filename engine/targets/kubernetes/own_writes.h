// What we wrote to a cluster lately, so that a read that is older than our own write is known for
// one (docs/decisions/0015-a-read-older-than-our-write-is-none.md).
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/guarded.h"
#include "engine/model/resource.h"

namespace sluice::targets::kubernetes {

// Thread-safe.
class OwnWrites {
 public:
  // `answered` is the object as the server answered it to our apply, changed or not.
  void Note(const ObjectRef& ref, const nlohmann::json& answered, SteadyTime now);
  // Why `read` is the object as it was before our newest write; "" when it is not, or when that is
  // not known.
  std::string WhyStale(const ObjectRef& ref, const nlohmann::json& read, SteadyTime now) const;
  // Of the object as our newest write left it; "" when nothing is remembered.
  std::string Uid(const ObjectRef& ref, SteadyTime now) const;
  size_t Size() const;  // of what is remembered

 private:
  struct Written {
    std::string uid, version;
    int64_t generation = 0;  // 0: the kind has none
    SteadyTime at;
  };
  struct State {
    std::map<ObjectRef, Written> writes;
    size_t sweep_at = 1024;  // with so many, those that are forgotten anyway are dropped
  };
  Guarded<State> state_;
};

// Both are resourceVersions of one type, and the first is certainly the older one.
bool IsOlderVersion(std::string_view version, std::string_view other);

}  // namespace sluice::targets::kubernetes
