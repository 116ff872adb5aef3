#include "engine/cli/compose.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/config/config.h"
#include "engine/rollout/config_commit.h"
#include "engine/targets/kubernetes/driver.h"
#include "engine/targets/kubernetes/kubernetes_kind.h"

extern char** environ;

namespace sluice::cli {
namespace {

std::string Host() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

// An engine's id outlives its process: with it a restart resumes its own lease at once.
Result<std::string> EngineId(const std::string& directory) {
  const std::string path = directory + "/engine-id";
  if (auto text = ReadFile(path); text && !Trim(*text).empty()) return std::string(Trim(*text));
  const std::string id = "engine-" + RandomHex(6);
  SLUICE_CHECK(WriteFileDurably(path, id + "\n"));
  return id;
}

std::string CacheDirectory(const DaemonConfig& config) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::string base;
  if (cache && *cache == '/') base = cache;
  if (base.empty() && home && *home == '/') base = std::string(home) + "/.cache";
  if (base.empty()) return "";
  return base + "/sluice/" +
         Sha256Hex(config.repository.url + "\n" + config.repository.log_branch).substr(0, 16);
}

// What a kind of target is built from.
struct Surroundings {
  const DaemonConfig& config;
  const Clock& clock;
  Effects& effects;
  Metrics& metrics;
};

std::unique_ptr<targets::TargetConnections> ConnectKubernetes(const Surroundings& around) {
  targets::KubernetesOptions options;
  options.kubeconfig = around.config.kubeconfig;
  options.exec_allow_list = around.config.exec_allow_list;
  options.environment = ProcessEnvironment();
  return std::make_unique<targets::KubernetesConnections>(options, around.clock, around.effects,
                                                          around.metrics);
}

struct KindOfTarget {
  const TargetKind& (*kind)();
  std::unique_ptr<targets::TargetConnections> (*connect)(const Surroundings& around);
};

// Every kind of target. A new one is a line here and a directory below engine/targets.
constexpr auto kKinds = std::to_array<KindOfTarget>({
    {targets::kubernetes::KindOfTarget, ConnectKubernetes},
});

}  // namespace

const TargetKinds& Kinds() {
  static const TargetKinds kinds = [] {
    TargetKinds all;
    for (const KindOfTarget& row : kKinds) all.push_back(&row.kind());
    return all;
  }();
  return kinds;
}

Result<DaemonConfig> ReadConfig(const std::string& path) {
  std::string file = path;
  if (file.empty()) {
    const char* from_environment = std::getenv("SLUICE_CONFIG");
    file = from_environment ? from_environment : "";
  }
  if (file.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "no configuration: name daemon.yaml with -c FILE or in SLUICE_CONFIG");
  }
  auto text = ReadFile(file);
  if (!text)
    return Fail(ErrorCode::kInvalidArgument,
                "configuration: " + text.error().message() +
                    "; name daemon.yaml with -c FILE or in SLUICE_CONFIG");
  return config::ParseDaemonConfig(*text, file);
}

void ConfigureLog(const Global& global, const DaemonConfig& config) {
  const std::string format = global.log_format.empty() ? config.log_format : global.log_format;
  const std::string level = global.log_level.empty() ? config.log_level : global.log_level;
  const auto parsed = level == "debug"   ? log::Level::kDebug
                      : level == "warn"  ? log::Level::kWarn
                      : level == "error" ? log::Level::kError
                                         : log::Level::kInfo;
  log::Configure(parsed, format == "json" ? log::Format::kJson : log::Format::kLogfmt);
}

Composition::~Composition() = default;

Status Composition::OpenDirectories(Role role) {
  if (role == Role::kEngine) {
    SLUICE_TRY(state_dir_, OpenStateDirectory(config_.data_dir));
    auto lock = FileLock::Take(state_dir_ + "/lock");
    if (!lock) return Fail(std::move(lock).error().With("dataDir " + state_dir_ + " is in use"));
    lock_ = std::move(*lock);
    SLUICE_TRY(auto outbox, Outbox::Open(state_dir_ + "/outbox", effects_));
    outbox_.emplace(std::move(outbox));
    SLUICE_TRY(engine_id_, EngineId(state_dir_));
    return {};
  }
  // Several commands at once, or no usable home: a private directory of this call.
  engine_id_ = "operator";
  state_dir_ = CacheDirectory(config_);
  if (!state_dir_.empty() && MakePrivateDirectory(state_dir_)) {
    if (auto lock = FileLock::Take(state_dir_ + "/lock")) {
      lock_ = std::move(*lock);
      return {};
    }
  }
  SLUICE_TRY(auto temporary, TemporaryDirectory::Make());
  state_dir_ = temporary.path();
  temporary_.emplace(std::move(temporary));
  return {};
}

