// The words of the command line: help, its reference, completion, and what is not a word of it.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/e2e/cli.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"

namespace sluice::e2e {
namespace {

std::vector<std::string> Commands() {
  std::vector<std::string> commands;
  bool is_listed = false;
  for (const std::string& line : Lines(Plain({"--help-all"}).out)) {
    if (is_listed && std::regex_match(line, std::regex("[a-z]+"))) commands.push_back(line);
    is_listed = is_listed || line == "Subcommands:";
  }
  return commands;
}

std::set<std::string> Flags(const std::string& help) {
  std::set<std::string> flags;
  const std::regex flag("^  (?:-[a-zA-Z],)?(--[a-z-]+)");
  std::smatch found;
  for (const std::string& line : Lines(help)) {
    if (std::regex_search(line, found, flag) && found[1] != "--help-all") flags.insert(found[1]);
  }
  flags.erase("--help");
  return flags;
}

// The section of docs/reference/cli.md under "### `sluice COMMAND …`".
std::string Section(const std::string& document, const std::string& command) {
  std::string section;
  bool is_inside = false;
  for (const std::string& line : Lines(document)) {
    if (line.starts_with("## ") || line.starts_with("### ")) is_inside = line == "### " + command;
    if (is_inside) section += line + "\n";
  }
  return section;
}

TEST_CASE("every command explains itself with an example") {
  const auto commands = Commands();
  for (const std::string word :
       {"run", "plan", "sync", "status", "log", "release", "promote", "adopt", "rollback", "retry",
        "freeze", "unfreeze", "validate", "render", "drift", "init", "sandbox", "version"}) {
    CHECK(std::find(commands.begin(), commands.end(), word) != commands.end());
  }
  for (const std::string& command : commands) {
    const Ran ran = Plain({command, "--help"});
    INFO(Text(ran));
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
    const size_t example = ran.out.find("Example:\n  ");
    REQUIRE(example != std::string::npos);
    const std::string text = ran.out.substr(example);
    CHECK(text.find("sluice") != std::string::npos);
    CHECK(text.find(" " + command) != std::string::npos);
  }
}

TEST_CASE("the reference has every command, every flag and an example of each command") {
  const std::string document = ReadFile(test::SourceDirectory() + "/docs/reference/cli.md");
  for (const std::string& flag : Flags(Plain({"--help"}).out)) {
    INFO(flag);
    CHECK(document.find("`" + flag) != std::string::npos);
  }
  for (const std::string& command : Commands()) {
    const std::string section = Section(document, command);
    INFO("### " << command << "\n" << section);
    CHECK_FALSE(section.empty());
    CHECK(std::regex_search(
        section, std::regex("```console\n(.*\n)*?(\\$ |source <\\().*sluice .*\\b" + command)));
    const auto flags = Flags(Plain({command, "--help"}).out);
    for (const std::string& flag : flags) {
      INFO(flag);
      CHECK(section.find("`" + flag) != std::string::npos);
    }
    // And nothing that is not there.
    const std::regex documented("^\\| `(--[a-z-]+)");
    std::smatch found;
    for (const std::string& line : Lines(section)) {
      if (std::regex_search(line, found, documented)) CHECK(flags.contains(found[1]));
    }
  }
}

TEST_CASE("completion scripts are scripts of their shells, and complete") {
  const std::string script = Plain({"completion", "bash"}).out;
  const Ran parsed = Tool({"/bin/bash", "-n"}, script);
  INFO(Text(parsed));
  CHECK(parsed.exit_code == 0);
  const auto complete = [&](const std::string& words, int at) {
    return Tool({"/bin/bash"}, script + "\nCOMP_WORDS=(" + words + "); COMP_CWORD=" +
                                   std::to_string(at) + "; _sluice; echo \"${COMPREPLY[*]}\"\n")
        .out;
  };
  CHECK(complete("sluice pro", 1) == "promote\n");
  CHECK(complete("sluice -c daemon.yaml plan --ex", 4) == "--exit-code\n");
  char home[] = "/tmp/sluice-shell-XXXXXX";  // fish makes one where there is none
  REQUIRE(mkdtemp(home));
  const auto in_shell = [&](const std::vector<std::string>& argv, const std::string& input) {
    return Run({argv, CleanEnvironment(home), "/", input, seconds(60)});
  };
  for (const std::string shell : {"zsh", "fish"}) {
    const Ran printed = Plain({"completion", shell});
    CHECK(printed.exit_code == 0);
    CHECK(printed.out.find("rollback") != std::string::npos);
    const Ran checked = in_shell({"/usr/bin/" + shell, "-n", "/dev/stdin"}, printed.out);
    INFO(Text(checked));
    CHECK(checked.exit_code == 0);
  }
  const auto fish = [&](const std::string& words) {
    const std::string ask = "\ncomplete -C '" + words + "'\n";
    return in_shell({"/usr/bin/fish"}, Plain({"completion", "fish"}).out + ask).out;
  };
  CHECK_THAT(fish("sluice pro"), Catch::StartsWith("promote\t"));
  CHECK_THAT(fish("sluice plan --ex"), Catch::StartsWith("--exit-code\t"));
  std::filesystem::remove_all(home);
}

TEST_CASE("wrong words are named in one line with the nearest right ones") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "sluice: name a command"},
      {{"pln"}, "there is no command 'pln'; did you mean 'plan'?"},
      {{"plan", "--al"}, "plan has no flag '--al'; did you mean '--all'?"},
      {{"plan", "-o", "xml"}, "xml not in {table,json,yaml,markdown}"},
      {{"promote"}, "promote: UNIT is required"},
      {{"log", "--limit", "-1"}, "log: --limit: '-1' is not a number from 1 to 2147483647"},
      {{"log", "--limit", "abc"}, "'abc' is not a number"},
      {{"log", "--limit", "0"}, "'0' is not a number"},
      {{"-c"}, "sluice: --config: "},
      {{"validate", "a", "b"}, "validate takes no argument 'b'"},
      {{"sync", "--timeout", "soon"}, "'soon' is not a duration"},
      {{"plan"}, "name daemon.yaml with -c FILE or in SLUICE_CONFIG"},
      {{"-c", "/nonexistent/daemon.yaml", "plan"}, "/nonexistent/daemon.yaml"}};
  for (const auto& [args, words] : cases) {
    const Ran ran = Plain(args);
    INFO(words << "\n" << Text(ran));
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(words) != std::string::npos);
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  }
}

}  // namespace
}  // namespace sluice::e2e
