#include "engine/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/cli/cmd_completion.h"
#include "engine/cli/cmd_local.h"
#include "engine/cli/cmd_operate.h"
#include "engine/cli/cmd_plan.h"
#include "engine/cli/cmd_sandbox.h"
#include "engine/cli/cmd_status.h"
#include "engine/cli/cmd_sync.h"

namespace sluice::cli {
namespace {

// What one invocation was given. Lives as long as the function that runs the command.
struct Invocation {
  Global global;
  std::string output;
  SyncOptions sync;
  std::string sync_timeout;
  PlanOptions plan;
  DriftOptions drift;
  StatusOptions status;
  LogOptions log;
  ReleaseOptions release;
  std::string promote;
  RollbackOptions rollback;
  RequestOptions request;
  ValidateOptions validate;
  RenderOptions render;
  std::vector<std::string> render_arguments;
  InitOptions init;
  SandboxCommandOptions sandbox;
  std::string shell;
  std::function<int()> run;
};

const std::map<std::string, Output> kOutputs = {
    {"table", Output::kTable},       {"json", Output::kJson}, {"yaml", Output::kYaml},
    {"markdown", Output::kMarkdown}, {"text", Output::kText}, {"sarif", Output::kSarif},
    {"junit", Output::kJunit}};

// "" when it is one.
std::string IsCount(const std::string& text) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool is_count = error == std::errc() && end == text.data() + text.size() && count > 0;
  return is_count ? "" : "'" + EscapeControl(text) + "' is not a number from 1 to 2147483647";
}

class Builder {
 public:
  Builder(CLI::App& app, Invocation& in) : app_(app), in_(in) {}
  void Build();

 private:
  CLI::App* Add(const std::string& name, const std::string& description,
                const std::string& example);
  void Formats(CLI::App* command, std::vector<std::string> names);
  void Units(CLI::App* command, std::vector<std::string>& into) {
    command->add_option("UNIT", into, "Units as ENV/APP; all when none is named");
  }
  void Running();
  void Reading();
  void Operating();
  void Local();
  void Sandbox();
  void Program();
  void Requests();

