#include "engine/rollout/live_steps.h"

#include <algorithm>
#include <functional>

#include "engine/base/log.h"
#include "engine/render/render.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {
namespace {

StepEnd FromWrites(const std::vector<targets::PreparedObject>& objects,
                   const std::vector<targets::WriteResult>& results, const std::string& doing) {
  // A verdict about the content outweighs a fault that may pass.
  const targets::WriteResult* worst = nullptr;
  size_t at = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].status) continue;
    const bool condemns = Judge(FromError(results[i].status.error().code())) == Verdict::kFailed;
    if (!worst || condemns) {
      worst = &results[i];
      at = i;
      if (condemns) break;
    }
  }
  if (!worst) return {};
  const Error& error = worst->status.error();
  return Happened(FromError(error.code()), error, doing + " " + ToString(objects[at].resource.ref));
}

constexpr Duration kLeasePoll{100};

// Until a write may be sent. A late lease is waited for, as long as nothing interrupts.
StepEnd AwaitPermission(const Services& services, Permission permission, InterruptWatch& watch) {
  while (true) {
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    const auto may = services.MayWriteLive(permission);
    if (may) return {};
    if (may.error().reason() != targets::kReasonLeaseLate)
      return Happened(Happening::kInternal, may.error());
    services.clock.Sleep(kLeasePoll, watch.token());
  }
}

bool WaitsForLease(const targets::WriteResult& result) {
  return !result.status && result.status.error().reason() == targets::kReasonLeaseLate;
}

using Objects = std::vector<targets::PreparedObject>;
using Write = std::function<std::vector<targets::WriteResult>(const Objects& objects)>;

// One result an object. What the lease kept from being written is written when it is held again;
// `end` says why that did not come.
std::vector<targets::WriteResult> WriteAll(const Services& services, Permission permission,
                                           InterruptWatch& watch, const Objects& objects,
                                           const Write& write, StepEnd& end) {
  auto results = write(objects);
  while (std::ranges::any_of(results, WaitsForLease)) {
    end = AwaitPermission(services, permission, watch);
    if (!end.is_ok()) break;
    Objects left;
    std::vector<size_t> places;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!WaitsForLease(results[i])) continue;
      left.push_back(objects[i]);
      places.push_back(i);
    }
    auto later = write(left);
    for (size_t k = 0; k < later.size(); ++k) results[places[k]] = std::move(later[k]);
  }
  return results;
}

// Not-healthy ones first line by line, at most ten.
std::string Describe(const std::vector<ObjectHealth>& objects) {
  std::string out;
  int lines = 0;
  for (const ObjectHealth& object : objects) {
    if (object.health == Health::kHealthy || object.health == Health::kSuspended || lines == 10)
      continue;
    out += ToString(object.ref) + " " + std::string(ToString(object.health)) +
           (object.reason.empty() ? "" : " " + object.reason) +
           (object.message.empty() ? "" : ": " + object.message) + "\n";
    ++lines;
  }
  return out;
}

// What is Healthy for a reason, a line each: nobody reports on it, it waits by design.
std::string Notes(const std::vector<ObjectHealth>& objects) {
  std::string out;
  for (const ObjectHealth& object : objects) {
    const bool is_note = object.health == Health::kHealthy && !object.reason.empty();
    if (is_note) out += ToString(object.ref) + " " + object.reason + ": " + object.message + "\n";
  }
  return out;
}

// No deadline condemns what nobody reports on.
void Acquit(std::vector<ObjectHealth>& objects) {
  for (ObjectHealth& object : objects) {
    if (!object.is_unreported) continue;
    object.health = Health::kHealthy;
    object.reason = "NotReported";
  }
}

const ObjectHealth* FirstBad(const std::vector<ObjectHealth>& objects, bool only_terminal) {
  for (const ObjectHealth& object : objects) {
    if (only_terminal ? object.is_terminal
                      : object.health != Health::kHealthy && object.health != Health::kSuspended) {
      return &object;
    }
  }
  return nullptr;
}

