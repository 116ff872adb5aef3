// The seam for kinds of target, shown by a kind that is nothing like a cluster: `file` writes each
// object as a file of a directory. Two classes and the whole spine, with nothing above targets/
// knowing of it.
#include <filesystem>
#include <utility>

#include "engine/base/hash.h"
#include "engine/io/files.h"
#include "engine/plan/plan_builder.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using nlohmann::json;
using Objects = std::vector<targets::PreparedObject>;
using Refs = std::vector<ObjectRef>;
using Results = std::vector<targets::WriteResult>;
namespace fs = std::filesystem;

// Documents are {file: NAME, content: TEXT}, with image: REFERENCE and secret: true where wanted.
class FileKind final : public TargetKind {
 public:
  std::string_view Name() const override { return "file"; }
  std::vector<TargetSetting> Settings() const override {
    return {{.name = "directory", .is_required = true}};
  }
  std::string Identity(const Target& target) const override {
    return "file" + target.Setting("directory");
  }
  std::string Place(const Target& target) const override {
    return "directory " + target.Setting("directory");
  }
  std::string_view ExampleObjects() const override { return "/File//motd"; }

  std::vector<DeclaredPart> Unpack(json document, const Report&) const override {
    return {{"", std::move(document)}};
  }
  void Check(json& body, const Report& report) const override {
    for (const char* field : {"file", "content"}) {
      if (!body.value(field, json()).is_string())
        report("", "missing-field", std::string("a file has no ") + field);
    }
  }
  Resource ToResource(json body) const override {
    Resource resource{{"", "File", "", body["file"].get<std::string>()}, "1", {}, {}};
    resource.body = std::move(body);
    return resource;
  }
  void VisitImages(json& body, const ImageVisitor& visit) const override {
    if (body.contains("image")) visit(body["image"].get_ref<std::string&>(), "/image");
  }
  Task TaskOfTests() const override { return {"look", "Look", "1"}; }
  bool IsTask(const json& manifest) const override { return manifest.contains("expect"); }

  ObjectRef RefIn(const Resource& resource, const Target&) const override { return resource.ref; }
  Refs Claims(const Resource& resource, const Target&) const override { return {resource.ref}; }
  bool IsCertain(const ObjectRef&) const override { return true; }

  int DeletionRank(const ObjectRef&) const override { return 0; }
  bool IsPrecious(const ObjectRef& ref) const override { return ref.name.ends_with(".db"); }
  std::span<const ListKey> ListKeys() const override { return {}; }
  std::span<const FreeMap> FreeMaps() const override { return {}; }
  std::span<const std::string_view> IdentityFields() const override { return {}; }
  Hidden HiddenIn(const ObjectRef&, const json& body) const override {
    if (!body.is_object() || !body.value("secret", false)) return {};
    return {{"/content"}, {}};
  }
  json WithoutMark(json body) const override {
    if (body.is_object()) body.erase("owner");
    return body;
  }
  json WithoutIdentity(json body) const override {
    body.erase("file");
    return body;
  }
};

class FileDriver final : public targets::TargetDriver {
 public:
  explicit FileDriver(std::string directory) : directory_(std::move(directory)) {}

