#include "tests/unit/rollout/rollout_world.h"

#include "engine/base/strings.h"
#include "engine/rollout/config_commit.h"

namespace sluice::rollout {

std::string EnvironmentYaml(const std::string& more) {
  return "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: prod}\nspec:\n"
         "  targets:\n"
         "    - {name: eu, kubernetes: {context: prod-eu, namespace: shop}}\n"
         "    - {name: us, kubernetes: {context: prod-us, namespace: shop}}\n" +
         more;
}

std::string AppYaml(const std::string& targets, const std::string& more) {
  return "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  targets: " +
         targets + "\n" + more;
}

std::string ReleaseYaml(const std::string& tag) {
  return "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec:\n  version: " +
         tag + "\n  images:\n    - {name: registry.example/web, tag: " + tag + "}\n";
}

std::string ConfigMapYaml(const std::string& name, const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {key: \"" + value +
         "\"}\n";
}

Files Shop(const std::string& tag) {
  return {{"sluice.yaml",
           "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec: "
           "{environments: [prod]}\n"},
          {"environments/prod/environment.yaml", EnvironmentYaml()},
          {kDirectory + "app.yaml", AppYaml()},
          {kDirectory + "release.yaml", ReleaseYaml(tag)},
          {kDirectory + "config.yaml", ConfigMapYaml("web")},
          {kDirectory + "deploy.yaml",
           "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
           "  selector: {matchLabels: {app: web}}\n"
           "  template:\n    metadata: {labels: {app: web}}\n"
           "    spec: {containers: [{name: web, image: \"registry.example/web\"}]}\n"}};
}

Files WithOld() {
  Files files = Shop();
  files[kDirectory + "old.yaml"] = ConfigMapYaml("old");
  return files;
}

Result<HttpResponse> ScriptedHttp::Send(const HttpRequest&, const Call&) {
  if (on_request) on_request();
  if (status == 0) return Fail(ErrorCode::kUnavailable, "connection refused");
  HttpResponse response;
  response.status = status;
  return response;
}

std::vector<Result<HttpResponse>> ScriptedHttp::SendAll(const std::vector<HttpRequest>& requests,
                                                        const Call& call) {
  std::vector<Result<HttpResponse>> out;
  for (const HttpRequest& request : requests) out.push_back(Send(request, call));
  return out;
}

World::World(const Files& files) : work(git::MakeMirror()) {
  const std::string root = git::CommitFiles(*work.mirror, "", files, "begin\n");
  git::Git(work.path, {"push", "-q", "-f", hub.path, root + ":refs/heads/main"});
  Start();
}

void World::Start() {
  engine = deploylog::StartEngine(hub, "engine-a", data_dir);
  auto opened = Outbox::Open(data_dir + "/outbox", effects);
  REQUIRE(opened);
  outbox = std::make_unique<Outbox>(std::move(*opened));
  verifier = std::make_unique<verify::Verifier>(http, engine->clock);
  DriverFactory make_driver =
      [this](const Target& target) -> Result<std::unique_ptr<targets::TargetDriver>> {
    return target.name == "us" ? us.MakeDriver() : eu.MakeDriver();
  };
  Options options;
  options.engine = "engine-a";
  options.identity = {"sluice", "sluice@example.test"};
  options.branch = "main";
  options.log_branch = deploylog::kBranch;
  options.path = ".";
  // The clock stands still while real programs run: what is left of a call must outlast a slow
  // machine.
  options.git_timeout = options.read_timeout = options.write_timeout = 1h;
  if (change_options) change_options(options);
  services.reset(new Services{engine->clock,
                              *engine->mirror,
                              *engine->remote,
                              *engine->log,
                              engine->lease.get(),
                              std::move(make_driver),
                              kinds,
                              *verifier,
                              outbox.get(),
                              engine->metrics,
                              yaml,
                              [this](const UnitId&, const std::string&) {
                                KeepLease();
                                return interruption.load();
                              },
                              {},
                              options});
}

// Waits pass on a clock that knows nothing of the threads that would renew it.
void World::KeepLease() {
  if (!lease_is_renewed || engine->lease->MayWriteLive(Permission::kLease)) return;
  (void)engine->lease->RenewIfDue(engine->MakeCall()).has_value();
}

void World::Restart() {
  const SystemTime now = engine->clock.SystemNow();
  services.reset();
  verifier.reset();
  outbox.reset();
  engine.reset();
  errors_in_row = heals_in_row = 0;
  interruption = Interruption::kNone;
  Start();
  engine->clock.Advance(now - engine->clock.SystemNow());
}

void World::Rewrite() {
  git::Git(work.path, {"fetch", "-q", hub.path, "main"});
  const std::string root =
      git::WriteRawCommit(work.path, git::Git(work.path, {"rev-parse", "FETCH_HEAD^{tree}"}));
  git::Git(work.path, {"push", "-q", "-f", hub.path, root + ":refs/heads/main"});
  data_dir = git::MakeTemporaryDirectory();
  Restart();
}

std::string World::Commit(const Files& files, const std::string& message) {
  git::Git(work.path, {"fetch", "-q", hub.path, "main"});
  const std::string parent = git::Git(work.path, {"rev-parse", "FETCH_HEAD"});
  git::CommitSpec spec;
  spec.parents = {parent};
  spec.base_commit = parent;
  for (const auto& [path, bytes] : files) {
    if (bytes.empty()) {
      spec.edits.push_back({path, git::TreeEdit::Remove{}});
    } else {
      spec.edits.push_back({path, git::TreeEdit::Content{bytes}});
    }
  }
  spec.message = message;
  spec.author = git::kTester;
  spec.time = engine->clock.SystemNow();
  auto oid = work->WriteCommit(spec);
  if (!oid) FAIL(oid.error().message());
  git::Git(work.path, {"push", "-q", hub.path, *oid + ":refs/heads/main"});
  return *oid;
}

void World::Request(const std::string& verb) {
  deploylog::Request request;
  request.verb = verb;
  request.unit = kWeb;
  request.reason = "asked by the test";
  const auto id = engine->log->AddRequest(request, git::kTester, services->GitCall());
  if (!id) FAIL(id.error().message());
}

Result<PassResult> World::TryPass(bool is_drift_due, const UnitId& unit) {
  if (auto renewed = engine->lease->RenewIfDue(services->GitCall()); !renewed)
    return Fail(renewed.error());
  SLUICE_TRY(const std::string tip, FetchTip(*services));
  SLUICE_TRY(const auto snapshot, LoadSnapshot(*services, tip, nullptr));
  SLUICE_TRY(auto refs, services->remote.List({deploylog::kBranchRef}, services->GitCall()));
  SLUICE_CHECK(engine->log->Refresh(refs[deploylog::kBranchRef], services->GitCall()));
  PassInput input;
  input.snapshot = snapshot;
  input.state = engine->log->Get();
  input.unit = unit;
  input.errors_in_row = errors_in_row;
  input.heals_in_row = heals_in_row;
  input.is_drift_due = is_drift_due;
  auto result = Reconcile(*services, input);
  if (!result) return result;
  errors_in_row = result->standing == Standing::kErrored ? errors_in_row + 1 : 0;
  if (result->drift == DriftSeen::kHealed) ++heals_in_row;
  if (result->drift == DriftSeen::kNone) heals_in_row = 0;
  return result;
}

PassResult World::Pass(bool is_drift_due, const UnitId& unit) {
  auto result = TryPass(is_drift_due, unit);
  if (!result) FAIL(result.error().reason() << ": " << result.error().message());
  return *result;
}

PassResult World::Settle() {
  for (int i = 0; i < 20; ++i) {
    const size_t count = Events().size();
    const PassResult result = Pass();
    if (!result.look_again && Events().size() == count) return result;
  }
  FAIL("the unit does not settle");
  return {};
}

Record World::Get(const UnitId& unit) {
  const auto state = engine->log->Get();
  const auto it = state->records.find(unit);
  return it == state->records.end() ? Record{} : *it->second;
}

std::vector<std::string> World::Events() const {
  std::vector<std::string> events;
  if (git::GitExitCode(hub.path, {"rev-parse", "-q", "--verify", "deployments"}, {}) != 0)
    return events;
  const std::string text =
      hub.Git({"log", "--reverse", "--format=%(trailers:key=Sluice-Event,valueonly,separator=%x2C)",
               "deployments"});
  for (const auto& line : Split(text, '\n')) {
    if (!line.empty()) events.emplace_back(line);
  }
  return events;
}

std::string World::LastEvent() const {
  const auto events = Events();
  return events.empty() ? "" : events.back();
}

deploylog::Inventory World::Inventory() {
  auto inventory = engine->log->ReadInventory(kWeb);
  if (!inventory) FAIL(inventory.error().message());
  return *inventory;
}

size_t World::OutboxSize() {
  auto contents = outbox->List();
  REQUIRE(contents);
  return contents->entries.size();
}

std::string World::TagIn(const FakeCluster& cluster) {
  const auto object = cluster.Find(kDeployment);
  if (!object) return "";
  const std::string image =
      object->body.at("/spec/template/spec/containers/0/image"_json_pointer).get<std::string>();
  return image.substr(image.rfind(':') + 1);
}

}  // namespace sluice::rollout
