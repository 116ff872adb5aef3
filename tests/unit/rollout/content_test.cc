// The same failure in other words is known before anything is tried.
#include "engine/rollout/content.h"

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

const std::string kReleaseFile = kDirectory + "release.yaml";
const std::string kDeploy = kDirectory + "deploy.yaml";

// bad2 has Failed on cluster eu and was reverted.
void FailOnBad2(World& world) {
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  REQUIRE(world.Pass().standing == Standing::kFailed);
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.eu.Mend();
  world.eu.ForgetCalls();
}

std::string BadText(const std::string& file) { return Shop("bad2").at(file); }

std::string FailedRollout(const World& world) {
  return world.hub.Git({"log", "-1", "--grep=^Sluice-Event: failed$",
                        "--format=%(trailers:key=Sluice-Rollout,valueonly,separator=)",
                        "deployments"});
}

}  // namespace

TEST_CASE("the same objects with the same release in other words are held, not tried") {
  World world;
  FailOnBad2(world);
  const Files words = GENERATE(values<Files>({
      {{kReleaseFile, "# run 2\n" + BadText(kReleaseFile)}},
      {{kReleaseFile,
        "{kind: Release, apiVersion: sluice.dev/v1, metadata: {name: web}, spec: {images: [{tag: "
        "bad2, name: registry.example/web}], version: bad2}}"}},
      {{kReleaseFile, BadText(kReleaseFile)}, {kDeploy, BadText(kDeploy) + "# why\n"}},
      {{kReleaseFile, BadText(kReleaseFile)},
       {kDirectory + "config.yaml", ""},
       {kDirectory + "moved/all.yaml", BadText(kDirectory + "config.yaml")}},
      {{kReleaseFile, BadText(kReleaseFile)},
       {kDeploy, ""},
       {kDirectory + "config.yaml",
        BadText(kDeploy) + "---\n" + BadText(kDirectory + "config.yaml")}},
      {{kReleaseFile, BadText(kReleaseFile)}, {kDirectory + "app.yaml", AppYaml() + "# words\n"}},
  }));
  const std::string ran = FailedRollout(world);
  const std::string tip = world.Commit(words);
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "FailedBefore");
  CHECK(Has(held.message, "of rollout " + ran + ", in other words"));
  CHECK(Has(held.message, "CrashLoopBackOff"));
  CHECK(Has(held.message, "sluice retry prod/web"));
  CHECK(world.LastEvent() == "held");
  CHECK(world.Get().failed.size() == 2);
  const auto events = world.Events();
  for (int i = 0; i < 3; ++i) {
    const PassResult again = world.Pass();
    CHECK(again.reason == "FailedBefore");
    CHECK(again.message == held.message);
  }
  CHECK(world.Events() == events);
  CHECK(world.eu.Writes().empty());
  CHECK(world.Main() == tip);
  SECTION("until somebody asks for a retry") {
    world.Request("retry");
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "bad2");
    CHECK(world.Get().failed.empty());
  }
  SECTION("and a retry that fails again is one failure again") {
    world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
    world.Request("retry");
    world.Settle();
    CHECK(world.Get().failed.size() == 1);
    CHECK(FailedRollout(world) != ran);
  }
  SECTION("and other content goes on") {
    world.Commit({{kReleaseFile, ReleaseYaml("good3")}});
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good3");
  }
}

TEST_CASE("what the server refused at its dry run is known in other words, too") {
  World world;
  Worsen(world);
  world.eu.SetPrediction("bad2", targets::Prediction::Kind::kUnknowable, "its type comes first");
  world.eu.FailObject("dry-run", "Deployment shop/web", kRefusal);
  REQUIRE(world.Pass().standing == Standing::kFailed);
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.Commit({{kReleaseFile, "# again\n" + ReleaseYaml("bad2")}});
  CHECK(world.Pass().reason == "FailedBefore");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("good content that failed in other words is gone back to") {
  World world;
  Worsen(world, {{kDeploy, Shop().at(kDeploy) + "# words\n"}});
  const std::string good = world.TreeOf("main^");
  world.eu.Edit({"apps", "Deployment", "shop", "web"}, "", "/spec/replicas", 9);
  world.eu.FailObject("apply", "Deployment shop/web", kRefusal);
  REQUIRE(world.Pass().standing == Standing::kFailed);
  world.eu.Mend();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.TreeOf("main") == good);
  CHECK(world.Get().phase == Phase::kIdle);
  // In yet other words it is the failure again.
  world.Commit({{kDeploy, Shop().at(kDeploy) + "# other words\n"}});
  CHECK(world.Pass().reason == "FailedBefore");
}

TEST_CASE("another object, release or check deserves a try of its own") {
  World world;
  FailOnBad2(world);
  Files files = GENERATE(values<Files>({
      {{kDirectory + "config.yaml", ConfigMapYaml("web", "2")}},
      {{kReleaseFile,
        "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec: "
        "{version: other, images: [{name: registry.example/web, tag: bad2}]}\n"}},
      {{kDirectory + "app.yaml", AppYaml("[eu]", "  health: {timeout: 7m}\n")}},
      {{kDirectory + "app.yaml", AppYaml("[eu]", kSmokeTest)}},
      {{kDirectory + "app.yaml", AppYaml("[us]")}},
  }));
  files.try_emplace(kReleaseFile, ReleaseYaml("bad2"));
  world.Commit(files);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.LastEvent() == "succeeded");
}

TEST_CASE("a failure that an older version recorded is known by its fingerprint alone") {
  Record record;
  record.unit = kWeb;
  record.failed = {{"fp", "release", "rev", "Unhealthy", "r-1"}};
  CHECK(life::FindSameFailure(record, "") == nullptr);
  CHECK(life::FindSameFailure(record, "c") == nullptr);
  CHECK(WhyNotAgain(record, record.failed[0]).starts_with("this content failed before (Unhealthy"));
  CHECK(life::FailureForgotten(record, {}, "").record.failed.empty());
  record.failed = {{"fp-a", "", "", "x", "r-1"}, {"fp-b", "", "", "x", "r-2"}};
  CHECK(life::FailureForgotten(record, {}, "").record.failed.size() == 1);
}

namespace {

std::string SecretYaml(const std::string& value, const std::string& comment) {
  return "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {key: \"" + value +
         "\"}" + comment + "\n";
}

std::string ContentAfter(World& world, const std::string& secret) {
  world.Commit({{kDirectory + "secret.yaml", secret}});
  CHECK(world.Settle().standing == Standing::kDone);
  return world.Get().content;
}

}  // namespace

TEST_CASE("values of Secrets count, and are nowhere to be guessed from") {
  World world;
  const bool has_key = GENERATE(false, true);
  if (has_key) {
    world.change_options = [](Options& options) { options.hmac_key = "k1"; };
    world.Restart();
  }
  const std::string first = ContentAfter(world, SecretYaml("hunter2", ""));
  CHECK(first.size() == 32);
  // Without a key the file stands for them, as in the fingerprint.
  CHECK((ContentAfter(world, SecretYaml("hunter2", " # words")) == first) == has_key);
  const std::string other = ContentAfter(world, SecretYaml("hunter3", ""));
  CHECK(other != first);
  CHECK(ContentAfter(world, SecretYaml("hunter2", "")) == first);
}

}  // namespace sluice::rollout
