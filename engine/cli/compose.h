// The one place where real implementations are built and wired together.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/base/effects.h"
#include "engine/base/metrics.h"
#include "engine/cli/command.h"
#include "engine/daemon/lane.h"
#include "engine/io/files.h"
#include "engine/io/http_client.h"
#include "engine/io/outbox.h"
#include "engine/model/config.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"
#include "engine/targets/target_driver.h"

namespace sluice::cli {

// Reads daemon.yaml. `path` "" means SLUICE_CONFIG; neither set is kInvalidArgument.
Result<DaemonConfig> ReadConfig(const std::string& path);

// The kinds of target there are.
const TargetKinds& Kinds();

enum class Role {
  kEngine,    // run, sync: locks dataDir, may hold the lease, writes live and log
  kOperator,  // everything else: its own cache of the repo, writes at most commits and requests
};

// Log lines as the flags say, else as daemon.yaml does.
void ConfigureLog(const Global& global, const DaemonConfig& config);

// Owns everything Services refers to. Not movable: the parts refer to each other.
class Composition {
 public:
  static Result<std::unique_ptr<Composition>> Make(DaemonConfig config, Role role,
                                                   const std::string& command);
  ~Composition();

  const DaemonConfig& config() const { return config_; }
  Metrics& metrics() { return metrics_; }
  deploylog::DeployLog& log() { return *log_; }
  git::Mirror& mirror() { return *mirror_; }
  git::Remote& remote() { return *remote_; }
  const daemon::LaneClock& clock() const { return clock_; }
  const std::string& engine_id() const { return engine_id_; }
  // A copy per engine or command; `stop` and `interrupted` are the caller's to set.
  rollout::Services MakeServices();
  // The config branch's tip, fetched.
  Result<std::string> FetchTip();
  // Names the repository, or the setting of it to correct, in an error that does not.
  Error Located(Error error) const;
  // Lists and fetches branch and log, and refreshes the log. For commands that read or commit. An
  // absent log is an empty state.
  Result<std::shared_ptr<const rollout::Snapshot>> Fetch();

 private:
  Composition(DaemonConfig config)
      : config_(std::move(config)), effects_(Effects::FromEnvironment()) {}
  Status OpenDirectories(Role role);
  Status OpenGit(Role role, const std::string& command);
  Status OpenTargets();
  targets::TargetConnections& ConnectionsOf(const Target& target) const;
  DaemonConfig config_;
  daemon::LaneClock clock_;
  Metrics metrics_;
  Effects effects_;
  yaml::Cache yaml_;
  std::string state_dir_;  // dataDir, or the operator's cache
  std::string engine_id_;
  std::string hmac_key_;
  std::optional<FileLock> lock_;
  std::optional<TemporaryDirectory> temporary_;
  std::optional<Outbox> outbox_;
  std::unique_ptr<HttpClient> smoke_http_;
  std::unique_ptr<git::Mirror> mirror_;
  std::unique_ptr<git::Remote> remote_;
  std::unique_ptr<deploylog::Lease> lease_;
  std::unique_ptr<deploylog::DeployLog> log_;
  std::map<std::string, std::unique_ptr<targets::TargetConnections>> targets_;  // by kind
  std::unique_ptr<verify::Verifier> verifier_;
};

}  // namespace sluice::cli
