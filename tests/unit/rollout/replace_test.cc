// Objects that cannot be changed in place and opt in to be replaced.
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using ReplaceNames = std::vector<std::string>;

const std::string kImagePointer = "/spec/template/spec/containers/0/image";

}  // namespace

TEST_CASE("a replaced object is deleted right before its stage is written, after a dry run") {
  World world;
  world.Pass();
  world.eu.SetImmutable(kImagePointer, /*may_be_replaced=*/true);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")},
                {kDirectory + "extra.yaml", ConfigMapYaml("extra")}});
  const auto before = world.eu.Find(kDeployment)->uid;
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Calls("dry-run Deployment").empty());  // it would be refused
  CHECK(world.eu.Calls("room-dry-run") == ReplaceNames{"room-dry-run Deployment shop/web"});
  CHECK(world.eu.Writes() == ReplaceNames{"apply ConfigMap shop/extra", "room Deployment shop/web",
                                          "apply Deployment shop/web"});
  CHECK(World::TagIn(world.eu) == "good2");
  CHECK(world.eu.Find(kDeployment)->uid != before);
  CHECK(world.Get().outcome == Outcome::kSucceeded);
}

TEST_CASE("without consent an immutable field fails the unit before anything is written") {
  World world;
  world.Pass();
  world.eu.SetImmutable(kImagePointer, /*may_be_replaced=*/false);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  const PassResult failed = world.Pass();
  CHECK(failed.standing == Standing::kFailed);
  CHECK(failed.reason == "ImmutableField");
  CHECK(world.Get().failed.at(0).reason == "ImmutableField");
  CHECK(
      world.hub.Git({"log", "--format=%B", "deployments"}).find("Sluice-Reason: ImmutableField") !=
      std::string::npos);
  CHECK(world.eu.Writes().empty());
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("an object that is not certainly the unit's is not replaced") {
  World world;
  world.Pass();
  world.eu.SetImmutable(kImagePointer, /*may_be_replaced=*/true);
  SECTION("its mark is gone") {
    world.eu.Edit(kDeployment, "", "/metadata/labels/sluice.dev~1unit", "");
  }
  SECTION("something else protects it") {
    world.eu.Protect(kDeployment, "controlled by Rollout web");
  }
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.eu.Writes().empty());
  CHECK(world.Get().failed.size() == 1);
}

TEST_CASE("a replaced release that fails is replaced back") {
  World world;
  world.Pass();
  world.eu.SetImmutable(kImagePointer, /*may_be_replaced=*/true);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Writes() == ReplaceNames{"room Deployment shop/web", "apply Deployment shop/web",
                                          "room Deployment shop/web", "apply Deployment shop/web"});
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Events() == ReplaceNames{"started", "succeeded", "started", "failed", "rolledback",
                                       "reverted", "succeeded"});
}

TEST_CASE("an object that does not go is no verdict; the rest of its stage is written") {
  World world({Shop()});
  world.Pass();
  world.eu.SetImmutable("/data/key", /*may_be_replaced=*/true);
  world.eu.FailObject("room", "ConfigMap shop/web",
                      Error(ErrorCode::kDeadlineExceeded, "ReplaceStuck", "not gone after 2m"), 1);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "config.yaml", ConfigMapYaml("web", "2")},
                {kDirectory + "extra.yaml", ConfigMapYaml("extra")}});
  const PassResult first = world.Pass();
  CHECK(first.standing == Standing::kErrored);
  CHECK(first.reason == "ReplaceStuck");
  CHECK(world.eu.Writes() == ReplaceNames{"room ConfigMap shop/web", "apply ConfigMap shop/extra"});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Find(kConfigMap)->body["data"]["key"] == "2");
}

TEST_CASE("a process that ends between the delete and the create finds the object absent") {
  World world;
  world.Pass();
  world.eu.SetImmutable(kImagePointer, /*may_be_replaced=*/true);
  world.eu.Fail("apply", Error(ErrorCode::kCancelled, "the process ended here"), 1);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  world.Pass();
  REQUIRE_FALSE(world.eu.Find(kDeployment));
  world.Restart();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
  CHECK(world.Get().outcome == Outcome::kSucceeded);
}

}  // namespace sluice::rollout
