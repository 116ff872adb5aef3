// Engines that share one real bare repository, each with its own mirror, clock and state, and a
// remote that can be made to fail on the way.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/base/effects.h"
#include "engine/base/metrics.h"
#include "engine/deploylog/deploy_log.h"
#include "engine/deploylog/lease.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::deploylog {

inline const std::string kBranch = "deployments";
inline const std::string kBranchRef = "refs/heads/deployments";
inline const std::string kLeaseRef = "refs/sluice/lease/deployments";
inline const UnitId kUnit{"prod", "checkout"};
inline const git::Person kAda{"Ada Lovelace", "ada@example.test"};

// Passes everything on, but for what it was told to do with the next pushes. Thread-safe.
class FaultyRemote final : public git::Remote {
 public:
  explicit FaultyRemote(git::Remote& real) : real_(real) {}

  enum class Fault {
    kLandsUnknown,  // it lands, but the answer is lost
    kLostUnknown,   // it never arrives, and nobody knows
    kRefused,
  };
  void FailNextPushes(std::deque<Fault> faults);
  void FailLists(bool fail) { lists_fail_ = fail; }
  // Called in the pushing thread before each push goes out, or each listing.
  std::function<void()> before_push;
  std::function<void()> before_list;

  // Pushes wait until opened.
  void CloseGate();
  void OpenGate();
  void WaitForPushAtGate();

  int pushes() const { return pushes_; }
  int fetches() const { return fetches_; }
  int lists() const { return lists_; }

  Result<std::map<std::string, std::string>> List(const std::vector<std::string>& refs,
                                                  const Call& call) override;
  Status Fetch(const std::vector<std::string>& refs, const Call& call) override;
  Result<git::PushResult> Push(const std::vector<git::RefUpdate>& updates,
                               const Call& call) override;

 private:
  git::Remote& real_;
  std::atomic<int> pushes_ = 0, fetches_ = 0, lists_ = 0;
  std::atomic<bool> lists_fail_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Fault> faults_;
  bool is_closed_ = false;
  int at_gate_ = 0;
};

// The shared bare repository, with one commit on main.
struct Hub {
  Hub();
  std::string Git(const std::vector<std::string>& arguments) const {
    return git::Git(path, arguments);
  }
  // Adds a commit made by hand to the log branch; "" as content removes the file.
  std::string EditLog(const std::map<std::string, std::string>& files,
                      const std::string& message = "by hand") const;

  std::string path;
  std::string revision;  // of main
};

struct Engine {
  Engine(const Hub& hub, std::string id, std::string data_dir = git::MakeTemporaryDirectory());
  // A command: no lease, same data directory layout.
  static std::unique_ptr<Engine> Command(const Hub& hub,
                                         std::string data_dir = git::MakeTemporaryDirectory());

  Call MakeCall() const { return {clock.SteadyNow() + std::chrono::seconds(120), {}}; }
  std::string ListTip();
  Status Refresh() { return log->Refresh(ListTip(), MakeCall()); }
  // Takes the lease as it is listed now.
  Status Acquire();
  Status Append(Entry entry) { return log->Append(std::move(entry), MakeCall()); }
  std::shared_ptr<const State> Get() const { return log->Get(); }

  std::string id, data_dir;
  testing::FakeClock clock;
  Metrics metrics;
  Effects effects;
  std::unique_ptr<git::Mirror> mirror;
  std::unique_ptr<git::Remote> real_remote;
  std::unique_ptr<FaultyRemote> remote;
  std::unique_ptr<Lease> lease;
  std::unique_ptr<DeployLog> log;

 private:
  Engine(const Hub& hub, std::string engine_id, std::string directory, bool has_lease);
};

// A running engine: lease held, log read.
std::unique_ptr<Engine> StartEngine(const Hub& hub, const std::string& id,
                                    std::string data_dir = git::MakeTemporaryDirectory());

Record MakeRecord(const UnitId& unit = kUnit, const std::string& reason = "");
Entry MakeEntry(EventKind kind = EventKind::kStarted, const UnitId& unit = kUnit,
                const std::string& reason = "");

// Commits on the log branch.
std::string Count(const Hub& hub);

// A request of kAda's for kUnit; returns its id.
std::string Ask(const Engine& command, const std::string& verb, const std::string& reason = "");

}  // namespace sluice::deploylog
