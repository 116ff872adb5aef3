// The kinds of the config repo and of daemon.yaml as plain values, with their defaults. What a
// field means to a user: docs/reference/config.md. Parsed by engine/config.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/diagnostics.h"
#include "engine/model/health.h"
#include "engine/model/source_tree.h"
#include "engine/model/target.h"
#include "engine/model/unit.h"

namespace sluice {

using namespace std::chrono_literals;

struct Pipeline {
  std::string name;
  std::vector<std::string> environments;  // promotion order
};

enum class PromotionMode { kManual, kAuto };
enum class LiveOnFailure { kRollback, kFreeze };
enum class GitOnFailure { kRevert, kNone };
enum class AfterError { kHold, kRollback };
enum class RemovedApplications { kKeep, kDelete };
enum class DriftMode { kReport, kHeal };
enum class DryRunMode { kServer, kNone };

struct Environment {
  std::string name;
  std::vector<Target> targets;
  struct {
    PromotionMode mode = PromotionMode::kManual;
    Duration soak = 0ms;
    std::string from;  // "": the nearest earlier environment that has the application
  } promotion;
  struct {
    LiveOnFailure live = LiveOnFailure::kRollback;
    GitOnFailure git = GitOnFailure::kRevert;
  } on_failure;
  struct {
    Duration after = 15min;
    AfterError then = AfterError::kHold;
  } on_error;
  struct {
    int max_count = 10;
    int max_percent = 25;
    RemovedApplications removed_applications = RemovedApplications::kKeep;
  } prune;
  struct {
    DriftMode mode = DriftMode::kReport;
    Duration interval = 3min;
  } drift;
  DryRunMode dry_run = DryRunMode::kServer;
};

struct HttpSmokeTest {
  std::string url;
  std::string connect_to;  // "host:port" to connect to instead of the url's; "" for none
  int status = 200;
  std::map<std::string, std::string> headers;         // sent
  std::map<std::string, std::string> expect_headers;  // lower-case name -> exact value
  std::string contains;                               // in the body; "" for no check
  struct JsonValue {
    std::string path;  // JSON pointer, "/version"
    nlohmann::json equals;
  };
  std::optional<JsonValue> json;
};
struct TcpSmokeTest {
  std::string address;  // host:port
};
struct CommandSmokeTest {
  std::vector<std::string> run;  // run[0] with a '/' is relative to the unit's directory
};
// Runs something in the target to its end, by TargetKind::Task.
struct TaskSmokeTest {
  const TargetKind* kind = nullptr;
  std::string manifest;  // a file of the unit's directory that describes it; not applied otherwise
};

struct SmokeTest {
  std::string name;  // DNS label, unique in the application
  std::variant<HttpSmokeTest, TcpSmokeTest, CommandSmokeTest, TaskSmokeTest> check;
  Duration timeout = 30s;  // of one call; an attempt makes `samples` calls
  int retries = 0;         // further attempts after the first
  Duration interval = 1s;  // between attempts and between samples
  int samples = 1;         // an attempt passes when `required` of `samples` calls do
  int required = 0;        // 0: all
};

// Fields of objects that others write on purpose.
struct IgnoreRule {
  std::string kind;
  std::string name;                 // "" for all of the kind
  std::vector<std::string> fields;  // JSON pointers
  SourcePosition at;
};

struct Application {
  std::string name;
  std::vector<std::string> targets;  // names; empty: all of the environment's
  Duration health_timeout = 5min;
  HealthRules health_rules;
  std::vector<SmokeTest> smoke_tests;
  std::vector<IgnoreRule> ignore;
};

struct ImageOverride {
  std::string name;
  std::string tag;     // exactly one of tag and digest is set
  std::string digest;  // "sha256:..."
  SourcePosition at;
};

struct Release {
  std::string name;
  std::string version;
  std::vector<ImageOverride> images;
  std::string digest;  // sha256 of the canonical spec: its identity
};

// One unit as declared at a revision. With problems it is Held ConfigInvalid; the other fields then
// hold what could be read.
struct DeclaredUnit {
  UnitId id;
  std::string directory;  // "environments/prod/checkout", from the root of the config repo's path
  Environment environment;
  Application application;
  std::optional<Release> release;
  std::vector<Target> targets;  // resolved, in the order of environment.yaml
  // Of its targets, which are all of one; the first there is while they are not known.
  const TargetKind* kind = nullptr;
  std::vector<TreeEntry> manifests;  // what the plain source renders, sorted by path
  std::vector<TreeEntry>
      inputs;  // every file read for the unit (manifests, app.yaml, release.yaml, referenced)
  std::vector<TreeEntry> shared_inputs;  // inputs outside its directory; none with plain sources
  Diagnostics problems;
};

// Everything declared at one revision.
struct Declared {
  Pipeline pipeline;
  std::map<std::string, Environment> environments;
  std::map<UnitId, DeclaredUnit> units;
  // Problems of files that belong to no single unit (sluice.yaml, environment.yaml, strays). A
  // problem of environment.yaml is repeated in each of that environment's units.
  Diagnostics problems;
};

struct RepositoryConfig {
  std::string url;  // https, ssh, an absolute path of this machine, http on loopback (elsewhere
                    // only allowInsecure)
  std::string branch = "main";
  std::string log_branch = "deployments";
  std::string path = ".";
  Duration poll = 5s;
  Duration timeout = 60s;  // a git call without progress for so long is ended
  std::string username_file, token_file, ssh_key_file, known_hosts_file, ca_file;
  bool allow_insecure = false;
};

struct DaemonConfig {
  std::string name;
  RepositoryConfig repository;
  std::string kubeconfig;  // "" : in-cluster
  std::string data_dir;
  struct {
    std::string name, email;
  } identity;
  struct {
    std::string format;  // "", "ssh" or "gpg"
    std::string key_file;
  } signing;
  bool allow_commands = false;
  int workers = 8;
  std::string log_format = "logfmt";  // or json
  std::string log_level = "info";
  std::string hmac_key_file;  // "": digests of what is secret are the words "key present"
  std::vector<std::string> exec_allow_list;  // exec credential plugins by command name; empty: any
};

}  // namespace sluice
