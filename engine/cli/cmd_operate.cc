#include "engine/cli/cmd_operate.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <set>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/cli/compose.h"
#include "engine/cli/units.h"
#include "engine/config/config.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/promote.h"
#include "engine/rollout/release_change.h"

namespace sluice::cli {
namespace {

struct Context {
  std::unique_ptr<Composition> composition;
  std::shared_ptr<const rollout::Snapshot> snapshot;
  UnitId unit;
  git::Person person;
  rollout::Services services() const { return composition->MakeServices(); }
};

Result<Context> Open(const Global& global, const std::string& unit, const std::string& command) {
  Context context;
  SLUICE_TRY(context.unit, ParseUnit(unit));
  SLUICE_TRY(auto config, ReadConfig(global.config));
  context.person = Operator({config.identity.name, config.identity.email});
  SLUICE_TRY(context.composition, Composition::Make(std::move(config), Role::kOperator, command));
  SLUICE_TRY(context.snapshot, context.composition->Fetch());
  SLUICE_TRY(const auto known,
             SelectUnits({unit}, *context.snapshot, *context.composition->log().Get()));
  (void)known;
  return context;
}

int Tell(const Result<std::string>& commit, const std::string& done, const std::string& nothing) {
  if (!commit) return Report(commit.error());
  std::printf("%s\n",
              (commit->empty() ? nothing : done + " by commit " + commit->substr(0, 10)).c_str());
  return kExitDone;
}

// Images given replace those of the same name; the others stay.
Result<Release> Merge(const DeclaredUnit* unit, const UnitId& id, const ReleaseOptions& options) {
  Release release;
  if (unit && unit->release) release = *unit->release;
  release.name = id.application;
  if (!options.version.empty()) release.version = options.version;
  std::set<std::string> named;
  for (const std::string& argument : options.images) {
    SLUICE_TRY(ImageOverride image, config::ParseImageArgument(argument));
    if (!named.insert(image.name).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "image " + image.name + " is given twice; name it once, with the tag to release");
    }
    const auto known = std::ranges::find(release.images, image.name, &ImageOverride::name);
    if (known == release.images.end()) {
      release.images.push_back(std::move(image));
    } else {
      *known = std::move(image);
    }
  }
  if (options.version.empty() && !options.images.empty()) {
    // A version left over from the last release would be a lie.
    SLUICE_TRY(const ImageOverride first, config::ParseImageArgument(options.images.front()));
    release.version = first.tag;
  }
  return release;
}

Result<std::string> CommitRelease(Context& context, const ReleaseOptions& options) {
  const rollout::Services services = context.services();
  const auto decide =
      [&](const rollout::Snapshot& tip) -> Result<std::optional<rollout::ConfigChange>> {
    const DeclaredUnit* unit = tip.Find(context.unit);
    if (!unit)
      return Fail(ErrorCode::kInvalidArgument, ToString(context.unit) +
                                                   " is not declared at the tip of branch " +
                                                   services.options.branch);
    SLUICE_TRY(const Release release, Merge(unit, context.unit, options));
    SLUICE_TRY(auto edit, rollout::ChangeRelease(services, tip, *unit, release));
    if (!edit) return std::optional<rollout::ConfigChange>();
    rollout::ConfigChange change;
    change.edits = {std::move(edit->edit)};
    change.body = std::move(edit->note);
    change.subject = "Release " + context.unit.application +
                     (release.version.empty() ? "" : " " + release.version) + " to " +
                     context.unit.environment;
    change.trailers = {{"Event", "request"},
                       {"Environment", context.unit.environment},
                       {"Application", context.unit.application}};
    return std::optional(change);
  };
  return rollout::CommitConfigOrFail(services, context.person, deploylog::NewOperationId(), decide);
}

Result<std::string> FindRollout(Context& context, const std::string& wanted) {
  deploylog::DeployLog::Filter filter;
  filter.environment = context.unit.environment;
  filter.application = context.unit.application;
  SLUICE_TRY(const auto events, context.composition->log().History(filter));
  const auto value = [](const Event& event, std::string_view key) {
    for (const auto& [name, text] : event.trailers) {
      if (name == key) return text;
    }
    return std::string();
  };
  const std::string declared = context.snapshot->FingerprintOf(context.unit);
  for (const Event& event : events) {
    if (event.kind != EventKind::kSucceeded && event.kind != EventKind::kAdopted) continue;
    const bool fits = wanted.empty() ? value(event, "Fingerprint") != declared &&
                                           !value(event, "Fingerprint").empty()
                                     : value(event, "Rollout") == wanted;
    if (fits) return value(event, "Revision");
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      wanted.empty()
          ? ToString(context.unit) +
                " has no Succeeded rollout with other content to go back to; see `sluice log " +
                ToString(context.unit) + "`"
          : ToString(context.unit) + " has no Succeeded rollout " + wanted + "; see `sluice log " +
                ToString(context.unit) + "`");
}

Result<std::string> CommitRollback(Context& context, const std::string& revision) {
  const rollout::Services services = context.services();
  const std::string directory =
      rollout::RepositoryPath(services.options, "environments/" + ToString(context.unit));
  const auto decide =
      [&](const rollout::Snapshot& tip) -> Result<std::optional<rollout::ConfigChange>> {
    auto found = services.mirror.ObjectAt(revision, directory);
    if (!found && found.error().code() == ErrorCode::kNotFound) {
      return Fail(ErrorCode::kNotFound,
                  "commit " + revision +
                      " of that rollout is no longer in the repository, whose "
                      "history was rewritten; name another with --to (see `sluice log " +
                      ToString(context.unit) + "`), or commit the content yourself");
    }
    SLUICE_TRY(const auto wanted, std::move(found));
    SLUICE_TRY(const auto present, services.mirror.ObjectAt(tip.revision, directory));
    if (!wanted)
      return Fail(ErrorCode::kNotFound, directory + " is missing at revision " + revision);
    if (wanted == present) return std::optional<rollout::ConfigChange>();
    rollout::ConfigChange change;
    change.edits = {{directory, git::TreeEdit::Subtree{*wanted}}};
    change.subject = "Roll " + ToString(context.unit) + " back to " + revision.substr(0, 7);
    change.body = "Restores its directory as of revision " + revision + ".";
    change.trailers = {{"Event", "request"},
                       {"Environment", context.unit.environment},
                       {"Application", context.unit.application}};
    return std::optional(change);
  };
  return rollout::CommitConfigOrFail(services, context.person, deploylog::NewOperationId(), decide);
}

// An inventory line has a group and no version; core objects have an empty group.
Status CheckObjectName(const std::string& object) {
  const auto ref = ParseInventoryLine(object);
  const bool is_version = ref && ref->group.size() > 1 && ref->group[0] == 'v' &&
                          std::isdigit(static_cast<unsigned char>(ref->group[1])) != 0 &&
                          ref->group.find('.') == std::string::npos;
  if (ref && !is_version) return {};
  const std::string hint = is_version
                               ? "; a group is named without version, so write '" +
                                     ToInventoryLine({"", ref->kind, ref->ns, ref->name}) + "'"
                               : "; for example " + std::string(Kinds().front()->ExampleObjects());
  return Fail(ErrorCode::kInvalidArgument,
              "'" + object + "' is not an object as group/kind/namespace/name" + hint);
}

}  // namespace

