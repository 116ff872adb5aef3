// Verdicts a person would agree with: what nobody reports on, what waits by design, what is done.
#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;

const std::string kApp = "environments/dev/web/";

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

void Begin(World& world, const AppSpec& app) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", app);
}

int Sync(World& world, const std::string& subject) {
  world.Commit(subject);
  const Ran ran = world.Sluice({"sync"});
  UNSCOPED_INFO(Text(ran));
  return ran.exit_code;
}

// The body of the newest event of a kind, which has the notes.
std::string BodyOf(const World& world, const std::string& kind) {
  const auto events = world.Events("dev/web");
  const auto it = std::find_if(events.rbegin(), events.rend(),
                               [&](const LoggedEvent& event) { return event.kind == kind; });
  return it == events.rend() ? "" : world.Git({"log", "-1", "--format=%b", it->commit});
}

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

const std::string kUnserved =
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
    "spec: {ingressClassName: nobody-serves-it, defaultBackend: {service: {name: web, port: "
    "{number: 80}}}}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: edge}\nspec: {type: LoadBalancer, "
    "loadBalancerClass: example.test/nobody, selector: {app: web}, ports: [{port: 80}]}\n";

}  // namespace

TEST_CASE("addresses that nobody gives out are not waited for, whatever the deadline") {
  World world;
  Begin(world, {.health_timeout = GENERATE("2s", "60s"), .has_smoke_test = false});
  world.Write(kApp + "edge.yaml", kUnserved);
  CHECK(Sync(world, "First, where nobody serves the classes") == 0);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  world.WriteRelease("dev", "web", "good-2", "2");
  CHECK(Sync(world, "And again") == 0);
  CHECK(Has(BodyOf(world, "succeeded"), "Ingress " + world.Ns("dev") + "/web NotReported"));
  const Ran live = world.Sluice({"status", "--live", "-o", "json"});
  INFO(Text(live));
  CHECK(json::parse(live.out)[0]["live"]["health"] == "Healthy");
}

TEST_CASE("an application may require a report, or ignore one") {
  World world;
  const bool requires_it = GENERATE(true, false);
  Begin(world, {.health_timeout = "8s", .has_smoke_test = false});
  world.Write(kApp + "edge.yaml", kUnserved);
  const std::string rule =
      requires_it ? "require: [{kind: Ingress, name: web}]" : "ignore: [{kind: Ingress}]";
  world.Write(kApp + "app.yaml",
              "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n"
              "  health: {timeout: 8s, " +
                  rule + "}\n");
  const int code = Sync(world, "With a rule");
  CHECK(code == (requires_it ? 3 : 0));
  if (requires_it) CHECK(Has(BodyOf(world, "failed"), "health.require"));
}

TEST_CASE("a Job that completed and went by its TTL is done: not missing, not drift, run once") {
  World world;
  Begin(world, {.health_timeout = "60s", .has_smoke_test = false});
  world.Write(kApp + "job.yaml",
              "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n"
              "  ttlSecondsAfterFinished: 1\n  template:\n    spec:\n      restartPolicy: Never\n"
              "      containers: [{name: c, image: \"registry.example/migrate:v1\"}]\n");
  CHECK(Sync(world, "With a migration") == 0);
  const std::string jobs = "/apis/batch/v1/namespaces/" + world.Ns("dev") + "/jobs";
  REQUIRE(Eventually([&] { return world.Cluster("dev").List(jobs).empty(); }));

  const Ran drift = world.Sluice({"drift", "--exit-code"});
  INFO(Text(drift));
  CHECK(drift.exit_code == 0);
  const Ran plan = world.Sluice({"plan"});
  CHECK(Has(plan.out, "done before"));
  world.WriteRelease("dev", "web", "good-2", "2");
  CHECK(Sync(world, "A good release") == 0);
  CHECK(world.Image("dev", "web").ends_with(":good-2"));
  world.WriteRelease("dev", "web", "crash-3", "3");
  CHECK(Sync(world, "A bad release") == 3);  // rolled back, without a second migration
  CHECK(world.Image("dev", "web").ends_with(":good-2"));
  CHECK(world.Record("dev/web")["reason"] != "RollbackImpossible");
  const auto requests = world.Requests();
  CHECK(std::ranges::count_if(requests, [](const SeenRequest& request) {
          return !request.is_dry_run && Has(request.uri, "/jobs/migrate");
        }) == 1);
}

// A storage class of this world's own, by an administrator.
class Storage {
 public:
  Storage(World& world, const std::string& mode) : world_(world), name(world.Ns("dev")) {
    const json storage = {{"apiVersion", "storage.k8s.io/v1"},
                          {"kind", "StorageClass"},
                          {"metadata", {{"name", name}}},
                          {"provisioner", "example.test/none"},
                          {"volumeBindingMode", mode}};
    REQUIRE(world.Cluster("dev").Request("POST", kClasses, storage.dump()).status == 201);
  }
  ~Storage() {
    try {
      world_.Cluster("dev").Delete(std::string(kClasses) + "/" + name);
    } catch (const std::exception&) {  // a plane that has gone has no leftovers
    }
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

 private:
  static constexpr const char* kClasses = "/apis/storage.k8s.io/v1/storageclasses";
  World& world_;

 public:
  const std::string name;
};

std::string ClaimOf(const std::string& storage) {
  return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: scratch}\nspec: "
         "{storageClassName: " +
         storage + ", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
}

TEST_CASE("a claim that only a CronJob uses waits by design; a suspended CronJob runs nothing") {
  World world;
  const Storage storage(world, "WaitForFirstConsumer");
  Begin(world, {.health_timeout = "20s", .has_smoke_test = false});
  world.Write(kApp + "claim.yaml", ClaimOf(storage.name));
  world.Write(
      kApp + "nightly.yaml",
      "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n"
      "  schedule: \"0 3 * * *\"\n  jobTemplate: {spec: {template: {spec: {restartPolicy: "
      "Never, volumes: [{name: s, persistentVolumeClaim: {claimName: scratch}}], containers: "
      "[{name: c, image: \"registry.example/nightly:v1\"}]}}}}\n");
  CHECK(Sync(world, "With a CronJob and its claim") == 0);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  CHECK(Has(BodyOf(world, "succeeded"), "scratch WaitsForConsumer"));
}

TEST_CASE("a claim that nobody can provision is judged") {
  World world;
  Begin(world, {.health_timeout = "8s", .has_smoke_test = false});
  world.Write(kApp + "claim.yaml", ClaimOf(world.Ns("dev") + "-none"));
  CHECK(Sync(world, "With a claim of no class") == 3);
  CHECK(Has(BodyOf(world, "failed"), "PersistentVolumeClaim " + world.Ns("dev") + "/scratch"));
}

}  // namespace sluice::e2e