StepEnd Unhealthy(Happening happening, const std::vector<ObjectHealth>& objects,
                  const ObjectHealth& bad) {
  StepEnd end;
  end.kind = StepEnd::Kind::kHappened;
  end.happening = happening;
  end.reason = bad.reason.empty() ? std::string(DefaultReason(happening)) : bad.reason;
  end.message = ToString(bad.ref) + " is " + std::string(ToString(bad.health)) +
                (bad.message.empty() ? "" : ": " + bad.message);
  end.detail = Describe(objects);
  return end;
}

// One stage's objects: those in whose place another one is, and the rest.
struct Split {
  std::vector<targets::PreparedObject> replaced, others;
};
Split SplitOf(const TargetSession& session, const std::vector<targets::PreparedObject>& objects) {
  Split split;
  for (const auto& object : objects)
    (session.IsReplaced(object.resource.ref) ? split.replaced : split.others).push_back(object);
  return split;
}

// Asks the server about what the plan could not: objects whose type or namespace came with an
// earlier stage, and whether what is replaced may be deleted.
StepEnd DryRunStage(const Services& services, TargetSession& session, const Split& split,
                    targets::Force force) {
  using targets::WriteMode;
  std::vector<targets::PreparedObject> unasked;
  for (const auto& object : split.others) {
    if (!session.IsForeseen(object.resource.ref)) unasked.push_back(object);
  }
  if (!unasked.empty()) {
    const auto results = session.driver->Apply(unasked, session.live, WriteMode::kDryRun, force,
                                               services.WriteCall());
    if (StepEnd end = FromWrites(unasked, results, "dry run of"); !end.is_ok()) return end;
  }
  if (split.replaced.empty()) return {};
  const auto rooms = session.driver->MakeRoom(split.replaced, session.live, WriteMode::kDryRun,
                                              services.WriteCall());
  return FromWrites(split.replaced, rooms, "dry run of replacing");
}

// Deletes what is replaced. From here to the apply that follows nothing interrupts: an object that
// is away must not stay away. Those whose place is free now join `split.others`.
StepEnd MakeRoom(const Services& services, TargetSession& session, Permission permission,
                 InterruptWatch& watch, Split& split) {
  if (split.replaced.empty()) return {};
  StepEnd kept_out;
  const auto rooms = WriteAll(
      services, permission, watch, split.replaced,
      [&](const Objects& objects) {
        const Call call{services.clock.SteadyNow() + services.options.stage_timeout, {}};
        return session.driver->MakeRoom(objects, session.live, targets::WriteMode::kApply,
                                        services.Writing(call, permission));
      },
      kept_out);
  for (size_t i = 0; i < rooms.size(); ++i) {
    if (!rooms[i].status) continue;
    session.live.objects.erase(split.replaced[i].resource.ref);  // the new one has no past
    split.others.push_back(split.replaced[i]);
    targets::PreparedObject& anew = split.others.back();
    if (!anew.whole.is_null()) anew.resource.body = anew.whole;
  }
  return kept_out.is_ok() ? FromWrites(split.replaced, rooms, "replacing") : kept_out;
}

StepEnd WriteStage(const Services& services, TargetSession& session, const ApplyOptions& options,
                   InterruptWatch& watch, Split& split) {
  if (StepEnd end = AwaitPermission(services, options.permission, watch); !end.is_ok()) return end;
  const StepEnd room = MakeRoom(services, session, options.permission, watch, split);
  StepEnd kept_out;
  const auto results = WriteAll(
      services, options.permission, watch, split.others,
      [&](const Objects& objects) {
        return session.driver->Apply(objects, session.live, targets::WriteMode::kApply,
                                     options.force, services.WriteCall(options.permission));
      },
      kept_out);
  for (size_t i = 0; i < results.size(); ++i)
    session.applied[split.others[i].resource.ref] = results[i];
  if (!kept_out.is_ok()) return kept_out;
  if (StepEnd end = FromWrites(split.others, results, "applying"); !end.is_ok()) return end;
  return room;
}

}  // namespace

StepEnd Interrupted(Interruption interruption) {
  StepEnd end;
  end.kind = StepEnd::Kind::kInterrupted;
  end.interruption = interruption;
  return end;
}

