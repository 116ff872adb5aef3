// One attempt to bring a unit to what is declared for it (deploy.h): private to deploy.cc, which
// runs it, deploy_prepare.cc, which renders, plans, and settles what needs no run, and
// prune_leftovers.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/recorder.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {

class Attempt {
 public:
  explicit Attempt(Pass& pass)
      : pass_(pass),
        services_(pass.services),
        record_(pass.record),
        unit_(*pass.declared()),
        fingerprint_(pass.snapshot->FingerprintOf(pass.unit)),
        watch_(services_, pass.unit, fingerprint_) {}

  Result<PassResult> Run();
  Result<PassResult> PruneLeftovers();

 private:
  Status Render();
  Result<PassResult> OpenTargets();
  PlanRequest MakeRequest();
  Status TakeAdoptions();
  bool PruneWaits() const;
  std::optional<Result<PassResult>> Settle();
  Result<PassResult> RecordUnrun(EventKind kind, const std::string& summary, Trailers more);
  Result<PassResult> AdoptWithoutRun();
  Status RecordStarted();
  Result<PassResult> RunTargets();
  StepEnd RunTarget(TargetSession& session);
  SystemTime HealthDeadline(const TargetSession& session);
  StepEnd Prune();
  PassResult PruneLater(const std::string& reason, const std::string& message);
  Result<PassResult> Succeed();
  Result<PassResult> End(const StepEnd& end);
  Result<PassResult> OnInterruption(Interruption interruption);
  Result<PassResult> OnNoVerdict(const StepEnd& end);
  void BeginRecord();
  bool IsContinuation() const;
  bool IsReadOnly() const;
  std::string Pipeline() const;

  Pass& pass_;
  const Services& services_;
  Record& record_;
  const DeclaredUnit& unit_;
  std::string fingerprint_;
  InterruptWatch watch_;
  bool is_retry_ = false;  // of this attempt, after an error
  std::unique_ptr<SourceTree> tree_;
  std::vector<Resource> resources_;
  std::vector<TargetSession> sessions_;
  deploylog::Inventory inventory_;
  std::vector<std::string> adopt_requests_;  // ids that this attempt uses up
  std::vector<verify::TestResult> smoke_;
  std::string notes_;  // for the body of the outcome's message
};

}  // namespace sluice::rollout
