// Work that ran to its end is done, whether its object is still there or not.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Names = std::vector<std::string>;

const ObjectRef kJob{"batch", "Job", "shop", "migrate"};
const std::string kJobFile = kDirectory + "job.yaml";

std::string JobYaml(const std::string& step) {
  return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n"
         "  ttlSecondsAfterFinished: 2\n  step: " +
         step +
         "\n  template: {spec: {restartPolicy: Never, containers: "
         "[{name: c, image: \"registry.example/migrate:" +
         step + "\"}]}}\n";
}

// One release is out, and the Job of its migration is gone since.
struct Migrated {
  World world{[] {
    Files files = Shop();
    files[kJobFile] = JobYaml("one");
    return files;
  }()};
  Migrated() {
    REQUIRE(world.Pass().standing == Standing::kDone);
    REQUIRE(world.Get().done.size() == 1);
    world.eu.Erase(kJob);
    world.eu.ForgetCalls();
  }
  size_t Runs() const { return world.eu.Calls("apply Job").size(); }
};

}  // namespace

TEST_CASE("a Job that is done and gone is neither drift nor run again") {
  Migrated m;
  const bool restarts = GENERATE(false, true);
  if (restarts) m.world.Restart();
  const auto events = m.world.Events();
  m.world.Pass(/*is_drift_due=*/true);
  CHECK(m.world.Events() == events);
  m.world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(m.world.Settle().standing == Standing::kDone);
  CHECK(m.world.Get().outcome == Outcome::kSucceeded);
  CHECK(World::TagIn(m.world.eu) == "good2");
  CHECK(m.Runs() == 0);
}

TEST_CASE("work that is new runs, and what ran before it stays done") {
  Migrated m;
  m.world.Commit({{kJobFile, JobYaml("two")}});
  m.world.Settle();
  CHECK(m.Runs() == 1);
  CHECK(m.world.Get().done.size() == 2);
  m.world.eu.Erase(kJob);
  m.world.Commit({{kJobFile, JobYaml("one")}});
  m.world.Settle();
  CHECK(m.world.Get().outcome == Outcome::kSucceeded);
  CHECK(m.Runs() == 1);
  CHECK_FALSE(m.world.eu.Find(kJob));
}

TEST_CASE("a rollback runs nothing again, and takes the failed content's Job back") {
  Migrated m;
  m.world.eu.SetImmutable("/spec/step", false);
  m.world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  m.world.Commit({{kJobFile, JobYaml("two")}, {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  m.world.Settle();
  CHECK(World::TagIn(m.world.eu) == "good1");
  CHECK(m.Runs() == 1);  // of the failed content
  CHECK_FALSE(m.world.eu.Find(kJob));
  const Names events = m.world.Events();
  CHECK(std::ranges::find(events, "rolledback") != events.end());
}

TEST_CASE("a Job that the failed content put in the place of one that is done goes with it") {
  const auto job = [](const std::string& step) {
    std::string yaml = JobYaml(step);
    const std::string name = "{name: migrate}";
    return yaml.replace(yaml.find(name), name.size(),
                        "{name: migrate, annotations: {sluice.dev/replace: when-immutable}}");
  };
  Files files = Shop();
  files[kJobFile] = job("one");
  World world(files);
  REQUIRE(world.Pass().standing == Standing::kDone);
  REQUIRE(world.Get().done.size() == 1);
  world.eu.SetImmutable("/spec/step", true);
  world.eu.SetHealth("migrate:two", Health::kDegraded, "BackoffLimitExceeded", true);
  world.Commit({{kJobFile, job("two")}});
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK_FALSE(world.eu.Find(kJob));
  CHECK_FALSE(world.Inventory()["eu"].contains(kJob));
  CHECK(world.Get().done.size() == 1);
  world.Settle();
  CHECK_FALSE(world.eu.Find(kJob));
}

TEST_CASE("a Job that did not end is not done") {
  Files files = Shop();
  files[kJobFile] = JobYaml("one");
  World world(files);
  world.eu.SetHealth("migrate:one", Health::kSuspended, "JobSuspended");
  world.Pass();
  CHECK(world.Get().done.empty());
}

}  // namespace sluice::rollout
