// One attempt to bring a unit to what is declared for it (deploy.h): private to deploy.cc, which
// runs it, deploy_prepare.cc, which renders, plans, and settles what needs no run,
// deploy_judge.cc, prune_leftovers.cc and late_arrivals.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/judge/scope.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/target_session.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::rollout {

class Attempt {
 public:
  explicit Attempt(Pass& pass)
      : pass_(pass),
        services_(pass.services),
        record_(pass.record()),
        unit_(*pass.declared()),
        fingerprint_(pass.snapshot->FingerprintOf(pass.unit)),
        stands_on_verdict_(judge::StandsOnVerdict(pass.record())),
        watch_(services_, pass.unit, fingerprint_) {}

  Result<PassResult> Run();
  Result<PassResult> PruneLeftovers();

 private:
  // A result when the pass ends here.
  Result<std::optional<PassResult>> MakePlan();
  const FailedContent* SameFailure() const;
  Result<PassResult> OnNoPlan(const Error& error);
  std::set<std::string> AskedToAdopt() const;
  Result<std::optional<PassResult>> AskGates();
  Status TakeAdoptions();
  bool PruneWaits() const;
  std::vector<Leaving> StillLeaving() const;
  std::optional<Result<PassResult>> Settle();
  std::optional<Result<PassResult>> SettleReturn();
  Result<PassResult> RecordUnrun(Result<life::Moved> moved);
  Result<PassResult> AdoptWithoutRun();
  Result<PassResult> SettleRefused(const Plan& plan);
  std::optional<Result<PassResult>> SettleUnrun(const Plan& plan);
  Status RecordStarted();
  life::Start DescribeStart();
  deploylog::Entry StartEntry();
  life::Success DescribeSuccess();
  deploylog::Entry GoodEntry();
  Result<PassResult> RunTargets();
  StepEnd RunTarget(TargetSession& session);
  Result<std::optional<PassResult>> FindAgain();
  Status LookBefore();
  StepEnd RunHealth(TargetSession& session);
  void DescribeHealth(life::Success& success) const;
  SystemTime HealthDeadline(const TargetSession& session);
  StepEnd Prune();
  StepEnd NothingCameBack(const deploylog::Inventory& before);
  Status TellPrune(const std::string& going);
  Status TellPruned(const std::vector<Leaving>& before, const deploylog::Inventory& known);
  PassResult PruneLater(const std::string& reason, const std::string& message);
  Result<PassResult> Succeed();
  // `target`: where it ended; "" for all.
  Result<PassResult> End(const StepEnd& end, const std::string& target = "");
  Result<PassResult> OnInterruption(Interruption interruption);
  Result<PassResult> OnNoVerdict(const StepEnd& end);
  Status Enter(const Plan& plan);
  bool GoesOn() const { return life::GoesOn(record_, fingerprint_); }
  bool IsOverdue() const;
  bool IsReadOnly() const;
  std::string Pipeline() const;

  Pass& pass_;
  const Services& services_;
  const Record& record_;
  const DeclaredUnit& unit_;
  std::string fingerprint_;
  bool stands_on_verdict_;  // live does, before this attempt
  InterruptWatch watch_;
  bool is_retry_ = false;  // of this attempt, after an error
  RenderedUnit content_;
  std::string digest_;  // of what is rendered
  std::vector<TargetSession> sessions_;
  deploylog::Inventory inventory_;
  std::set<std::string> adopting_;           // inventory lines, "*" for all
  std::vector<std::string> adopt_requests_;  // ids that this attempt uses up
  std::vector<verify::TestResult> smoke_;
  std::map<std::string, HealthEnd> health_;  // by target
  std::set<ObjectRef> replaced_;             // gone, and others made an object of the name
  std::string notes_;                        // for the body of the outcome's message
};

}  // namespace sluice::rollout
