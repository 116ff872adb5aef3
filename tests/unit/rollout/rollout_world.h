// One unit, prod/web (and where a case brings it, dev/web before it), on a real bare repository and
// clusters in memory; passes are taken one by one and time stands still between them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/http_client.h"
#include "engine/io/outbox.h"
#include "engine/rollout/reconcile.h"
#include "tests/support/catch.h"
#include "tests/support/fake_target.h"
#include "tests/support/kinds.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::rollout {

using testing::FakeCluster;

using Files = std::map<std::string, std::string>;

inline const UnitId kWeb{"prod", "web"};
inline const ObjectRef kConfigMap{"", "ConfigMap", "shop", "web"};
inline const ObjectRef kOld{"", "ConfigMap", "shop", "old"};
inline const ObjectRef kDeployment{"apps", "Deployment", "shop", "web"};
inline const ObjectRef kWidget{"x.example", "Widget", "shop", "w"};
inline const std::string kFinalizer = "finalizer example.test/hold";  // for FakeCluster::Hold
inline const std::string kDirectory = "environments/prod/web/";

// environment.yaml of prod with two targets, eu and us; `more` is added to its spec, one "  key:
// value" a line.
std::string EnvironmentYaml(const std::string& more = "");
// app.yaml on these targets, with `more` in its spec.
std::string AppYaml(const std::string& targets = "[eu]", const std::string& more = "");
std::string ReleaseYaml(const std::string& tag);
std::string ConfigMapYaml(const std::string& name, const std::string& value = "1");
// The whole repository, with release `tag`.
Files Shop(const std::string& tag = "good1");
// With ConfigMap `old`, too.
Files WithOld();
// In an app.yaml: a smoke test that asks the world's HTTP.
inline const std::string kSmokeTest =
    "  smokeTests: [{name: up, http: {url: \"http://web.example/\"}}]\n";

// Answers every request alike.
class ScriptedHttp final : public HttpClient {
 public:
  std::atomic<int> status = 200;  // 0: no answer
  std::function<void()> on_request;

  Result<HttpResponse> Send(const HttpRequest& request, const Call& call) override;
  std::vector<Result<HttpResponse>> SendAll(const std::vector<HttpRequest>& requests,
                                            const Call& call) override;
};

class World {
 public:
  explicit World(const Files& files = Shop());

  // A commit on main by a developer; "" as content removes the file. Returns its id.
  std::string Commit(const Files& files, const std::string& message = "change\n");
  // Puts a request of an operator into the log.
  void Request(const std::string& verb);
  // One look at the unit with everything that Git holds now.
  Result<PassResult> TryPass(bool is_drift_due = false, const UnitId& unit = kWeb);
  PassResult Pass(bool is_drift_due = false, const UnitId& unit = kWeb);
  // Until a pass neither asks for another look nor adds to the log.
  PassResult Settle();
  // Another process on the same data directory takes over: memory is gone, the outbox is not.
  void Restart();
  // Replaces the history of main by one commit with the same files, and starts on an empty data
  // directory: the commits of before are nowhere any more.
  void Rewrite();

  Record Get(const UnitId& unit = kWeb);
  // Events of the log that concern units, oldest first.
  std::vector<std::string> Events() const;
  std::string LastEvent() const;
  std::string LastMessage() const { return hub.Git({"log", "-1", "--format=%B", "deployments"}); }
  // Of the log's newest commit; "" without it.
  std::string Trailer(const std::string& key) const {
    return hub.Git({"log", "-1",
                    "--format=%(trailers:key=Sluice-" + key + ",valueonly,separator=%x2C)",
                    "deployments"});
  }
  std::string Main() const { return hub.Git({"rev-parse", "main"}); }
  std::string TreeOf(const std::string& revision) const {
    return hub.Git({"rev-parse", revision + ":environments/prod/web"});
  }
  int CommitCount(const std::string& branch) const {
    return std::stoi(hub.Git({"rev-list", "--count", branch}));
  }
  deploylog::Inventory Inventory();
  size_t OutboxSize();

  // The image tag that a cluster's Deployment has; "" without one.
  static std::string TagIn(const FakeCluster& cluster);

  deploylog::Hub hub;
  git::TestMirror work;  // a developer's
  std::string data_dir = git::MakeTemporaryDirectory();
  FakeCluster eu, us;
  ScriptedHttp http;
  std::atomic<bool> lease_is_renewed = true;  // in the background, while rollouts wait
  std::atomic<Interruption> interruption = Interruption::kNone;
  Effects effects;
  std::unique_ptr<Outbox> outbox;
  yaml::Cache yaml;
  TargetKinds kinds = testing::Kinds();
  std::unique_ptr<deploylog::Engine> engine;
  std::unique_ptr<verify::Verifier> verifier;
  std::unique_ptr<Services> services;
  int errors_in_row = 0;
  int heals_in_row = 0;
  std::function<void(Options&)> change_options;

 private:
  void Start();
  void KeepLease();
};

}  // namespace sluice::rollout