  CLI::App& app_;
  Invocation& in_;
};

CLI::App* Builder::Add(const std::string& name, const std::string& description,
                       const std::string& example) {
  CLI::App* command = app_.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  return command;
}

void Builder::Formats(CLI::App* command, std::vector<std::string> names) {
  command->add_option("-o,--output", in_.output, "Form of the result")
      ->check(CLI::IsMember(std::move(names)));
}

void Builder::Running() {
  CLI::App* run = Add("run", "Work as a daemon until SIGTERM; SIGUSR1 polls at once",
                      "sluice -c daemon.yaml run");
  run->callback([this] { in_.run = [this] { return RunCommand(in_.global); }; });

  CLI::App* sync = Add("sync", "Work until nothing can move without time or a person",
                       "sluice -c daemon.yaml sync --timeout 10m");
  sync->add_option("--timeout", in_.sync_timeout, "Give up after this long (default 30m)");
  sync->add_option("--metrics-file", in_.sync.metrics_file,
                   "Write counts of requests, Git calls and seconds by step here, as JSON");
  Formats(sync, {"table", "json"});
  sync->callback([this] {
    if (!in_.sync_timeout.empty()) {
      auto timeout = ParseDuration(in_.sync_timeout);
      if (!timeout) throw CLI::ValidationError("--timeout", timeout.error().message());
      in_.sync.timeout = *timeout;
    }
    in_.run = [this] { return SyncCommand(in_.global, in_.sync); };
  });
}

void Builder::Reading() {
  CLI::App* plan = Add("plan", "Show what a rollout would change now; writes nothing",
                       "sluice -c daemon.yaml plan prod/checkout --exit-code");
  Units(plan, in_.plan.units);
  plan->add_flag("--all", in_.plan.all, "Show unchanged objects too");
  plan->add_flag("-v,--verbose", in_.plan.verbose,
                 "Show every field of long differences, and the server's words in full");
  plan->add_flag("--exit-code", in_.plan.exit_code, "Exit 5 when something would change");
  Formats(plan, {"table", "json", "yaml", "markdown"});
  plan->callback([this] { in_.run = [this] { return PlanCommand(in_.global, in_.plan); }; });

  CLI::App* status = Add("status", "Show what runs where, from the deploy log",
                         "sluice -c daemon.yaml status -o json");
  Units(status, in_.status.units);
  status->add_flag("--live", in_.status.live, "Ask the clusters for health now");
  Formats(status, {"table", "json", "yaml"});
  status->callback([this] { in_.run = [this] { return StatusCommand(in_.global, in_.status); }; });

  CLI::App* log = Add("log", "Show the deploy log, newest first",
                      "sluice -c daemon.yaml log prod/checkout --limit 20");
  log->add_option("UNIT", in_.log.units, "ENV/APP or ENV");
  log->add_option("--event", in_.log.event, "Only events of this kind, for example failed");
  log->add_option("--limit", in_.log.limit, "At most this many")->check(IsCount);
  log->add_flag("-v,--verbose", in_.log.verbose, "Show the further lines of each event");
  Formats(log, {"table", "json", "yaml"});
  log->callback([this] { in_.run = [this] { return LogCommand(in_.global, in_.log); }; });

  CLI::App* drift =
      Add("drift", "Compare live with what the last rollout left running; writes nothing",
          "sluice -c daemon.yaml drift --exit-code");
  Units(drift, in_.drift.units);
  drift->add_flag("-v,--verbose", in_.drift.verbose, "Show every field of long differences");
  drift->add_flag("--exit-code", in_.drift.exit_code, "Exit 5 when something drifted");
  Formats(drift, {"table", "json", "yaml"});
  drift->callback([this] { in_.run = [this] { return DriftCommand(in_.global, in_.drift); }; });
}

void Builder::Operating() {
  CLI::App* release = Add("release", "Commit a release to an environment",
                          "sluice -c daemon.yaml release dev/checkout --image "
                          "registry.example/shop/checkout=3f2c1d0 --version 2026.11.3");
  release->add_option("UNIT", in_.release.unit, "ENV/APP")->required();
  release->add_option("--image", in_.release.images,
                      "NAME=TAG or NAME@sha256:DIGEST; may be repeated");
  release->add_option("--version", in_.release.version,
                      "The version people know; the first image's tag when left out");
  release->callback(
      [this] { in_.run = [this] { return ReleaseCommand(in_.global, in_.release); }; });

  CLI::App* promote = Add("promote", "Commit the newest verified upstream release to a unit",
                          "sluice -c daemon.yaml promote prod/checkout");
  promote->add_option("UNIT", in_.promote, "ENV/APP")->required();
  promote->callback(
      [this] { in_.run = [this] { return PromoteCommand(in_.global, in_.promote); }; });

  CLI::App* rollback = Add("rollback", "Commit the content of an earlier Succeeded rollout",
                           "sluice -c daemon.yaml rollback prod/checkout");
  rollback->add_option("UNIT", in_.rollback.unit, "ENV/APP")->required();
  rollback->add_option(
      "--to", in_.rollback.to,
      "Rollout id from `sluice log`; default: the last Succeeded one with other content");
  rollback->callback(
      [this] { in_.run = [this] { return RollbackCommand(in_.global, in_.rollback); }; });
}

void Builder::Requests() {
  const std::vector<std::array<std::string, 3>> verbs = {
      {"adopt", "Let a unit take over objects and fields of others",
       "sluice -c daemon.yaml adopt prod/checkout --reason 'was applied by hand'"},
      {"retry", "Forget a unit's newest failure and try that content again",
       "sluice -c daemon.yaml retry prod/checkout --reason 'the registry is back'"},
      {"freeze", "Keep a unit as it is: no rollout, heal or promotion",
       "sluice -c daemon.yaml freeze prod/checkout --reason 'incident 42'"},
      {"unfreeze", "Let a frozen unit move again", "sluice -c daemon.yaml unfreeze prod/checkout"}};
  for (const auto& [verb, description, example] : verbs) {
    CLI::App* command = Add(verb, description, example);
    command->add_option("UNIT", in_.request.unit, "ENV/APP")->required();
    command->add_option("--reason", in_.request.reason, "Why, for the log");
    if (verb == "adopt")
      command->add_option("--object", in_.request.objects,
                          "Only this object, as group/kind/namespace/name; may be repeated");
    command->callback([this, name = verb] {
      in_.request.verb = name;
      in_.run = [this] { return RequestCommand(in_.global, in_.request); };
    });
  }
}

void Builder::Local() {
  CLI::App* validate =
      Add("validate", "Check a config repo; needs no cluster", "sluice validate environments/shop");
  validate->add_option("DIR", in_.validate.directory,
                       "Folder with sluice.yaml; default: the tip of the config repo");
  Formats(validate, {"text", "json", "sarif", "junit"});
  validate->callback(
      [this] { in_.run = [this] { return ValidateCommand(in_.global, in_.validate); }; });

  CLI::App* render =
      Add("render", "Print a unit's objects", "sluice render environments/shop dev/checkout");
  render->add_option("ARGUMENTS", in_.render_arguments, "[DIR] ENV/APP")
      ->required()
      ->expected(1, 2);
  Formats(render, {"yaml", "json"});
  render->callback([this] {
    in_.render.unit = in_.render_arguments.back();
    if (in_.render_arguments.size() == 2) in_.render.directory = in_.render_arguments.front();
    in_.run = [this] { return RenderCommand(in_.global, in_.render); };
  });

  CLI::App* init = Add("init", "Check repository and branches, and begin the deploy log",
                       "sluice -c daemon.yaml init");
  init->add_flag("--new-log", in_.init.new_log,
                 "Begin a new deploy log although live objects carry our mark, or accept a log "
                 "that was put back");
  init->add_flag("--accept-history", in_.init.accept_history,
                 "Accept that the config branch was rewritten");
  init->callback([this] { in_.run = [this] { return InitCommand(in_.global, in_.init); }; });
}

void Builder::Sandbox() {
  CLI::App* sandbox =
      Add("sandbox", "Serve simulated clusters on loopback, to try things without one",
          "sluice sandbox --dir /tmp/sandbox --fault 429:verb=patch,count=5");
  AddSandboxOptions(*sandbox, in_.sandbox, "; `sluice-sandbox --help` explains them");
  sandbox->callback([this] { in_.run = [this] { return SandboxCommand(in_.sandbox); }; });
}

void Builder::Program() {
  CLI::App* version = Add("version", "Print the version", "sluice version -o json");
  Formats(version, {"table", "json"});
  version->callback([this] { in_.run = [this] { return VersionCommand(in_.global); }; });

  CLI::App* completion =
      Add("completion", "Print a shell completion script", "source <(sluice completion bash)");
  completion->add_option("SHELL", in_.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([this] { in_.run = [this] { return CompletionCommand(in_.shell); }; });
}

void Builder::Build() {
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.set_help_all_flag("--help-all", "Print the help of every command");
  app_.add_option("-c,--config", in_.global.config, "daemon.yaml (default: SLUICE_CONFIG)");
  app_.add_option("--log-format", in_.global.log_format, "Form of log lines")
      ->check(CLI::IsMember({"logfmt", "json"}));
  app_.add_option("--log-level", in_.global.log_level, "Least level to log")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app_.footer(
      "Exit codes: 0 done, 1 errored (no verdict), 2 usage or invalid configuration, 3 a rollout "
      "failed (and was handled),\n"
      "4 held, 5 differences found (plan and drift with --exit-code).\n\nExample:\n  sluice -c "
      "daemon.yaml sync");
  Running();
  Reading();
  Operating();
  Requests();
  Local();
  Sandbox();
  Program();
}

std::vector<CommandInfo::Flag> FlagsOf(const CLI::App& app) {
  std::vector<CommandInfo::Flag> flags;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    CommandInfo::Flag flag;
    flag.name = "--" + option->get_lnames().front();
    flag.description = option->get_description().substr(0, option->get_description().find('\n'));
    flag.takes_value = option->get_items_expected_max() > 0;
    flags.push_back(std::move(flag));
  }
  return flags;
}

const CLI::App* ChosenCommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? nullptr : chosen.front();
}