  Result<targets::Prepared> Prepare(const std::vector<Resource>& resources,
                                    const targets::Ownership& owner, const Call&) override {
    targets::Prepared prepared;
    for (const Resource& resource : resources) {
      prepared.objects.push_back({resource});
      prepared.objects.back().resource.body["owner"] = owner.Mark();
    }
    return prepared;
  }
  Result<targets::LiveState> Observe(const Refs& refs, const Call&) override {
    targets::LiveState live;
    for (const ObjectRef& ref : refs) {
      const auto body = Read(ref);
      if (!body) continue;
      targets::LiveObject& object = live.objects[ref];
      object.body = *body;
      object.uid = ref.name;
      object.mark = body->value("owner", "");
      object.is_applied_by_us = !object.mark.empty();
    }
    return live;
  }
  Result<Refs> FindMarked(const targets::Ownership&, const Refs&, const Call&) override {
    return Refs();
  }
  Result<std::vector<targets::Prediction>> Predict(const Objects& objects,
                                                   const targets::LiveState&, targets::Force,
                                                   const Call&) override {
    std::vector<targets::Prediction> predictions;
    for (const targets::PreparedObject& object : objects) {
      const json live = Read(object.resource.ref).value_or(json());
      targets::Prediction& prediction = predictions.emplace_back();
      using Kind = targets::Prediction::Kind;
      prediction.kind = live.is_null()                 ? Kind::kCreate
                        : live == object.resource.body ? Kind::kSame
                                                       : Kind::kUpdate;
      prediction.before = live;
      prediction.after = object.resource.body;
    }
    return predictions;
  }
  Results MakeRoom(const Objects& objects, const targets::LiveState&, targets::WriteMode,
                   const targets::WriteCall&) override {
    return Results(objects.size());
  }
  Results Apply(const Objects& objects, const targets::LiveState&, targets::WriteMode mode,
                targets::Force, const targets::WriteCall& call) override {
    Results results(objects.size());
    for (size_t i = 0; i < objects.size(); ++i) {
      if (auto may = call.may_write(); !may && mode == targets::WriteMode::kApply) {
        results[i].status = Fail(may.error());
        continue;
      }
      const ObjectRef& ref = objects[i].resource.ref;
      results[i].is_created = !Read(ref);
      results[i].change_id = Sha256Hex(objects[i].resource.body.dump());
      if (mode == targets::WriteMode::kApply)
        results[i].status = WriteFileDurably(Path(ref), objects[i].resource.body.dump());
    }
    if (mode == targets::WriteMode::kApply && after_apply) std::exchange(after_apply, {})();
    return results;
  }
  Status AwaitStage(const Objects&, const Call&) override { return {}; }
  Results Delete(const std::vector<targets::Deletion>& deletions, targets::WriteMode mode,
                 const targets::WriteCall&) override {
    for (const targets::Deletion& deletion : deletions) {
      if (mode == targets::WriteMode::kApply) fs::remove(Path(deletion.ref));
    }
    return Results(deletions.size());
  }
  Result<std::vector<ObjectHealth>> Assess(const Refs& refs, const targets::Since& since, Diagnose,
                                           const Call&) override {
    std::vector<ObjectHealth> health;
    for (const ObjectRef& ref : refs) {
      const auto body = Read(ref);
      health.push_back({ref, body ? Health::kHealthy : Health::kMissing, "", "", false});
      if (body && body->value("content", "") == "broken")
        health.back() = {ref, Health::kDegraded, "SaysBroken", "it says so", true};
      // What Apply answered tells our file from another that came into its place.
      if (!since.applied || !since.applied->contains(ref)) continue;
      if (!body || Sha256Hex(body->dump()) != since.applied->at(ref).change_id)
        health.back() = {ref, Health::kDegraded, "Overwritten", "by somebody", true};
    }
    return health;
  }
  static inline std::function<void()> after_apply;  // once
  Status Unstick(const Refs&, const targets::WriteCall&) override { return {}; }
  Result<targets::TaskOutcome> RunTask(const json& manifest, const targets::Ownership&,
                                       const std::string&, const targets::WriteCall&) override {
    const auto body = Read({"", "File", "", manifest["file"].get<std::string>()});
    const bool has_passed = body && body->contains(manifest["expect"]);
    return targets::TaskOutcome{has_passed, has_passed ? "seen" : "not there"};
  }

 private:
  std::string Path(const ObjectRef& ref) const { return directory_ + "/" + ref.name; }
  std::optional<json> Read(const ObjectRef& ref) const {
    const auto text = ReadFile(Path(ref));
    return text ? std::optional(json::parse(*text)) : std::nullopt;
  }
  std::string directory_;
};

const FileKind kFile;
const UnitId kDev{"dev", "web"};

// dev and prod, each a directory of its own; the application is one file with an image in it.
struct FileWorld : World {
  FileWorld() : World(Files{}) {
    kinds = {&kFile};
    services->make_driver = [](const Target& target) {
      return Result<std::unique_ptr<targets::TargetDriver>>(
          std::make_unique<FileDriver>(target.Setting("directory")));
    };
    Files files = {{"sluice.yaml", Ours("Pipeline", "shop", "environments: [dev, prod]")}};
    using Text = std::string;
    for (const auto& [name, directory] : {std::pair{Text("dev"), dev}, {Text("prod"), prod}}) {
      const Text root = "environments/" + name;
      files[root + "/environment.yaml"] =
          Ours("Environment", name,
               "targets: [{name: disk, file: {directory: " + directory +
                   "}}], promotion: {mode: auto}, drift: {mode: heal}");
      files[root + "/web/app.yaml"] =
          Ours("Application", "web", "smokeTests: [{name: up, look: {manifest: look.yaml}}]");
      files[root + "/web/look.yaml"] = "{file: motd, content: x, expect: image}\n";
      files[root + "/web/motd.yaml"] = Motd("hello");
      files[root + "/web/old.yaml"] = "{file: old, content: x}\n";
      files[root + "/web/key.yaml"] = "{file: key, content: hunter22, secret: true}\n";
      files[root + "/web/release.yaml"] = Release("good1");
    }
    Commit(files);
  }
  static std::string Ours(const std::string& kind, const std::string& name,
                          const std::string& spec) {
    return "{apiVersion: sluice.dev/v1, kind: " + kind + ", metadata: {name: " + name +
           "}, spec: {" + spec + "}}\n";
  }
  static std::string Motd(const std::string& text) {
    return "{file: motd, content: " + text + ", image: web}\n";
  }
  static std::string Release(const std::string& tag) {
    return Ours("Release", "web", "version: " + tag + ", images: [{name: web, tag: " + tag + "}]");
  }
  std::string Live(const std::string& directory, const std::string& member) const {
    const auto text = ReadFile(directory + "/motd");
    return text ? json::parse(*text)[member].get<std::string>() : "";
  }
  std::string dev = git::MakeTemporaryDirectory(), prod = git::MakeTemporaryDirectory();
};

}  // namespace

