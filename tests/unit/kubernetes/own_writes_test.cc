#include "engine/targets/kubernetes/own_writes.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

nlohmann::json Object(const std::string& uid, const std::string& version, int generation = 0) {
  nlohmann::json metadata = {{"uid", uid}, {"resourceVersion", version}};
  if (generation > 0) metadata["generation"] = generation;
  return {{"metadata", metadata}};
}

TEST_CASE("a version is older when its number is smaller, of whatever length") {
  CHECK(IsOlderVersion("9", "10"));
  CHECK(IsOlderVersion("99999999999999999999", "100000000000000000000"));
  CHECK_FALSE(IsOlderVersion("10", "10"));
  CHECK_FALSE(IsOlderVersion("10", "9"));
  for (const char* odd : {"", "0", "07", "abc", "1a", "-1"}) {
    CHECK_FALSE(IsOlderVersion(odd, "10"));
    CHECK_FALSE(IsOlderVersion("5", odd));
  }
}

TEST_CASE("a read is stale when it is certainly older than what our write was answered with") {
  const ObjectRef ref{"apps", "Deployment", "shop", "web"}, other{"", "ConfigMap", "shop", "web"};
  const SteadyTime now{};
  OwnWrites writes;
  CHECK(writes.WhyStale(ref, Object("a", "1", 1), now).empty());  // nothing written, nothing known
  writes.Note(ref, Object("a", "100", 3), now);
  CHECK_THAT(writes.WhyStale(ref, Object("a", "99", 2), now), Catch::Contains("version 99"));
  CHECK_FALSE(writes.WhyStale(ref, Object("z", "7", 9), now).empty());  // the one it replaced
  CHECK(writes.WhyStale(ref, Object("a", "100", 3), now).empty());
  CHECK(writes.WhyStale(ref, Object("a", "101", 3), now).empty());  // its status moved on
  CHECK(writes.WhyStale(ref, Object("b", "101", 1), now).empty());  // made anew by somebody
  CHECK(writes.WhyStale(other, Object("a", "1"), now).empty());
  // The newest write counts, also on a cluster that was set back to an older state.
  writes.Note(ref, Object("a", "50", 2), now);
  CHECK(writes.WhyStale(ref, Object("a", "60", 2), now).empty());
  CHECK(writes.WhyStale(ref, Object("a", "40", 2), now + 2h).empty());
}

TEST_CASE("where versions are no numbers the generation of the same object tells") {
  const ObjectRef ref{"metrics.example", "Thing", "", "web"};
  const SteadyTime now{};
  OwnWrites writes;
  writes.Note(ref, Object("a", "x-2", 3), now);
  CHECK_THAT(writes.WhyStale(ref, Object("a", "x-1", 2), now), Catch::Contains("generation 2"));
  CHECK(writes.WhyStale(ref, Object("a", "x-1", 3), now).empty());
  CHECK(writes.WhyStale(ref, Object("b", "x-1", 1), now).empty());
}

TEST_CASE("what is known of writes does not grow for ever") {
  OwnWrites writes;
  const SteadyTime begin{};
  const auto name = [](int i) { return ObjectRef{"", "ConfigMap", "shop", std::to_string(i)}; };
  for (int i = 0; i < 5000; ++i) writes.Note(name(i), Object("a", "9"), begin + i * 1h);
  CHECK(writes.Size() < 1024);
  CHECK_FALSE(writes.WhyStale(name(4999), Object("a", "8"), begin + 4999 * 1h).empty());
}

}  // namespace
}  // namespace sluice::targets::kubernetes
