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

// What went wrong in the stages. It ends them, unless somebody wants them to go as far as they go.
struct Troubles {
  std::vector<judge::LeftBehind>* left;
  StepEnd end;

  // Nothing goes on after an interruption, or without the lease.
  bool Stop(StepEnd stop) {
    end = std::move(stop);
    return true;
  }
  bool EndHere(StepEnd trouble) {
    if (end.is_ok()) end = std::move(trouble);
    return left == nullptr && !end.is_ok();
  }
  bool EndHere(const std::vector<targets::PreparedObject>& objects,
               const std::vector<targets::WriteResult>& results) {
    if (left == nullptr) return EndHere(FromWrites(objects, results, "applying"));
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].status) continue;
      const Error& error = results[i].status.error();
      const Happening happening = FromError(error.code());
      const ObjectRef& ref = objects[i].resource.ref;
      if (Judge(happening) == Verdict::kErrored) {
        EndHere(Happened(happening, error, "applying " + ToString(ref)));
      } else {
        left->push_back({ref, error.message()});
      }
    }
    return false;
  }
};

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
                 InterruptWatch& watch, Split& split, Troubles& troubles) {
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
  if (!kept_out.is_ok()) return kept_out;
  if (troubles.left == nullptr) return FromWrites(split.replaced, rooms, "replacing");
  troubles.EndHere(split.replaced, rooms);
  return {};
}

// True when the stages end here.
bool WriteStage(const Services& services, TargetSession& session, const ApplyOptions& options,
                InterruptWatch& watch, Split& split, Troubles& troubles) {
  if (StepEnd end = AwaitPermission(services, options.permission, watch); !end.is_ok())
    return troubles.Stop(std::move(end));
  const StepEnd room = MakeRoom(services, session, options.permission, watch, split, troubles);
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
  if (!kept_out.is_ok()) return troubles.Stop(std::move(kept_out));
  if (troubles.EndHere(split.others, results)) return true;
  return !room.is_ok() && troubles.Stop(room);
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
  // A driver says itself what it was doing.
  const bool is_said = error.message().starts_with(context);
  end.message = is_said ? error.message() : context + ": " + error.message();
  end.detail = error.detail();
  return end;
}

StepEnd ApplyStages(const Services& services, TargetSession& session, const ApplyOptions& options,
                    InterruptWatch& watch) {
  const StepTimer timer(services, "apply");
  const std::vector<int> stages = session.Stages();
  Troubles troubles{options.left, {}};
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
    if (WriteStage(services, session, options, watch, split, troubles)) return troubles.end;
    if (stage == stages.back()) break;
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    const Call call{services.clock.SteadyNow() + services.options.stage_timeout, watch.token()};
    if (auto ready = session.driver->AwaitStage(objects, call); !ready) {
      if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
      if (troubles.EndHere(Happened(FromError(ready.error().code()), ready.error(),
                                    "waiting for stage " + std::to_string(stage))))
        return troubles.end;
    }
  }
  return troubles.end;
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

std::string SmokeTrailer(const std::vector<verify::TestResult>& results) {
  std::string out;
  for (const auto& result : results) {
    out += (out.empty() ? "" : " ") + result.name + "=" +
           std::string(verify::ToString(result.verdict));
  }
  return out;
}

}  // namespace sluice::rollout