TEST_CASE("a kind of target that no cluster is goes the whole way: rollout, revert, drift, prune") {
  FileWorld world;
  REQUIRE(world.Pass(false, kDev).standing == Standing::kDone);
  CHECK(world.Live(world.dev, "image") == "web:good1");
  CHECK(world.Events() == std::vector<std::string>{"started", "succeeded"});
  // Unhealthy: live goes back, then Git.
  const std::string bad =
      world.Commit({{"environments/dev/web/motd.yaml", FileWorld::Motd("broken")}});
  const PassResult failed = world.Pass(false, kDev);
  CHECK(failed.standing == Standing::kFailed);
  CHECK(failed.reason == "SaysBroken");
  CHECK(world.Live(world.dev, "content") == "hello");
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.Trailer("Reverts") == bad);
  CHECK(world.Pass(false, kDev).standing == Standing::kDone);
  world.Commit({{"environments/dev/web/look.yaml", "{file: motd, content: x, expect: none}\n"}});
  CHECK(world.Pass(false, kDev).standing == Standing::kFailed);
  CHECK(world.Pass(false, kDev).standing == Standing::kDone);

  // Drift is healed.
  fs::remove(world.dev + "/motd");
  CHECK(world.Pass(true, kDev).drift == DriftSeen::kHealed);
  CHECK(world.Live(world.dev, "content") == "hello");

  // What is declared no more goes.
  world.Commit({{"environments/dev/web/old.yaml", ""}});
  CHECK(world.Pass(false, kDev).standing == Standing::kDone);
  CHECK_FALSE(fs::exists(world.dev + "/old"));
  CHECK(fs::exists(world.dev + "/key"));
  const json key = {{"content", "hunter22"}, {"secret", true}};
  CHECK(plan::DiffFields(kFile, {}, nullptr, key).front().after == "***");
}

TEST_CASE("a release is promoted from one directory to the next") {
  FileWorld world;
  REQUIRE(world.Pass(false, kDev).standing == Standing::kDone);
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.engine->clock.Advance(1h);
  world.Commit({{"environments/dev/web/release.yaml", FileWorld::Release("good2")}});
  REQUIRE(world.Pass(false, kDev).standing == Standing::kDone);
  world.engine->clock.Advance(1h);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.Live(world.prod, "image") == "web:good2");
}

TEST_CASE("health is judged by what the apply answered") {
  FileWorld world;
  REQUIRE(world.Pass(false, kDev).standing == Standing::kDone);
  world.Commit({{"environments/dev/web/motd.yaml", FileWorld::Motd("new")}});
  FileDriver::after_apply = [&] {
    REQUIRE(WriteFileDurably(world.dev + "/motd", "{\"content\": \"theirs\"}"));
  };
  CHECK(world.Pass(false, kDev).reason == "Overwritten");
}

TEST_CASE("a unit whose targets are of two kinds is refused") {
  FileWorld world;
  world.kinds = {&kFile, testing::Kinds().front()};
  world.Commit({{"environments/prod/environment.yaml",
                 FileWorld::Ours("Environment", "prod",
                                 "targets: [{name: disk, file: {directory: /d}}, "
                                 "{name: eu, kubernetes: {context: eu}}]")}});
  const PassResult result = world.Pass();
  CHECK(result.reason == "ConfigInvalid");
  CHECK_THAT(result.message,
             Catch::Contains("target 'disk' is file and target 'eu' is kubernetes"));
}

}  // namespace sluice::rollout
