// Programs as a person runs them: to their end, or in the background with their output at hand.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::e2e {

using std::chrono::seconds;

struct Ran {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string out, err;
};

struct RunSpec {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // the whole environment
  std::string cwd;
  std::string input;
  seconds deadline{120};
};

enum class Input {
  kNone,
  kHeldOpen
};  // held open: for programs that end when their standard input does

// Throws std::runtime_error when it cannot be started or outlives the deadline.
Ran Run(const RunSpec& spec);

// Polls `holds` until it is true (checked at least once) or the deadline passes.
bool Eventually(const std::function<bool()>& holds, seconds deadline = seconds(60));

// A program in the background; killed and reaped when this goes. stdout and stderr go to files, so
// that a full pipe never holds it up.
class Child {
 public:
  // `log`: path prefix; output is in <log>.out and <log>.err.
  Child(const RunSpec& spec, const std::string& log, Input input = Input::kNone);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  std::string Out() const;
  std::string Err() const;
  bool IsRunning();
  void Signal(int number);
  // Waits for its end; throws when it does not come in time.
  int Wait(seconds deadline = seconds(60));

 private:
  bool Reap(bool blocking);
  int pid_ = -1;
  int input_ = -1;  // our end of the pipe
  int exit_code_ = -1;
  bool has_ended_ = false;
  std::string log_;
};

// The environment that programs get: PATH, a locale, UTC, a HOME of their own, no user
// configuration of git, Kubernetes or AWS, no proxy; and what sanitizers were told.
std::map<std::string, std::string> CleanEnvironment(const std::string& home);

int FreePort();
std::string ReadFile(const std::string& path);                     // "" when there is none
void WriteFile(const std::string& path, const std::string& text);  // makes directories

}  // namespace sluice::e2e