Status Composition::OpenGit(Role role, const std::string& command) {
  const auto& repository = config_.repository;
  SLUICE_TRY(mirror_, git::Mirror::Open(state_dir_ + "/mirror", git::Mirror::Access::kReadWrite,
                                        {config_.signing.format, config_.signing.key_file}));
  SLUICE_TRY(remote_, git::MakeRemote({repository, state_dir_ + "/mirror"}, metrics_, effects_));
  const git::Person identity{config_.identity.name, config_.identity.email};
  if (role == Role::kEngine) {
    deploylog::LeaseOptions lease;
    lease.log_branch = repository.log_branch;
    lease.engine = engine_id_;
    lease.holder = "sluice " + command + " on " + Host() + ", process " + std::to_string(getpid()) +
                   ", dataDir " + config_.data_dir;
    lease.identity = identity;
    lease_ = std::make_unique<deploylog::Lease>(*mirror_, *remote_, clock_, lease);
  }
  deploylog::Options log;
  log.branch = repository.log_branch;
  log.path = repository.path;
  log.engine = engine_id_;
  log.identity = identity;
  log.state_dir = state_dir_ + "/log";
  log_ = std::make_unique<deploylog::DeployLog>(*mirror_, *remote_, lease_.get(), clock_, log);
  return {};
}

Status Composition::OpenTargets() {
  const Surroundings around{config_, clock_, effects_, metrics_};
  for (const KindOfTarget& row : kKinds)
    targets_[std::string(row.kind().Name())] = row.connect(around);
  SLUICE_TRY(smoke_http_, MakeCurlHttpClient({.user_agent = "sluice-smoke-test"}));
  verifier_ = std::make_unique<verify::Verifier>(*smoke_http_, clock_);
  return {};
}

Result<std::unique_ptr<Composition>> Composition::Make(DaemonConfig config, Role role,
                                                       const std::string& command) {
  auto made = std::unique_ptr<Composition>(new Composition(std::move(config)));
  if (!made->config_.hmac_key_file.empty()) {
    auto key = ReadFile(made->config_.hmac_key_file);
    if (!key)
      return Fail(ErrorCode::kInvalidConfig, "spec.hmacKeyFile: " + key.error().message() +
                                                 "; create the file, or correct daemon.yaml");
    made->hmac_key_ = *std::move(key);
  }
  SLUICE_CHECK(made->OpenDirectories(role));
  SLUICE_CHECK(made->OpenGit(role, command));
  SLUICE_CHECK(made->OpenTargets());
  return made;
}

targets::TargetConnections& Composition::ConnectionsOf(const Target& target) const {
  return *targets_.at(std::string(target.kind->Name()));
}

rollout::Services Composition::MakeServices() {
  rollout::Services services{.clock = clock_,
                             .mirror = *mirror_,
                             .remote = *remote_,
                             .log = *log_,
                             .lease = lease_.get(),
                             .make_driver = {},
                             .kinds = Kinds(),
                             .verifier = *verifier_,
                             .outbox = outbox_ ? &*outbox_ : nullptr,
                             .metrics = metrics_,
                             .yaml = yaml_,
                             .interrupted = {},
                             .stop = {},
                             .options = {},
                             .cluster_of = {}};
  services.make_driver = [this](const Target& target) {
    return ConnectionsOf(target).MakeDriver(target);
  };
  services.cluster_of = [this](const Target& target) {
    return ConnectionsOf(target).ClusterOf(target);
  };
  services.interrupted = [](const UnitId&, const std::string&) {
    return rollout::Interruption::kNone;
  };
  services.options.engine = engine_id_;
  services.options.identity = {config_.identity.name, config_.identity.email};
  services.options.branch = config_.repository.branch;
  services.options.log_branch = config_.repository.log_branch;
  services.options.path = config_.repository.path;
  services.options.allow_commands = config_.allow_commands;
  services.options.hmac_key = hmac_key_;
  return services;
}

Error Composition::Located(Error error) const {
  const std::string no_path = "there is no directory '" + config_.repository.path + "'";
  if (error.code() == ErrorCode::kNotFound && error.message().starts_with(no_path)) {
    return {ErrorCode::kInvalidConfig, "ConfigInvalid",
            error.message() + "; correct spec.repository.path in daemon.yaml"};
  }
  if (error.reason() != "BranchMissing") return error;
  return std::move(error).With(RedactCredentials(config_.repository.url));
}

Result<std::string> Composition::FetchTip() {
  auto tip = rollout::FetchTip(MakeServices());
  if (!tip) return Fail(Located(tip.error()));
  return *tip;
}

Result<std::shared_ptr<const rollout::Snapshot>> Composition::Fetch() {
  const rollout::Services services = MakeServices();
  SLUICE_TRY(const std::string tip, FetchTip());
  const std::string log_ref = "refs/heads/" + config_.repository.log_branch;
  SLUICE_TRY(const auto refs, remote_->List({log_ref}, services.GitCall()));
  const auto it = refs.find(log_ref);
  SLUICE_CHECK(log_->Refresh(it == refs.end() ? "" : it->second, services.GitCall()));
  auto loaded = rollout::LoadSnapshot(services, tip, nullptr);
  if (!loaded) return Fail(Located(loaded.error()));
  std::shared_ptr<const rollout::Snapshot> snapshot = std::move(*loaded);
  if (const std::string& name = snapshot->declared.pipeline.name; !name.empty())
    SLUICE_CHECK(log_->CheckPipeline(name));
  return snapshot;
}

}  // namespace sluice::cli