StepEnd Happened(Happening happening, const Error& error, const std::string& context) {
  StepEnd end;
  end.kind = StepEnd::Kind::kHappened;
  end.happening = happening;
  end.reason = error.reason().empty() ? std::string(DefaultReason(happening)) : error.reason();
  end.message = context.empty() ? error.message() : context + ": " + error.message();
  end.detail = error.detail();
  return end;
}

StepEnd ApplyStages(const Services& services, TargetSession& session, const ApplyOptions& options,
                    InterruptWatch& watch) {
  const StepTimer timer(services, "apply");
  const std::vector<int> stages = session.Stages();
  for (const int stage : stages) {
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    const auto objects = session.OfStage(stage, /*only_changed=*/true);
    if (objects.empty()) continue;
    Split split = SplitOf(session, objects);
    if (options.dry_run == DryRunMode::kServer) {
      if (StepEnd end = DryRunStage(services, session, split, options.force); !end.is_ok())
        return end;
      if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    }
    if (StepEnd end = WriteStage(services, session, options, watch, split); !end.is_ok())
      return end;
    if (stage == stages.back()) break;
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    const Call call{services.clock.SteadyNow() + services.options.stage_timeout, watch.token()};
    if (auto ready = session.driver->AwaitStage(objects, call); !ready) {
      if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
      return Happened(FromError(ready.error().code()), ready.error(),
                      "waiting for stage " + std::to_string(stage));
    }
  }
  return {};
}

namespace {

// Health of anything else is no verdict about what was applied.
StepEnd IsWhatWasApplied(const std::vector<ObjectHealth>& objects) {
  const auto it = std::ranges::find_if(objects, &ObjectHealth::is_changed_meanwhile);
  if (it == objects.end()) return {};
  return Happened(
      Happening::kUnreachable,
      Error(ErrorCode::kUnavailable, "ChangedMeanwhile",
            ToString(it->ref) + " is not what was applied: it was made anew, or written since in "
                                "sluice's name; it is planned and applied again at the next try"));
}

}  // namespace

StepEnd AwaitHealth(const Services& services, TargetSession& session, SystemTime deadline,
                    InterruptWatch& watch) {
  const StepTimer timer(services, "health");
  const auto unreadable = [&](Happening happening, const Error& error) {
    return Happened(happening, error, "reading health in target " + session.target.name);
  };
  Duration pause = services.options.health_poll_min;
  std::optional<Error> outage;  // why the last reading failed
  while (true) {
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    const Call call{services.clock.SteadyNow() + services.options.read_timeout, watch.token()};
    auto health = AssessTarget(session, call);
    const bool is_late = services.clock.SystemNow() >= deadline;
    if (health) {
      if (StepEnd end = IsWhatWasApplied(*health); !end.is_ok()) return end;
      session.NoteFinished(*health);
      // Done at an earlier look, and gone since.
      std::erase_if(*health, [&](const ObjectHealth& object) {
        return object.health == Health::kMissing && session.HasFinished(object.ref);
      });
      if (is_late) Acquit(*health);
      const ObjectHealth* bad = FirstBad(*health, /*only_terminal=*/false);
      if (!bad) return {.detail = Notes(*health)};
      if (const ObjectHealth* lost = FirstBad(*health, /*only_terminal=*/true)) {
        return Unhealthy(Happening::kUnhealthyTerminal, *health, *lost);
      }
      if (is_late && outage) return unreadable(Happening::kUnreadablePastDeadline, *outage);
      if (is_late) return Unhealthy(Happening::kUnhealthyPastDeadline, *health, *bad);
      outage.reset();
    } else {
      if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
      outage = health.error();
      if (!IsRetryable(outage->code())) {
        // Reading health never condemns the content.
        const Happening happening = FromError(outage->code());
        return unreadable(
            Judge(happening) == Verdict::kErrored ? happening : Happening::kUnreachable, *outage);
      }
      if (is_late) return unreadable(Happening::kUnreadablePastDeadline, *outage);
    }
    services.clock.Sleep(pause, watch.token());
    pause = std::min(pause * 2, services.options.health_poll_max);
  }
}

