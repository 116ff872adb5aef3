// One look at Git: lists the config branch, the log branch and the lease in one listing, fetches
// what moved, and loads the declared state at the tip.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "engine/base/guarded.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"

namespace sluice::daemon {

class Poller {
 public:
  explicit Poller(const rollout::Services& services) : services_(services) {}

  struct View {
    std::shared_ptr<const rollout::Snapshot> snapshot;  // null before the first successful poll
  };
  View Get() const;

  // Tries to take the lease as it stands in the remote now.
  Status TryLease();
  // Needs the lease; one at a time, whoever calls. True when something moved. kCorrupted
  // (HistoryRewritten, LogRewritten, LogMissing) and LogOfAnotherPipeline stop syncing until a
  // person acts.
  Result<bool> Poll();
  // From now on a config branch that was rewritten is accepted, and the log says so. Before the
  // first Poll.
  void AcceptRewrittenHistory() { accepts_rewritten_ = true; }

 private:
  Result<std::map<std::string, std::string>> List();
  Status TakeConfig(const std::string& tip);
  Status CheckHistory(const std::string& tip);
  Status FindAcceptance();
  Result<bool> IsAcceptedElsewhere(const std::string& seen, const std::string& tip);
  Status BeginLog();

  const rollout::Services& services_;
  bool accepts_rewritten_ = false;
  // The newest tip at which a person accepted a rewrite, "" for none, as told by the log at its
  // tip.
  struct {
    std::string log_tip, config_tip;
  } acceptance_;
  Guarded<View> view_;
  std::mutex polling_;
};

// The local ref that remembers the newest config tip that was accepted.
std::string SeenRef(const std::string& branch);

}  // namespace sluice::daemon