int ReleaseCommand(const Global& global, const ReleaseOptions& options) {
  if (options.images.empty() && options.version.empty()) {
    return Report(Error(ErrorCode::kInvalidArgument,
                        "name at least one --image NAME=TAG or NAME@sha256:DIGEST"));
  }
  auto context = Open(global, options.unit, "release");
  if (!context) return Report(context.error());
  return Tell(CommitRelease(*context, options), "released to " + options.unit,
              options.unit + " declares this release already");
}

int PromoteCommand(const Global& global, const std::string& unit) {
  auto context = Open(global, unit, "promote");
  if (!context) return Report(context.error());
  const rollout::Services services = context->services();
  const auto view = rollout::ViewPromotion(*context->snapshot, *services.log.Get(), context->unit,
                                           services.clock.SystemNow(), rollout::Asker::kPerson);
  if (!view.from)
    return Report(Error(
        ErrorCode::kInvalidArgument,
        unit + " has no upstream environment to promote from; use `sluice release " + unit + "`"));
  using Kind = promotion::Decision::Kind;
  switch (view.decision.kind) {
    case Kind::kUpToDate:
      std::printf("%s: nothing newer in %s%s%s\n", unit.c_str(), view.from->environment.c_str(),
                  view.decision.message.empty() ? "" : ": ", view.decision.message.c_str());
      return kExitDone;
    case Kind::kWait:
    case Kind::kHold:
      std::fprintf(stderr, "sluice: %s is held: %s: %s\n", unit.c_str(),
                   view.decision.reason.c_str(), view.decision.message.c_str());
      return kExitHeld;
    case Kind::kPromote:
      break;
  }
  const std::string operation = deploylog::NewOperationId();
  return Tell(
      rollout::CommitPromotion(services, context->person, *view.from, context->unit,
                               view.decision.release, view.decision.source_revision, operation),
      "promoted " +
          (view.decision.release.version.empty() ? view.decision.release.digest
                                                 : view.decision.release.version) +
          " from " + view.from->environment + " to " + unit,
      unit + " declares this release already");
}

int RollbackCommand(const Global& global, const RollbackOptions& options) {
  auto context = Open(global, options.unit, "rollback");
  if (!context) return Report(context.error());
  auto revision = FindRollout(*context, options.to);
  if (!revision) return Report(revision.error());
  return Tell(CommitRollback(*context, *revision),
              "rolled " + options.unit + " back to " + revision->substr(0, 7),
              options.unit + " declares this content already");
}

int RequestCommand(const Global& global, const RequestOptions& options) {
  for (const std::string& object : options.objects) {
    if (auto checked = CheckObjectName(object); !checked) return Report(checked.error());
  }
  auto context = Open(global, options.unit, options.verb);
  if (!context) return Report(context.error());
  deploylog::Request request;
  request.verb = options.verb;
  request.unit = context->unit;
  request.reason = options.reason;
  request.objects = options.objects;
  auto id = context->composition->log().AddRequest(request, context->person,
                                                   context->services().GitCall());
  if (!id) return Report(id.error());
  std::printf("%s %s is asked for (%s); the engine does it at its next poll\n",
              options.verb.c_str(), options.unit.c_str(), id->c_str());
  return kExitDone;
}

}  // namespace sluice::cli
