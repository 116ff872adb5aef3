#include <filesystem>

#include "engine/base/strings.h"
#include "engine/io/files.h"
#include "tests/unit/verify/verify_fixture.h"

namespace sluice::verify {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

const std::string kUnit = "environments/prod/checkout/";

struct CommandFixture : VerifyFixture {
  TestResult RunScript(const std::string& script, Duration timeout = 60s, int retries = 0) {
    files[kUnit + "check.sh"] = {"#!/bin/sh\n" + script + "\n", true};
    return Run(Command({"./check.sh"}, timeout, retries));
  }
  static SmokeTest Command(std::vector<std::string> run, Duration timeout = 60s, int retries = 0) {
    SmokeTest test;
    test.name = "orders";
    test.check = CommandSmokeTest{std::move(run)};
    test.timeout = timeout;
    test.retries = retries;
    return test;
  }
};

TEST_CASE_METHOD(CommandFixture, "exit code 0 passes, 75 is no verdict, anything else fails") {
  struct Row {
    std::string script, message;
    Verdict verdict;
    std::optional<int> exit_code;
  };
  const auto row =
      GENERATE(values<Row>({{"exit 0", "exit code 0", Verdict::kPassed, 0},
                            {"exit 75", "exit code 75, no verdict", Verdict::kNoVerdict, 75},
                            {"exit 1", "exit code 1, expected 0", Verdict::kFailed, 1},
                            {"exit 255", "exit code 255, expected 0", Verdict::kFailed, 255},
                            {"kill -9 $$", "ended by signal 9", Verdict::kFailed, std::nullopt}}));
  DYNAMIC_SECTION(row.script) {
    const auto result = RunScript(row.script);
    CHECK(result.verdict == row.verdict);
    CHECK(result.message == "command './check.sh': " + row.message);
    CHECK(result.exit_code == row.exit_code);
  }
}

TEST_CASE_METHOD(CommandFixture, "commands run only where the daemon allows them") {
  files[kUnit + "check.sh"] = {"#!/bin/sh\nexit 0\n", true};
  auto context = MakeContext();
  context.allow_commands = false;
  const auto result = RunWith(Command({"./check.sh"}, 60s, 5), context);
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 1);
  CHECK_THAT(result.message, Contains("allowCommands: true"));
}

TEST_CASE_METHOD(CommandFixture, "the environment is exactly what is promised") {
  setenv("SLUICE_TEST_SECRET", "leak", 1);
  const auto result = RunScript("env | grep -v ^PWD= | grep -v ^_= | sort");
  std::vector<std::string> names;
  for (const auto& line : Split(result.tail, '\n')) names.push_back(line.substr(0, line.find('=')));
  CHECK(names == std::vector<std::string>{"HOME", "PATH", "SLUICE_APPLICATION",
                                          "SLUICE_ENVIRONMENT", "SLUICE_REVISION", "SLUICE_TARGET",
                                          "SLUICE_VERSION"});
  CHECK_THAT(result.tail, Contains("SLUICE_APPLICATION=checkout") &&
                              Contains("SLUICE_ENVIRONMENT=prod") &&
                              Contains("SLUICE_REVISION=3f2c1d0") && Contains("SLUICE_TARGET=eu") &&
                              Contains("SLUICE_VERSION=2026.11.3"));
}

TEST_CASE_METHOD(CommandFixture,
                 "the command works in a private read-only copy of the unit, gone afterwards") {
  files[kUnit + "data/expected.txt"] = {"42\n"};
  files["environments/prod/other/secret.txt"] = {"not ours"};
  const auto result = RunScript(
      "pwd; cat data/expected.txt; find . -type f | sort | tr '\\n' ' '; "
      "stat -c %a . data data/expected.txt check.sh | tr '\\n' ' '; touch $HOME/scratch && echo "
      "home-writable");
  CHECK(result.verdict == Verdict::kPassed);
  CHECK_THAT(result.tail,
             Contains("\n42\n./check.sh ./data/expected.txt 500 500 400 500 home-writable"));
  const auto directory = Split(result.tail, '\n').front();
  CHECK(directory.starts_with("/"));
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(directory).parent_path()));
}

TEST_CASE_METHOD(CommandFixture, "the last KiB of output is kept, without credentials") {
  auto result = RunScript(
      "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; "
      "echo 'GET https://bob:hunter2@host/x' >&2; printf 'red \\033[31m' >&2; exit 1");
  CHECK(result.tail.size() <= 1024);
  CHECK(result.tail.size() > 900);
  CHECK_THAT(result.tail,
             Contains("line 499\n") && Contains("https://***@host/x") && Contains("\\x1b[31m"));
  CHECK_THAT(result.tail, !Contains("hunter2"));
  CHECK(result.message.find('\n') == std::string::npos);
}

TEST_CASE_METHOD(CommandFixture,
                 "a command that does not end fails at its timeout with all it started") {
  const auto result = RunScript("echo started; sleep 300 & sleep 300", 300ms);
  CHECK(result.verdict == Verdict::kFailed);
  CHECK_THAT(result.message, Contains("did not end within"));
  CHECK(result.tail == "started");
  CHECK_FALSE(result.exit_code);
}

TEST_CASE_METHOD(CommandFixture,
                 "a command that cannot be started is no verdict and says what to do") {
  auto result = Run(Command({"./missing.sh"}, 60s, 3));
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 1);
  CHECK_THAT(result.message, Contains("./missing.sh") && Contains("no such file"));
  files[kUnit + "plain.sh"] = {"#!/bin/sh\nexit 0\n", false};
  result = Run(Command({"./plain.sh"}, 60s, 3));
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK_THAT(result.message, Contains("is it executable in Git?"));
  result = Run(Command({"no-such-program-anywhere"}));
  CHECK(result.verdict == Verdict::kNoVerdict);
  result = Run(Command({}));
  CHECK(result.verdict == Verdict::kNoVerdict);
}

TEST_CASE_METHOD(CommandFixture,
                 "a program is found in the fixed PATH and gets its arguments unchanged") {
  const auto result = Run(Command({"printf", "%s|", "a b", "$HOME", "*"}));
  CHECK(result.verdict == Verdict::kPassed);
  CHECK(result.tail == "a b|$HOME|*|");
}

TEST_CASE_METHOD(CommandFixture, "a command is tried again as often as asked") {
  const std::string marker = TemporaryDirectory::Make()->path() + ".count";
  const auto result =
      RunScript("echo x >> " + marker + "; [ $(wc -l < " + marker + ") -ge 3 ]", 60s, 5);
  CHECK(result.verdict == Verdict::kPassed);
  CHECK(result.attempts == 3);
  CHECK(RemoveTree(marker));
}

}  // namespace
}  // namespace sluice::verify