SmokeReport RunSmokeTests(const Services& services, TargetSession& session,
                          const DeclaredUnit& unit, const SourceTree& tree,
                          const std::string& pipeline, const std::string& rollout,
                          const std::string& revision, Permission permission,
                          InterruptWatch& watch) {
  const StepTimer timer(services, "verify");
  SmokeReport report;
  if (unit.application.smoke_tests.empty()) return report;
  verify::Context context;
  context.unit = unit.id;
  context.revision = revision;
  context.version = unit.release ? unit.release->version : "";
  context.target = session.target.name;
  context.tree = &tree;
  context.directory = unit.directory;
  context.files = unit.inputs;
  context.allow_commands = services.options.allow_commands;
  context.run_task = [&](const nlohmann::json& manifest,
                         const Call& call) -> Result<std::pair<bool, std::string>> {
    if (const StepEnd end = AwaitPermission(services, permission, watch); !end.is_ok())
      return Fail(ErrorCode::kCancelled, end.reason, "not begun: this engine may not write now");
    SLUICE_TRY(const auto outcome, session.driver->RunTask(render::OverrideImages(unit, manifest),
                                                           OwnershipOf(pipeline, unit.id), rollout,
                                                           services.Writing(call, permission)));
    return std::pair{outcome.has_passed, outcome.message};
  };
  const Call call{services.clock.SteadyNow() + 24h, watch.token()};
  services.Outside(
      [&] { report.results = services.verifier.Run(unit.application.smoke_tests, context, call); });
  if (const auto found = watch.Check(); found != Interruption::kNone) {
    report.end = Interrupted(found);
    return report;
  }
  for (const auto& result : report.results) {
    if (result.verdict == verify::Verdict::kPassed) continue;
    const bool said_no = result.verdict == verify::Verdict::kFailed;
    report.end = Happened(
        said_no ? Happening::kTestSaidNo : Happening::kTestNoVerdict,
        Error(ErrorCode::kUnavailable, "smoke test '" + result.name + "': " + result.message));
    report.end.detail = result.tail;
    break;
  }
  return report;
}

StepEnd DeleteObjects(const Services& services, TargetSession& session,
                      const std::vector<ObjectRef>& refs, const std::string& mark,
                      Permission permission, std::set<ObjectRef>& gone) {
  if (refs.empty()) return {};
  const StepTimer timer(services, "prune");
  auto live = session.driver->Observe(refs, services.ReadCall());
  if (!live)
    return Happened(FromError(live.error().code()), live.error(), "reading what is to be deleted");
  std::vector<targets::Deletion> deletions;
  StepEnd end;
  for (const ObjectRef& ref : refs) {
    const auto it = live->objects.find(ref);
    if (it == live->objects.end()) {
      gone.insert(ref);
    } else if (it->second.mark == mark && it->second.protected_by.empty() &&
               !it->second.is_deleting) {
      deletions.push_back({ref, it->second.api_version, it->second.uid, it->second.resource_version,
                           it->second.mark});
    } else if (!it->second.is_deleting) {
      end.detail += ToString(ref) + " stays: " +
                    (it->second.protected_by.empty() ? "it is no longer marked as this unit's"
                                                     : it->second.protected_by) +
                    "\n";
    }
  }
  for (const auto mode : {targets::WriteMode::kDryRun, targets::WriteMode::kApply}) {
    if (auto may = services.MayWriteLive(permission); !may)
      return Happened(FromError(may.error().code()), may.error());
    const auto results = session.driver->Delete(deletions, mode, services.WriteCall(permission));
    std::vector<targets::Deletion> accepted;
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].status) {
        accepted.push_back(deletions[i]);
        if (mode == targets::WriteMode::kApply) gone.insert(deletions[i].ref);
      } else if (Judge(FromError(results[i].status.error().code())) == Verdict::kErrored) {
        return Happened(FromError(results[i].status.error().code()), results[i].status.error(),
                        "deleting " + ToString(deletions[i].ref));
      } else {
        end.detail +=
            ToString(deletions[i].ref) + " stays: " + results[i].status.error().message() + "\n";
      }
    }
    deletions = std::move(accepted);
  }
  return end;
}

std::string SmokeTrailer(const std::vector<verify::TestResult>& results) {
  std::string out;
  for (const auto& result : results) {
    out += (out.empty() ? "" : " ") + result.name + "=" +
           std::string(verify::ToString(result.verdict));
  }
  return out;
}

}  // namespace sluice::rollout
