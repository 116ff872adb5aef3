#include "engine/io/subprocess.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "engine/base/strings.h"
#include "engine/io/files.h"
#include "tests/support/catch.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

Call In(Duration time) { return {std::chrono::steady_clock::now() + time, {}}; }

ProcessSpec Shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .env = {{"PATH", "/usr/bin:/bin"}}};
}

bool HasZombies() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

bool IsAlive(pid_t pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  return stat && stat->find(") Z ") == std::string::npos;
}

TEST_CASE("output, error output and exit code come back apart") {
  const auto result = RunProcess(Shell("echo out; echo err >&2; exit 7"), In(20s));
  REQUIRE(result);
  CHECK(result->exit_code == 7);
  CHECK(result->signal == 0);
  CHECK(result->stdout_text == "out\n");
  CHECK(result->stderr_text == "err\n");
  CHECK_FALSE(result->timed_out);
  CHECK_FALSE(HasZombies());
}

TEST_CASE(
    "a child that says nothing for its idle limit is ended, one that goes on writing is not") {
  ProcessSpec silent = Shell("echo begun >&2; exec sleep 600");
  silent.idle_limit = 200ms;
  const auto ended = RunProcess(silent, In(120s));
  REQUIRE(ended);
  CHECK(ended->timed_out);
  CHECK(ended->was_idle);
  CHECK(ended->stderr_text == "begun\n");

  // Each line comes well within the limit, all of them together well after it.
  ProcessSpec busy = Shell("for i in 1 2 3 4 5 6 7 8; do echo $i >&2; sleep 0.25; done");
  busy.idle_limit = 1500ms;
  const auto done = RunProcess(busy, In(120s));
  REQUIRE(done);
  CHECK_FALSE(done->timed_out);
  CHECK(done->exit_code == 0);
}

TEST_CASE("the environment and the directory are exactly what was asked for") {
  setenv("SLUICE_TEST_LEAK", "secret", 1);
  ProcessSpec spec{
      .argv = {"env"}, .env = {{"PATH", "/usr/bin:/bin"}, {"A", "1 2"}}, .cwd = "/usr"};
  auto result = RunProcess(spec, In(20s));
  REQUIRE(result);
  CHECK(result->stdout_text == "A=1 2\nPATH=/usr/bin:/bin\n");
  spec.argv = {"pwd", "-P"};
  result = RunProcess(spec, In(20s));
  REQUIRE(result);
  CHECK(result->stdout_text == "/usr\n");
}

TEST_CASE("input of any size is read by the child, and none is an empty input") {
  ProcessSpec spec{.argv = {"/usr/bin/wc", "-c"}, .stdin_data = std::string(5 << 20, 'x')};
  auto result = RunProcess(spec, In(20s));
  REQUIRE(result);
  CHECK(Trim(result->stdout_text) == "5242880");
  spec.stdin_data.clear();
  result = RunProcess(spec, In(20s));
  REQUIRE(result);
  CHECK(Trim(result->stdout_text) == "0");
  spec.argv = {"/bin/true"};  // a child that does not read its input is no problem
  spec.stdin_data = std::string(5 << 20, 'x');
  CHECK(RunProcess(spec, In(20s)));
}

TEST_CASE("of too much output the tail is kept, or the child is stopped") {
  ProcessSpec spec = Shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
  spec.max_output = 1000;
  auto result = RunProcess(spec, In(60s));
  REQUIRE(result);
  CHECK(result->is_truncated);
  CHECK(result->stdout_text.size() == 1000);
  CHECK_THAT(result->stdout_text, Catch::EndsWith("line 19999\n"));
  spec = Shell("while :; do echo more; done");
  spec.max_output = 1000;
  spec.overflow = Overflow::kFail;
  result = RunProcess(spec, In(60s));
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::kUnavailable);
  CHECK_THAT(result.error().message(), Contains("wrote more than 1000 bytes"));
}

TEST_CASE("what cannot be started says why and leaves no zombie") {
  ProcessSpec spec{.argv = {"/no/such/program"}};
  for (int i = 0; i < 5; ++i) {
    const auto result = RunProcess(spec, In(20s));
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == ErrorCode::kNotFound);
    CHECK_THAT(result.error().message(), Contains("/no/such/program") && Contains("no such file"));
  }
  CHECK(RunProcess({.argv = {"/etc/passwd"}}, In(20s)).error().code() ==
        ErrorCode::kPermissionDenied);
  const auto no_directory = RunProcess({.argv = {"/bin/true"}, .cwd = "/no/such/dir"}, In(20s));
  REQUIRE_FALSE(no_directory);
  CHECK_THAT(no_directory.error().message(), Contains("in directory '/no/such/dir'"));
  const auto not_in_path =
      RunProcess({.argv = {"git-nonsense"}, .env = {{"PATH", "/usr/bin"}}}, In(20s));
  REQUIRE_FALSE(not_in_path);
  CHECK(not_in_path.error().code() == ErrorCode::kNotFound);
  CHECK_THAT(not_in_path.error().message(), Contains("PATH '/usr/bin'"));
  CHECK_FALSE(RunProcess({.argv = {}}, In(20s)));
  CHECK_FALSE(HasZombies());
}

