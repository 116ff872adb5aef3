#include "tests/support/e2e/world.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/support/e2e/text.h"
#include "tests/support/paths.h"

namespace sluice::e2e {
namespace {

std::string EnvironmentOr(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

std::string Binary() { return EnvironmentOr("SLUICE_BIN", test::BinaryDirectory() + "/sluice"); }

std::string RealDir() { return EnvironmentOr("SLUICE_REAL_DIR", ""); }

// Unique among the worlds that share one control plane, now and after a crash of an earlier run.
std::string NewId() {
  static std::atomic<int> count{0};
  std::ostringstream id;
  id << "w" << std::hex << (std::random_device{}() & 0xffffff) << "-" << ++count;
  return id.str();
}

}  // namespace

bool World::IsReal() { return !RealDir().empty(); }

World::World(WorldOptions options) : options_(std::move(options)), id_(NewId()) {
  char pattern[] = "/tmp/sluice-e2e-XXXXXX";
  if (mkdtemp(pattern) == nullptr) throw std::runtime_error("mkdtemp failed");
  dir_ = pattern;
  std::filesystem::create_directories(dir_ + "/home");
  if (IsReal()) {
    clusters_dir_ = RealDir();
    front_ = Trimmed(ReadFile(clusters_dir_ + "/http"));
  } else {
    clusters_dir_ = dir_ + "/clusters";
    StartSandbox();
  }
  const std::string admin = IsReal() ? clusters_dir_ + "/admin.kubeconfig" : Kubeconfig();
  for (const auto& cluster : options_.clusters) apis_.emplace(cluster, KubeApi(admin, cluster));
  MakeNamespaces();
  MakeRepository();
  if (options_.transport == Transport::kHttp) ServeOverHttp();
  if (options_.transport == Transport::kSsh) ServeOverSsh();
  WriteDaemonYaml("daemon");
}

World::~World() {
  if (IsReal()) {
    // Not waited for: the namespaces' names are never used again.
    for (const auto& [cluster, api] : apis_) {
      try {
        api.Delete("/api/v1/namespaces/" + Ns(cluster));
      } catch (const std::exception&) {  // a plane that has gone has no leftovers
      }
    }
  }
  sandbox_.reset();
  git_server_.reset();
  if (EnvironmentOr("SLUICE_KEEP", "").empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
}

void World::StartSandbox() {
  // Chosen here, for the front's address is part of the config repo that the case writes.
  const std::string port = std::to_string(FreePort());
  front_ = "http://127.0.0.1:" + port;
  std::string clusters;
  for (const auto& name : options_.clusters) clusters += (clusters.empty() ? "" : ",") + name;
  RunSpec spec{{Binary(), "sandbox", "--dir", clusters_dir_, "--port", "0", "--http-port", port,
                "--clusters", clusters},
               CleanEnvironment(dir_ + "/home"),
               "",
               "",
               seconds(60)};
  for (const auto& fault : options_.faults) {
    spec.argv.push_back("--fault");
    spec.argv.push_back(fault);
  }
  sandbox_ = std::make_unique<Child>(spec, dir_ + "/sandbox");
  const bool is_ready = Eventually([this] {
    return sandbox_->Out().find("ready") != std::string::npos || !sandbox_->IsRunning();
  });
  if (!is_ready || !sandbox_->IsRunning())
    throw std::runtime_error("the sandbox did not start: " + sandbox_->Err());
}

void World::MakeNamespaces() {
  for (const auto& [cluster, api] : apis_) {
    const nlohmann::json object = {
        {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", Ns(cluster)}}}};
    const HttpAnswer answer = api.Request("POST", "/api/v1/namespaces", object.dump());
    if (answer.status != 201)
      throw std::runtime_error("creating namespace " + Ns(cluster) + ": " + answer.body);
    if (IsReal() && !options_.may_manage_cluster) BindEngine(cluster);
  }
}

// What examples/rbac/ asks an administrator to do for every namespace.
void World::BindEngine(const std::string& cluster) const {
  const nlohmann::json binding = {
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "RoleBinding"},
      {"metadata", {{"name", "sluice"}}},
      {"roleRef",
       {{"apiGroup", "rbac.authorization.k8s.io"},
        {"kind", "ClusterRole"},
        {"name", "sluice-deployer"}}},
      {"subjects", {{{"kind", "ServiceAccount"}, {"name", "sluice"}, {"namespace", "sluice"}}}}};
  const std::string path =
      "/apis/rbac.authorization.k8s.io/v1/namespaces/" + Ns(cluster) + "/rolebindings";
  const HttpAnswer answer = apis_.at(cluster).Request("POST", path, binding.dump());
  if (answer.status != 201)
    throw std::runtime_error("binding sluice in " + Ns(cluster) + ": " + answer.body);
}

void World::MakeRepository() {
  GitIn(dir_, {"init", "--quiet", "--bare", "--initial-branch=main", dir_ + "/origin.git"});
  GitIn(dir_, {"init", "--quiet", "--initial-branch=main", dir_ + "/work"});
  GitIn(dir_ + "/work", {"remote", "add", "origin", dir_ + "/origin.git"});
  GitIn(dir_ + "/work", {"config", "user.name", "Dana Developer"});
  GitIn(dir_ + "/work", {"config", "user.email", "dana@example.com"});
  remote_url_ = dir_ + "/origin.git";
}

std::string World::Ns(const std::string& cluster) const { return id_ + "-" + cluster; }

std::string World::Kubeconfig() const {
  return clusters_dir_ +
         (IsReal() && options_.may_manage_cluster ? "/platform.kubeconfig" : "/kubeconfig");
}

std::string World::Front(const std::string& cluster, const std::string& service) const {
  return front_ + "/" + cluster + "/" + Ns(cluster) + "/" + service;
}

void World::Write(const std::string& path, const std::string& text) {
  WriteFile(dir_ + "/work/" + path, text);
}

void World::Remove(const std::string& path) { std::filesystem::remove_all(dir_ + "/work/" + path); }

std::string World::Read(const std::string& path) const { return ReadFile(dir_ + "/work/" + path); }

void World::WritePipeline(const std::vector<EnvironmentSpec>& environments) {
  std::string names;
  for (const auto& spec : environments) names += (names.empty() ? "" : ", ") + spec.name;
  Write("sluice.yaml",
        "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec:\n  environments: "
        "[" +
            names + "]\n");
  for (const auto& spec : environments) {
    const std::string targets = spec.targets.empty()
                                    ? "    - {name: main, kubernetes: {context: " + spec.name +
                                          ", namespace: " + Ns(spec.name) + "}}\n"
                                    : spec.targets;
    Write("environments/" + spec.name + "/environment.yaml",
          "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: " + spec.name +
              "}\nspec:\n  targets:\n" + targets + "  promotion: {mode: " + spec.promotion +
              ", soak: " + spec.soak + "}\n" + spec.more);
  }
}

void World::WriteApp(const std::string& environment, const AppSpec& app) {
  const std::string at = "environments/" + environment + "/" + app.name + "/";
  std::string smoke;
  if (app.has_smoke_test) {
    smoke = "  smokeTests:\n    - {name: up, http: {url: \"" + Front(environment, app.name) +
            "/healthz\", status: 200}, timeout: 5s, retries: 2, interval: 200ms}\n";
  }
  Write(at + "app.yaml",
        "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: " + app.name +
            "}\nspec:\n  health: {timeout: " + app.health_timeout + "}\n" + smoke + app.more);
  Write(at + "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + app.name +
            "\n  labels: {app: " + app.name +
            "}\nspec:\n  replicas: " + std::to_string(app.replicas) + "\n" +
            (app.strategy.empty() ? "" : "  strategy: " + app.strategy + "\n") +
            "  selector:\n    matchLabels: {app: " + app.name +
            "}\n  template:\n    metadata:\n      labels: {app: " + app.name +
            "}\n    spec:\n      containers:\n        - name: " + app.name +
            "\n          image: registry.example/shop/" + app.name +
            ":unreleased\n          ports:\n            - {containerPort: 8080}\n");
  Write(at + "service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: " + app.name +
                                 "\nspec:\n  selector: {app: " + app.name +
                                 "}\n  ports:\n    - {port: 80, targetPort: 8080}\n");
  WriteRelease(environment, app.name, app.tag, app.version);
}

void World::WriteRelease(const std::string& environment, const std::string& app,
                         const std::string& tag, const std::string& version) {
  Write("environments/" + environment + "/" + app + "/release.yaml",
        "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: " + app +
            "}\nspec:\n  version: \"" + version +
            "\"\n  images:\n    - {name: registry.example/shop/" + app + ", tag: " + tag + "}\n");
}

std::string World::Commit(const std::string& subject) {
  const std::string work = dir_ + "/work";
  GitIn(work, {"add", "--all"});
  GitIn(work, {"commit", "--quiet", "--allow-empty", "--message", subject});
  GitIn(work, {"push", "--quiet", "origin", "HEAD:main"});
  return Trimmed(GitIn(work, {"rev-parse", "HEAD"}));
}

std::string World::Pull() {
  const std::string work = dir_ + "/work";
  GitIn(work, {"fetch", "--quiet", "origin", "main"});
  GitIn(work, {"reset", "--quiet", "--hard", "FETCH_HEAD"});
  return Trimmed(GitIn(work, {"rev-parse", "HEAD"}));
}

std::map<std::string, std::string> World::Environment() const {
  auto environment = CleanEnvironment(dir_ + "/home");
  for (const auto& [key, value] : env) environment[key] = value;
  return environment;
}

Ran World::SluiceWith(const std::string& daemon_yaml, const std::vector<std::string>& args,
                      seconds deadline) const {
  std::vector<std::string> argv = {Binary(), "-c", daemon_yaml};
  argv.insert(argv.end(), args.begin(), args.end());
  return Run({argv, Environment(), dir_, "", deadline});
}

Ran World::Sluice(const std::vector<std::string>& args, seconds deadline) const {
  return SluiceWith(DaemonYaml(), args, deadline);
}

Ran World::SluicePlain(const std::vector<std::string>& args, seconds deadline) const {
  std::vector<std::string> argv = {Binary()};
  argv.insert(argv.end(), args.begin(), args.end());
  return Run({argv, Environment(), dir_, "", deadline});
}

std::unique_ptr<Child> World::StartDaemon(const std::vector<std::string>& args) {
  return StartDaemonWith(DaemonYaml(), args);
}

std::unique_ptr<Child> World::StartDaemonWith(const std::string& daemon_yaml,
                                              const std::vector<std::string>& args) {
  std::vector<std::string> argv = {Binary(), "-c", daemon_yaml, "run"};
  argv.insert(argv.end(), args.begin(), args.end());
  return std::make_unique<Child>(RunSpec{argv, Environment(), dir_, "", seconds(60)},
                                 dir_ + "/daemon-" + std::to_string(++daemons_));
}

std::string World::WriteDaemonYaml(const std::string& name, const std::string& more) {
  const std::string path = dir_ + "/" + name + ".yaml";
  const std::string data = name == "daemon" ? DataDir() : dir_ + "/data-" + name;
  WriteFile(path, "apiVersion: sluice.dev/v1\nkind: Daemon\nmetadata: {name: " + name +
                      "}\nspec:\n  repository:\n    url: " + remote_url_ + "\n    poll: 1s\n" +
                      repository_more_ + "  kubeconfig: " + Kubeconfig() + "\n  dataDir: " + data +
                      "\n  identity: {name: sluice, email: sluice@example.com}\n" +
                      options_.daemon_spec + more);
  return path;
}

std::string World::ChangedDaemonYaml(const std::string& name, const std::string& pattern,
                                     const std::string& text) const {
  std::string yaml = ReadFile(DaemonYaml());
  yaml = std::regex_replace(yaml, std::regex("dataDir: .*"), "dataDir: " + dir_ + "/data-" + name);
  yaml = std::regex_replace(yaml, std::regex(pattern), text);
  const std::string path = dir_ + "/" + name + ".yaml";
  WriteFile(path, yaml);
  return path;
}

std::string World::GitIn(const std::string& directory, const std::vector<std::string>& args) const {
  std::vector<std::string> argv = {"git", "-C", directory};
  argv.insert(argv.end(), args.begin(), args.end());
  const Ran ran = Run({argv, CleanEnvironment(dir_ + "/home"), dir_, "", seconds(60)});
  if (ran.exit_code != 0)
    throw std::runtime_error("git " + args[0] + " in " + directory + ": " + ran.err);
  return ran.out;
}

std::string World::Git(const std::vector<std::string>& args) const {
  return GitIn(dir_ + "/origin.git", args);
}

std::optional<std::string> World::Tip(const std::string& branch) const {
  const std::string tip =
      Trimmed(Git({"for-each-ref", "--format=%(objectname)", "refs/heads/" + branch}));
  if (tip.empty()) return std::nullopt;
  return tip;
}

int World::CommitCount(const std::string& branch) const {
  return Tip(branch) ? std::stoi(Git({"rev-list", "--count", "refs/heads/" + branch})) : 0;
}

nlohmann::json World::Record(const std::string& unit) const {
  if (!Tip("deployments") || Trimmed(Git({"ls-tree", "deployments", unit + ".json"})).empty())
    return nullptr;
  return nlohmann::json::parse(Git({"show", "deployments:" + unit + ".json"}));
}

std::vector<LoggedEvent> World::Events(const std::string& unit) const {
  std::vector<LoggedEvent> events;
  if (!Tip("deployments")) return events;
  const std::string log =
      Git({"log", "--reverse", "--format=%H%x1f%an <%ae>%x1f%s%x1f%(trailers:only,unfold)%x1e",
           "deployments"});
  for (const auto& entry : SplitAt(log, '\x1e')) {
    const auto parts = SplitAt(entry, '\x1f');
    if (parts.size() < 3) continue;
    LoggedEvent event;
    event.commit = parts[0].substr(parts[0].find_first_not_of('\n'));
    event.author = parts[1];
    event.subject = parts[2];
    for (const auto& line : SplitAt(parts.size() > 3 ? parts[3] : "", '\n')) {
      const size_t colon = line.find(": ");
      if (line.rfind("Sluice-", 0) == 0 && colon != std::string::npos) {
        event.trailers[line.substr(7, colon - 7)] = line.substr(colon + 2);
      }
    }
    event.kind = event.trailers["Event"];
    if (event.trailers.count("Application") != 0) {
      event.unit = event.trailers["Environment"] + "/" + event.trailers["Application"];
    }
    if (unit.empty() || event.unit == unit) events.push_back(std::move(event));
  }
  return events;
}

std::vector<std::string> World::EventKinds(const std::string& unit) const {
  std::vector<std::string> kinds;
  for (const auto& event : Events(unit)) kinds.push_back(event.kind);
  return kinds;
}

const KubeApi& World::Cluster(const std::string& name) const { return apis_.at(name); }

nlohmann::json World::Deployment(const std::string& cluster, const std::string& name) const {
  return Cluster(cluster).Get("/apis/apps/v1/namespaces/" + Ns(cluster) + "/deployments/" + name);
}

std::string World::Image(const std::string& cluster, const std::string& deployment) const {
  const nlohmann::json found = Deployment(cluster, deployment);
  return found.is_null()
             ? ""
             : found.at("/spec/template/spec/containers/0/image"_json_pointer).get<std::string>();
}

}  // namespace sluice::e2e
