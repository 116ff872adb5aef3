#include "tests/support/e2e/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace sluice::e2e {
namespace {

using Clock = std::chrono::steady_clock;

int Decode(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Everything that allocates is done before the fork: other threads may hold the heap's lock.
int Spawn(const RunSpec& spec, int in, const std::string& out, const std::string& err) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : spec.env) lines.push_back(key + "=" + value);
  std::vector<char*> env, argv;
  for (auto& line : lines) env.push_back(line.data());
  std::vector<std::string> args = spec.argv;
  for (auto& arg : args) argv.push_back(arg.data());
  env.push_back(nullptr);
  argv.push_back(nullptr);

  const int pid = fork();
  if (pid < 0) throw std::runtime_error("fork: " + std::string(std::strerror(errno)));
  if (pid > 0) return pid;
  setpgid(0, 0);
  const int output = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int error = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (in < 0 || output < 0 || error < 0) _exit(126);
  dup2(in, 0);
  dup2(output, 1);
  dup2(error, 2);
  close_range(3, ~0U, 0);
  if (!spec.cwd.empty() && chdir(spec.cwd.c_str()) != 0) _exit(126);
  execvpe(argv[0], argv.data(), env.data());
  _exit(127);
}

}  // namespace

Ran Run(const RunSpec& spec) {
  char pattern[] = "/tmp/sluice-run-XXXXXX";
  if (mkdtemp(pattern) == nullptr) throw std::runtime_error("mkdtemp failed");
  const std::string dir = pattern;
  WriteFile(dir + "/in", spec.input);
  const int input = open((dir + "/in").c_str(), O_RDONLY | O_CLOEXEC);
  const int pid = Spawn(spec, input, dir + "/out", dir + "/err");
  close(input);
  int status = 0;
  const auto deadline = Clock::now() + spec.deadline;
  bool is_late = false;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      is_late = true;
      kill(-pid, SIGKILL);
      waitpid(pid, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  Ran ran{Decode(status), ReadFile(dir + "/out"), ReadFile(dir + "/err")};
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
  if (is_late) {
    throw std::runtime_error(spec.argv[0] + " did not end in " +
                             std::to_string(spec.deadline.count()) + " s; stdout: " + ran.out +
                             "; stderr: " + ran.err);
  }
  return ran;
}

bool Eventually(const std::function<bool()>& holds, seconds deadline) {
  const auto end = Clock::now() + deadline;
  while (true) {
    if (holds()) return true;
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Child::Child(const RunSpec& spec, const std::string& log, Input input) : log_(log) {
  int ends[2] = {-1, -1};
  if (input == Input::kNone) {
    ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  } else if (pipe2(ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  pid_ = Spawn(spec, ends[0], log + ".out", log + ".err");
  close(ends[0]);
  input_ = ends[1];
}

Child::~Child() {
  if (input_ >= 0) close(input_);
  if (Reap(false)) return;
  kill(-pid_, SIGTERM);
  if (!Eventually([this] { return Reap(false); }, seconds(20))) {
    kill(-pid_, SIGKILL);
    Reap(true);
  }
}

bool Child::Reap(bool blocking) {
  if (has_ended_) return true;
  int status = 0;
  if (waitpid(pid_, &status, blocking ? 0 : WNOHANG) != pid_) return false;
  exit_code_ = Decode(status);
  has_ended_ = true;
  return true;
}

std::string Child::Out() const { return ReadFile(log_ + ".out"); }
std::string Child::Err() const { return ReadFile(log_ + ".err"); }
bool Child::IsRunning() { return !Reap(false); }

void Child::Signal(int number) {
  if (!Reap(false)) kill(pid_, number);
}

int Child::Wait(seconds deadline) {
  if (!Eventually([this] { return Reap(false); }, deadline)) {
    throw std::runtime_error("process " + std::to_string(pid_) + " did not end in " +
                             std::to_string(deadline.count()) + " s; stderr: " + Err());
  }
  return exit_code_;
}

std::map<std::string, std::string> CleanEnvironment(const std::string& home) {
  std::map<std::string, std::string> env = {
      {"HOME", home},
      {"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
      {"LC_ALL", "C.UTF-8"},
      {"TZ", "UTC"},
      {"KUBECONFIG", "/nonexistent"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_CONFIG_GLOBAL", "/dev/null"},
  };
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) env[name] = value;
  }
  return env;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(fd);
    throw std::runtime_error("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace sluice::e2e
