#include "engine/rollout/promote.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/config/config.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/release_change.h"

namespace sluice::rollout {
namespace {

// The tip's content of the unit has a finished record, or cannot be rolled out before a release
// comes.
bool IsRecorded(const Snapshot& snapshot, const Record* record, const UnitId& unit) {
  const std::string fingerprint = snapshot.FingerprintOf(unit);
  if (record && record->IsOpen()) return false;
  if (ReleaseOf(*snapshot.Find(unit)).digest.empty()) return true;
  if (!record) return false;
  return record->fingerprint == fingerprint || HasFailed(*record, fingerprint);
}

std::vector<std::string> InitialReleases(const deploylog::State& state, const UnitId& from,
                                         const UnitId& to) {
  std::vector<std::string> digests;
  if (!state.initialised) return digests;
  for (const UnitId& unit : {from, to}) {
    const auto it = state.initialised->units.find(unit);
    if (it != state.initialised->units.end() && !it->second.release.digest.empty())
      digests.push_back(it->second.release.digest);
  }
  return digests;
}

std::string ReleasePath(const Services& services, const UnitId& unit) {
  return RepositoryPath(services.options, "environments/" + ToString(unit) + "/release.yaml");
}

// The release with which upstream Succeeded, and its file.
struct Source {
  std::string text;
  Release release;
};
Result<Source> ReadSource(const Services& services, const UnitId& from,
                          const std::string& revision) {
  const std::string path = ReleasePath(services, from);
  SLUICE_TRY(auto text, services.mirror.ReadFile(revision, path));
  if (!text)
    return Fail(ErrorCode::kNotFound,
                path + " is missing at " + revision + "; nothing was promoted");
  SLUICE_TRY(Release release, config::ParseRelease(*text, path));
  return Source{std::move(*text), std::move(release)};
}

// What a promotion leaves in `to`: the release, in the layout of the file there.
Effect EffectOf(const Services& services, const UnitId& to, const ReleaseId& release) {
  const std::string path = ReleasePath(services, to);
  return {path,
          [&services, path, digest = release.digest](const std::string& commit) -> Result<bool> {
            SLUICE_TRY(const auto text, services.mirror.ReadFile(commit, path));
            if (!text) return false;
            const auto found = config::ParseRelease(*text, path);
            return found && found->digest == digest;
          }};
}

// nullopt when the target declares the release already.
Result<std::optional<ConfigChange>> ChangeFor(const Services& services, const Snapshot& tip,
                                              const UnitId& from, const UnitId& to,
                                              const ReleaseId& release,
                                              const std::string& source_revision) {
  const DeclaredUnit* target = tip.Find(to);
  if (!target)
    return Fail(ErrorCode::kNotFound,
                ToString(to) + " is no longer declared; nothing was promoted");
  if (ReleaseOf(*target).digest == release.digest) return std::optional<ConfigChange>();
  SLUICE_TRY(const Source source, ReadSource(services, from, source_revision));
  SLUICE_TRY(auto changed, ChangeRelease(services, tip, *target, source.release, source.text));
  if (!changed) return std::optional<ConfigChange>();
  ConfigChange change;
  change.edits = {std::move(changed->edit)};
  change.subject = "Promote " + to.application +
                   (release.version.empty() ? "" : " " + release.version) + " to " + to.environment;
  change.body = "Succeeded in " + from.environment + " at " + source_revision + "." +
                (changed->note.empty() ? "" : "\n" + changed->note);
  change.trailers = {{"Event", "promoted"},
                     {"Environment", to.environment},
                     {"Application", to.application},
                     {"From", from.environment},
                     {"Release", release.digest}};
  return std::optional(std::move(change));
}

}  // namespace

PromotionView ViewPromotion(const Snapshot& snapshot, const deploylog::State& state,
                            const UnitId& unit, SystemTime now, Asker asker) {
  PromotionView view;
  const DeclaredUnit* declared = snapshot.Find(unit);
  const auto upstream = UpstreamOf(snapshot.declared, unit);
  if (!declared || !upstream) return view;
  view.from = UnitId{*upstream, unit.application};
  promotion::Facts facts;
  facts.now = now;
  facts.from = *view.from;
  facts.to = unit;
  facts.upstream = FindRecord(state, *view.from);
  facts.target = FindRecord(state, unit);
  facts.declared_in_target = ReleaseOf(*declared);
  facts.is_target_recorded = IsRecorded(snapshot, facts.target, unit);
  facts.soak = declared->environment.promotion.soak;
  facts.is_by_person = asker == Asker::kPerson;
  facts.initial_releases = InitialReleases(state, *view.from, unit);
  view.decision = promotion::Choose(facts);
  if (view.decision.kind != promotion::Decision::Kind::kPromote) return view;
  // Promotion looks at the gates before it writes; the rollout looks again.
  const auto gate = gates::Strictest(
      gates::Evaluate(GateFacts(snapshot, state, unit, view.decision.release, "", now)));
  if (gate.decision != gates::Decision::kOpen) {
    view.decision.kind = promotion::Decision::Kind::kWait;
    view.decision.reason = gate.reason;
    view.decision.message = gate.message;
    view.decision.until = gate.until;
  }
  return view;
}

std::string PromotionOperation(const UnitId& to, const ReleaseId& release,
                               const std::string& replaces) {
  return "op-" + Sha256Hex("promote " + ToString(to) + " " + release.digest + " over " + replaces)
                     .substr(0, 16);
}

Result<std::string> CommitPromotion(const Services& services, const git::Person& person,
                                    const UnitId& from, const UnitId& to, const ReleaseId& release,
                                    const std::string& source_revision,
                                    const std::string& operation) {
  const auto decide = [&](const Snapshot& tip) {
    return ChangeFor(services, tip, from, to, release, source_revision);
  };
  return CommitConfigOrFail(services, person, operation, decide, EffectOf(services, to, release));
}

namespace {

// Said in the log once per change of the reason, so that `status` shows it and a restart keeps it.
// The unit itself stands where it is declared and is not Held: only what would enter it waits. A
// rollout of the unit itself speaks for itself.
Result<PassResult> WaitToPromote(Pass& pass, const promotion::Decision& decision) {
  const Record& record = pass.record();
  const bool is_at_rest = record.phase == Phase::kIdle && record.outcome == Outcome::kSucceeded;
  if (is_at_rest) {
    SLUICE_CHECK(pass.Push(life::PromotionWaits(
        record, AtTip(pass), decision.release, decision.reason, decision.message, decision.until)));
  }
  return PassResult{Standing::kHeld, decision.until, false, decision.reason, decision.message};
}

promotion::Decision Refused(promotion::Decision decision, std::string reason, std::string message) {
  decision.kind = promotion::Decision::Kind::kHold;
  decision.reason = std::move(reason);
  decision.message = std::move(message);
  decision.until.reset();
  return decision;
}

// An error that is the target's or the branch's answer, not a fault.
std::optional<promotion::Decision> ToRefusal(const promotion::Decision& decision,
                                             const Error& error) {
  if (error.reason() == "PushRefused")
    return Refused(decision, "PromotionRefused", error.message());
  if (error.reason() == "ConfigInvalid") return Refused(decision, error.reason(), error.message());
  return std::nullopt;
}

// Looked at before anything is recorded: what stands against this very promotion.
Result<std::optional<promotion::Decision>> FindRefusal(Pass& pass, const PromotionView& view,
                                                       const std::string& operation) {
  const promotion::Decision& decision = view.decision;
  const Services& services = pass.services;
  if (pass.record().promote_operation == operation) {
    SLUICE_TRY(const auto done,
               FindOperation(services, pass.snapshot->revision, decision.source_revision, operation,
                             EffectOf(services, pass.unit, decision.release)));
    if (done) {
      return std::optional(
          Refused(decision, "PromotionUndone",
                  "this release was promoted by " + done->substr(0, 7) +
                      " and somebody took it back; bring it again with `sluice promote " +
                      ToString(pass.unit) + "`"));
    }
  }
  const auto change = ChangeFor(services, *pass.snapshot, *view.from, pass.unit, decision.release,
                                decision.source_revision);
  if (change) return std::optional<promotion::Decision>();
  auto refusal = ToRefusal(decision, change.error());
  if (!refusal) return Fail(Error(change.error()).With("promoting to " + ToString(pass.unit)));
  return refusal;
}

}  // namespace

Result<PassResult> PromoteIfDue(Pass& pass) {
  const DeclaredUnit* declared = pass.declared();
  if (!declared || declared->environment.promotion.mode != PromotionMode::kAuto ||
      pass.record().frozen)
    return PassResult{};
  const auto view =
      ViewPromotion(*pass.snapshot, *pass.state, pass.unit, pass.Now(), Asker::kEngine);
  const promotion::Decision& decision = view.decision;
  using Kind = promotion::Decision::Kind;
  if (decision.kind == Kind::kWait || decision.kind == Kind::kHold) {
    return WaitToPromote(pass, decision);
  }
  if (decision.kind != Kind::kPromote) return PassResult{};
  const std::string operation =
      PromotionOperation(pass.unit, decision.release, ReleaseOf(*declared).digest);
  SLUICE_TRY(const auto refusal, FindRefusal(pass, view, operation));
  if (refusal) return WaitToPromote(pass, *refusal);
  const Record& record = pass.record();
  // Recorded before the push: a crash between the two finds the operation here and only pushes.
  if (record.promote_operation != operation) {
    // What a pass does not know yet may have promoted, or reverted, already.
    SLUICE_TRY(const std::string tip, FetchTip(pass.services));
    if (tip != pass.snapshot->revision) return PassResult{.look_again = true};
    SLUICE_CHECK(pass.Push(life::PromotionBegan(record, AtTip(pass), view.from->environment,
                                                decision.release, operation)));
  }
  auto committed =
      CommitPromotion(pass.services, pass.services.options.identity, *view.from, pass.unit,
                      decision.release, decision.source_revision, operation);
  if (committed) return PassResult{.look_again = true};
  if (const auto late = ToRefusal(decision, committed.error())) return WaitToPromote(pass, *late);
  return Fail(std::move(committed).error().With("promoting to " + ToString(pass.unit)));
}

}  // namespace sluice::rollout