// One line that names what was wrong with the words given.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = ChosenCommand(app);
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) {
    const bool is_bare = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (!command && is_bare) return "name a command";
    std::string text = error.what();
    if (!command) return text.substr(0, text.find('\n'));
    return command->get_name() + ": " + text.substr(0, text.find('\n'));
  }
  const std::string word = EscapeControl(extras.front());
  std::vector<std::string> known;
  if (word.starts_with("-")) {
    for (const CLI::App* of : {command, &app}) {
      if (!of) continue;
      for (const auto& flag : FlagsOf(*of)) known.push_back(flag.name);
    }
    return (command ? command->get_name() + " has" : std::string("there is")) + " no flag '" +
           word + "'" + DidYouMean(word, known);
  }
  if (command) return command->get_name() + " takes no argument '" + word + "'";
  for (const CLI::App* other : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(other->get_name());
  return "there is no command '" + word + "'" + DidYouMean(word, known);
}

int Refuse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = ChosenCommand(app);
  std::fprintf(stderr, "sluice: %s (see `sluice %s--help`)\n", UsageMessage(app, error).c_str(),
               command ? (command->get_name() + " ").c_str() : "");
  return kExitUsage;
}

}  // namespace

Parsed ParseCommandLine(int argc, const char* const* argv) {
  auto app = std::make_shared<CLI::App>(
      "sluice: Git-driven deployments to Kubernetes, gated, verified, reverted when bad", "sluice");
  auto in = std::make_shared<Invocation>();
  auto builder = std::make_shared<Builder>(*app, *in);
  builder->Build();
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return {{}, app->exit(error)};  // help was asked for
    return {{}, Refuse(*app, error)};
  }
  if (!in->output.empty()) {
    in->global.output = kOutputs.at(in->output);
    in->global.is_output_given = true;
  }
  return {[app, in, builder] { return in->run(); }, kExitDone};
}

std::vector<CommandInfo> DescribeCommands() {
  CLI::App app("", "sluice");
  Invocation in;
  Builder builder(app, in);
  builder.Build();
  std::vector<CommandInfo> commands;
  commands.push_back({"", "", FlagsOf(app), app.help()});
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(
        {command->get_name(), command->get_description(), FlagsOf(*command), command->help()});
  }
  return commands;
}

}  // namespace sluice::cli
