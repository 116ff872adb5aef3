#include "engine/deploylog/deploy_log.h"

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/deploylog/deploy_log_impl.h"
#include "engine/deploylog/log_format.h"
#include "engine/io/files.h"

namespace sluice::deploylog {

DeployLog::Impl::Impl(git::Mirror& m, git::Remote& r, Lease* l, const Clock& c, Options o)
    : mirror(m),
      remote(r),
      lease(l),
      clock(c),
      options(std::move(o)),
      ref("refs/heads/" + options.branch),
      reader(m, options.branch),
      snapshot(std::make_shared<const Snapshot>()) {
  LoadRemembered();
}

DeployLog::DeployLog(git::Mirror& mirror, git::Remote& remote, Lease* lease, const Clock& clock,
                     Options options)
    : impl_(std::make_unique<Impl>(mirror, remote, lease, clock, std::move(options))) {}

DeployLog::~DeployLog() = default;

std::string DeployLog::Impl::TipFile() const { return options.state_dir + "/tip"; }

// Read once, before the caller lists the remote: a tip that another process remembers later would
// seem to have been cut off.
void DeployLog::Impl::LoadRemembered() {
  if (options.state_dir.empty()) return;
  auto text = ReadFile(TipFile());
  if (!text) {
    if (text.error().code() != ErrorCode::kNotFound)
      remembered_problem = Fail(std::move(text).error());
    return;
  }
  const std::vector<std::string> words = Split(Trim(*text), ' ');
  if (words.size() != 2 || words[0].size() != 40 ||
      words[0].find_first_not_of("0123456789abcdef") != std::string::npos) {
    remembered_problem = Fail(
        ErrorCode::kCorrupted, "LogTipUnreadable",
        "'" + TipFile() + "' does not hold the last tip of the log; if you trust log branch '" +
            options.branch + "' as it is, remove that file");
    return;
  }
  if (words[1] == options.branch) remembered = words[0];
}

// Only the engine keeps it: commands write nothing below dataDir.
void DeployLog::Impl::Remember(const std::string& tip) {
  const bool is_known = remembered == tip;
  remembered = tip;
  if (is_known || !lease || options.state_dir.empty()) return;
  auto status = MakePrivateDirectory(options.state_dir);
  if (status) status = WriteFileDurably(TipFile(), tip + " " + options.branch + "\n");
  // The log itself is safe; only the guard against truncation is weaker until the next one.
  if (!status)
    log::Warn("log_tip_not_kept", {{"file", TipFile()}, {"error", status.error().message()}});
}

Status DeployLog::Impl::Forget() {
  if (!options.state_dir.empty()) SLUICE_CHECK(RemoveTree(TipFile()));
  remembered.clear();
  remembered_problem = {};
  is_read = false;
  snapshot.With([](SnapshotPtr& current) { current = std::make_shared<const Snapshot>(); });
  return {};
}

DeployLog::Impl::SnapshotPtr DeployLog::Impl::Current() const {
  return snapshot.With([](const SnapshotPtr& current) { return current; });
}

Result<std::map<std::string, std::string>> DeployLog::Impl::List(const Call& call) {
  return remote.List({ref, Lease::RefName(options.branch)}, call);
}

Error DeployLog::Impl::Missing() const {
  return {ErrorCode::kCorrupted, "LogMissing",
          "log branch '" + options.branch +
              "' is gone from the remote, but this engine saw it at " + Short(remembered) +
              "; push it back from a clone, or begin a new log with 'sluice init --new-log'"};
}

Result<std::string> DeployLog::Impl::FetchBranch(const std::string& remote_tip, const Call& call) {
  const std::string local = git::MirrorRef(ref);
  if (!remote_tip.empty()) {
    SLUICE_TRY(const auto here, mirror.Resolve(local));
    if (here == remote_tip) return remote_tip;
  }
  auto status = remote.Fetch({ref}, call);
  if (!status && status.error().code() == ErrorCode::kNotFound) return std::string();
  if (!status)
    return Fail(std::move(status).error().With("fetching log branch '" + options.branch + "'"));
  SLUICE_TRY(const auto fetched, mirror.Resolve(local));
  return fetched.value_or("");
}

Status DeployLog::Impl::CheckDescends(const std::string& known, const std::string& tip) {
  if (known.empty() || known == tip) return {};
  auto is_ancestor = mirror.IsAncestor(known, tip);
  if (!is_ancestor && is_ancestor.error().code() != ErrorCode::kNotFound)
    return Fail(std::move(is_ancestor).error());
  if (is_ancestor && *is_ancestor) return {};
  return Fail(ErrorCode::kCorrupted, "LogRewritten",
              "log branch '" + options.branch + "' at " + Short(tip) + " does not descend from " +
                  Short(known) +
                  ", the last this engine saw: its history was cut or rewritten; push the old "
                  "branch back from a "
                  "clone, or begin a new log with 'sluice init --new-log'; if somebody else began "
                  "it anew on "
                  "purpose, remove '" +
                  TipFile() + "'");
}

Status DeployLog::Impl::CheckPath(const State& state) const {
  if (!state.initialised) return {};
  const Initialised& initialised = *state.initialised;
  const auto normal = [](const std::string& path) { return path == "." ? std::string() : path; };
  if (normal(initialised.path) == normal(options.path)) return {};
  return Fail(ErrorCode::kInvalidConfig, "LogOfAnotherPipeline",
              "log branch '" + options.branch + "' belongs to pipeline '" +
                  EscapeControl(initialised.pipeline) + "' at path '" +
                  EscapeControl(initialised.path) + "', and spec.repository.path is '" +
                  options.path +
                  "'; correct the path, or set spec.repository.logBranch to a branch of its own");
}

Status DeployLog::Impl::Publish(const std::string& tip) {
  SLUICE_TRY(SnapshotPtr next, reader.Read(tip, *Current()));
  SLUICE_CHECK(CheckPath(next->state));
  snapshot.With([&](SnapshotPtr& current) { current = std::move(next); });
  is_read = true;
  if (!tip.empty()) Remember(tip);
  return {};
}

Status DeployLog::Impl::RefreshLocked(const std::string& remote_tip, const Call& call) {
  SLUICE_CHECK(remembered_problem);
  const std::string known = is_read ? Current()->state.tip : remembered;
  if (is_read && remote_tip == known) return {};
  if (remote_tip.empty() && known.empty()) return Publish("");
  // The listing may be older than our last push; what is fetched now is not.
  SLUICE_TRY(const std::string tip, FetchBranch(remote_tip, call));
  if (tip.empty()) return known.empty() ? Publish("") : Status(Fail(Missing()));
  SLUICE_CHECK(CheckDescends(known, tip));
  if (is_read && tip == known) return {};
  return Publish(tip);
}

Status DeployLog::Refresh(const std::string& remote_tip, const Call& call) {
  const std::lock_guard lock(impl_->network);
  return impl_->RefreshLocked(remote_tip, call);
}

Status DeployLog::CheckPipeline(const std::string& pipeline) const {
  const auto state = Get();
  if (!state->initialised || state->initialised->pipeline == pipeline) return {};
  const std::string owner = "'" + EscapeControl(state->initialised->pipeline) + "'";
  return Fail(ErrorCode::kInvalidConfig, "LogOfAnotherPipeline",
              "log branch '" + impl_->options.branch + "' belongs to pipeline " + owner +
                  ", and sluice.yaml names the pipeline '" + EscapeControl(pipeline) +
                  "'; put the name " + owner +
                  " back, for the live objects are marked with it, or set "
                  "spec.repository.logBranch to a branch of its own for another pipeline");
}

std::shared_ptr<const State> DeployLog::Get() const {
  Impl::SnapshotPtr current = impl_->Current();
  const State* state = &current->state;
  return {std::move(current), state};
}

namespace {

Result<Inventory> ReadInventoryFile(git::Mirror& mirror, const std::string& tip,
                                    const std::string& path) {
  if (tip.empty()) return Inventory();
  SLUICE_TRY(const auto text, mirror.ReadFile(tip, path, kMaxListBytes));
  if (!text) return Inventory();
  auto inventory = ParseInventory(*text);
  if (!inventory)
    return Fail(std::move(inventory).error().With("'" + path + "' at commit " + Short(tip) +
                                                  " of the log"));
  return inventory;
}

}  // namespace

Result<Inventory> DeployLog::ReadInventory(const UnitId& unit) {
  return ReadInventoryFile(impl_->mirror, Get()->tip, InventoryPath(unit));
}

Result<Inventory> DeployLog::ReadCreated(const UnitId& unit) {
  return ReadInventoryFile(impl_->mirror, Get()->tip, CreatedPath(unit));
}

Result<std::optional<std::unique_ptr<SourceTree>>> DeployLog::OpenGood(const UnitId& unit) {
  const std::string tip = Get()->tip;
  const std::string path = GoodPath(unit);
  if (tip.empty()) return std::optional<std::unique_ptr<SourceTree>>();
  SLUICE_TRY(const auto oid, impl_->mirror.ObjectAt(tip, path));
  if (!oid) return std::optional<std::unique_ptr<SourceTree>>();
  SLUICE_TRY(auto tree, impl_->mirror.Tree(tip, path));
  return std::optional(std::move(tree));
}

Result<std::vector<Event>> DeployLog::History(const Filter& filter) {
  std::vector<Event> events;
  const std::string tip = Get()->tip;
  if (tip.empty()) return events;
  const auto trailer_is = [](const Event& event, std::string_view name,
                             const std::optional<std::string>& wanted) {
    if (!wanted) return true;
    for (const auto& [key, value] : event.trailers) {
      if (key == name) return value == *wanted;
    }
    return false;
  };
  SLUICE_CHECK(
      impl_->mirror.Log(tip, "", git::Mirror::Walk::kFirstParent, [&](const git::Commit& commit) {
        auto event = EventOf(commit);
        if (event && (!filter.kind || event->kind == *filter.kind) &&
            trailer_is(*event, "Environment", filter.environment) &&
            trailer_is(*event, "Application", filter.application)) {
          events.push_back(*std::move(event));
        }
        return filter.limit <= 0 || events.size() < static_cast<size_t>(filter.limit);
      }));
  return events;
}

std::string NewRolloutId() { return "r-" + RandomHex(5); }
std::string NewOperationId() { return "op-" + RandomHex(8); }

}  // namespace sluice::deploylog
