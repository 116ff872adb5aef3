// One world for an end-to-end case: a config repo behind real git, clusters, and the real `sluice`
// program.
//
// A case is written once and runs on the sandbox (a `sluice sandbox` process of its own) or, when
// SLUICE_REAL_DIR names a running plane of tests/real/kubernetes/controlplane.sh, on that. Clusters
// are the contexts dev, staging and prod; each has a namespace of this world alone, made by an
// administrator as a platform team would. What goes wrong in the set-up throws; what the case is
// about is for the case to check. SLUICE_BIN names another program; SLUICE_KEEP=1 keeps the
// directory.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/e2e/kube_api.h"
#include "tests/support/e2e/process.h"

namespace sluice::e2e {

enum class Transport { kPath, kHttp, kSsh };  // how sluice reaches the config repo

struct WorldOptions {
  std::vector<std::string> clusters = {"dev", "staging", "prod"};
  std::vector<std::string> faults;  // sandbox only: --fault
  bool may_manage_cluster =
      false;  // the engine may make namespaces and types, too (ClusterRole sluice-platform)
  Transport transport = Transport::kPath;
  std::string daemon_spec;  // further lines under daemon.yaml's spec, indented by two
};

struct EnvironmentSpec {
  std::string name;
  std::string promotion = "manual";  // auto | manual
  std::string soak = "0s";
  std::string more;     // further lines under spec, indented by two
  std::string targets;  // lines of spec.targets' list, indented by four; "": one target `main`,
                        // cluster and namespace of `name`
};

struct AppSpec {
  std::string name = "web";
  std::string tag = "good-1";
  std::string version = "1";
  int replicas = 1;
  std::string health_timeout = "30s";
  bool has_smoke_test = true;  // one GET through the HTTP front
  std::string more;            // further lines under app.yaml's spec, indented by two
  std::string strategy;  // one line for the Deployment's spec.strategy, e.g. "{type: Recreate}"
};

// One commit of the log branch, as stock git tells it.
struct LoggedEvent {
  std::string commit, author, subject;
  std::string kind;                             // Sluice-Event
  std::map<std::string, std::string> trailers;  // without the prefix
  std::string unit;                             // "dev/web", "" when it names none
};

// One create, update, patch or delete that the API server saw from the engine.
struct SeenRequest {
  std::string verb, uri;  // an apply is a patch
  bool is_dry_run = false;
};

class World {
 public:
  explicit World(WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static bool IsReal();  // on the real control plane

  const std::string& Dir() const { return dir_; }
  std::string Ns(const std::string& cluster) const;
  std::string DataDir() const { return dir_ + "/data"; }
  std::string DaemonYaml() const { return dir_ + "/daemon.yaml"; }
  std::string Kubeconfig() const;
  // "http://127.0.0.1:M/dev/<namespace>/<service>": answers as the workload behind the Service
  // would.
  std::string Front(const std::string& cluster, const std::string& service) const;

  // --- the config repo, as a developer's work tree
  // -------------------------------------------------------------
  void Write(const std::string& path, const std::string& text);
  void Remove(const std::string& path);  // file or directory
  std::string Read(const std::string& path) const;
  // sluice.yaml and an environment.yaml each.
  void WritePipeline(const std::vector<EnvironmentSpec>& environments);
  // app.yaml, release.yaml, a Deployment and a Service of the application's name.
  void WriteApp(const std::string& environment, const AppSpec& app);
  void WriteRelease(const std::string& environment, const std::string& app, const std::string& tag,
                    const std::string& version);
  // --- the server of the config repo, where the transport is kHttp or kSsh
  const std::string& RemoteUrl() const { return remote_url_; }
  // kHttp: the one user is `deployer`, and his token is in the file that daemon.yaml names.
  std::string TokenFile() const { return dir_ + "/git-token"; }
  void SetGitServerMode(const std::string& words);  // kHttp: see git_http_server.py
  // kHttp: "METHOD PATH protocol=... authorization=yes|no" for each request, oldest first.
  std::vector<std::string> GitRequests() const;
  void StopGitServer() { git_server_.reset(); }

  // Commits everything and pushes; returns the commit.
  std::string Commit(const std::string& subject);
  // Brings the work tree to origin's tip (after a revert or a promotion) and returns it.
  std::string Pull();

  // --- sluice
  // --------------------------------------------------------------------------------------------------
  // Added to the environment of the programs started from now on, e.g. SLUICE_CRASH_AFTER_EFFECT.
  std::map<std::string, std::string> env;
  // `sluice -c daemon.yaml ARGS...`, with `deadline` for the whole call.
  Ran Sluice(const std::vector<std::string>& args, seconds deadline = seconds(180)) const;
  // Without -c.
  Ran SluicePlain(const std::vector<std::string>& args, seconds deadline = seconds(60)) const;
  // `sluice -c daemon.yaml run`.
  std::unique_ptr<Child> StartDaemon(const std::vector<std::string>& args = {});
  std::unique_ptr<Child> StartDaemonWith(const std::string& daemon_yaml,
                                         const std::vector<std::string>& args = {});
  // Another daemon.yaml of this world, with another dataDir: a second engine. Returns its path.
  std::string WriteDaemonYaml(const std::string& name, const std::string& more = "");
  // DaemonYaml() with `text` for what the regular expression matches, and a dataDir of its own.
  // Returns its path.
  std::string ChangedDaemonYaml(const std::string& name, const std::string& pattern,
                                const std::string& text) const;
  Ran SluiceWith(const std::string& daemon_yaml, const std::vector<std::string>& args,
                 seconds deadline = seconds(180)) const;

  // --- what happened, told by stock git from the origin
  // ---------------------------------------------------------
  std::string Git(
      const std::vector<std::string>& args) const;  // in the bare origin; throws when git fails
  std::optional<std::string> Tip(const std::string& branch) const;
  int CommitCount(const std::string& branch) const;
  nlohmann::json Record(const std::string& unit) const;                 // null when there is none
  std::vector<LoggedEvent> Events(const std::string& unit = "") const;  // oldest first
  std::vector<std::string> EventKinds(const std::string& unit = "") const;

  // --- the clusters, as an administrator
  // ------------------------------------------------------------------------
  const KubeApi& Cluster(const std::string& name) const;
  nlohmann::json Deployment(const std::string& cluster,
                            const std::string& name) const;  // null when absent
  std::string Image(const std::string& cluster,
                    const std::string& deployment) const;  // "" when absent
  // Writes and dry runs of the engine in this world's namespaces, oldest first, from the API
  // server's audit log; on the sandbox also those that name no namespace.
  std::vector<SeenRequest> Requests() const;
  size_t WriteCount() const;  // of these, without the dry runs

 private:
  std::map<std::string, std::string> Environment() const;
  void StartSandbox();
  void MakeNamespaces();
  void BindEngine(const std::string& cluster) const;
  void MakeRepository();
  void ServeOverHttp();
  void ServeOverSsh();
  std::string GitIn(const std::string& directory, const std::vector<std::string>& args) const;

  WorldOptions options_;
  std::string dir_, id_, clusters_dir_, front_, remote_url_, repository_more_;
  std::unique_ptr<Child> sandbox_, git_server_;
  std::map<std::string, KubeApi> apis_;
  int daemons_ = 0;
};

}  // namespace sluice::e2e