TEST_CASE("a failed start does not run our exit handlers in the child") {
  TemporaryDirectory directory = *TemporaryDirectory::Make();
  static std::string marker = directory.path() + "/exit-handler-ran";
  static const pid_t self = getpid();
  std::atexit([] {
    if (getpid() != self) (void)WriteFileDurably(marker, "");
  });
  REQUIRE_FALSE(RunProcess({.argv = {"/no/such/program"}}, In(20s)));
  CHECK_FALSE(ReadFile(marker));
}

TEST_CASE("at the deadline the whole group is asked to end, then killed, and its words are kept") {
  ProcessSpec spec = Shell("echo before; trap '' TERM; while :; do sleep 0.05; done");
  spec.kill_grace = 200ms;
  const auto start = std::chrono::steady_clock::now();
  auto result = RunProcess(spec, In(300ms));
  REQUIRE(result);
  CHECK(result->timed_out);
  CHECK(result->signal == SIGKILL);
  CHECK(result->stdout_text == "before\n");
  CHECK(std::chrono::steady_clock::now() - start < 30s);
  result =
      RunProcess(Shell("trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done"), In(300ms));
  REQUIRE(result);
  CHECK(result->timed_out);
  CHECK(result->exit_code == 3);
  CHECK(result->stdout_text == "bye\n");
  CHECK_FALSE(HasZombies());
}

TEST_CASE("a stop ends the child and says so") {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunProcess(Shell("sleep 300"), {start + 300s, stop.get_token()});
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::kCancelled);
  CHECK(std::chrono::steady_clock::now() - start < 60s);
}

TEST_CASE("grandchildren that hold the pipes neither hang us nor outlive the child") {
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunProcess(Shell("sleep 300 & echo $!"), In(120s));
  REQUIRE(result);
  CHECK(result->exit_code == 0);
  CHECK_FALSE(result->timed_out);
  CHECK(std::chrono::steady_clock::now() - start < 60s);
  const pid_t grandchild = std::stoi(result->stdout_text);
  while (IsAlive(grandchild) && std::chrono::steady_clock::now() - start < 60s)
    std::this_thread::sleep_for(1ms);
  CHECK_FALSE(IsAlive(grandchild));
}

TEST_CASE("a grandchild that left the group does not hang us either") {
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunProcess(Shell("setsid sleep 20 & sleep 0.3; echo done"), In(120s));
  REQUIRE(result);
  CHECK(result->stdout_text == "done\n");
  CHECK(std::chrono::steady_clock::now() - start < 15s);
}

TEST_CASE("the child inherits three descriptors, no signal mask and the default SIGPIPE") {
  const int leak = open("/etc/passwd", O_RDONLY);  // without CLOEXEC, on purpose
  REQUIRE(dup2(leak, 200) == 200);
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  auto result = RunProcess({.argv = {"/bin/ls", "/proc/self/fd"}}, In(20s));
  REQUIRE(result);
  CHECK(result->stdout_text == "0\n1\n2\n3\n");  // 3 is ls reading the directory
  result = RunProcess({.argv = {"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}}, In(20s));
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  close(leak);
  close(200);
  REQUIRE(result);
  CHECK_THAT(result->stdout_text, Contains("SigBlk:\t0000000000000000"));
  const auto ignored = result->stdout_text.substr(result->stdout_text.find("SigIgn:") + 8, 16);
  CHECK((std::stoull(ignored, nullptr, 16) & (1ull << (SIGPIPE - 1))) == 0);
}

TEST_CASE("many children at once do not wait for each other's pipes") {
  std::atomic<int> good = 0;
  std::stop_source stop;
  std::jthread sleeper([&] {
    (void)RunProcess(Shell("sleep 600"),
                     {std::chrono::steady_clock::now() + 600s, stop.get_token()});
  });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          const auto result = RunProcess({.argv = {"/bin/echo", "hello"}}, In(120s));
          if (result && result->exit_code == 0 && result->stdout_text == "hello\n" &&
              !result->timed_out)
            ++good;
        }
      });
    }
  }
  stop.request_stop();
  CHECK(good == 160);
}

}  // namespace
}  // namespace sluice
