// Child programs: git, ssh-keygen, credential plugins, smoke test commands. Never a shell.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice {

enum class Overflow {
  kKeepTail,
  kFail
};  // kFail: the child is killed and the call is kUnavailable

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0]: a path with '/', or a name looked up in env's PATH
  std::map<std::string, std::string> env;  // the whole environment; nothing is inherited
  std::string cwd;                         // "": ours
  std::string stdin_data;                  // "": /dev/null
  size_t max_output = size_t{1} << 20;     // bytes, of stdout and stderr each
  Overflow overflow = Overflow::kKeepTail;
  Duration kill_grace = std::chrono::seconds(5);  // between SIGTERM and SIGKILL
  // A child that has written nothing for so long is ended as at the deadline; 0: only the deadline
  // counts.
  Duration idle_limit = Duration(0);
};

struct ProcessResult {
  int exit_code = -1;  // when it exited by itself
  int signal = 0;      // when a signal ended it (exit_code is -1 then)
  std::string stdout_text;
  std::string stderr_text;
  bool is_truncated = false;  // one of the texts is only the tail
  bool timed_out = false;  // the deadline or the idle limit came; the texts hold what was written
  bool was_idle = false;   // it was the idle limit
};

// Runs it to its end. The child leads a process group of its own, which is killed when the child
// ends, so that a grandchild that holds the pipes cannot hang us; it inherits no descriptor but 0,
// 1 and 2, and no signal mask. At the deadline, or on stop (kCancelled): SIGTERM to the group, then
// SIGKILL. kNotFound when there is no such program or directory, kPermissionDenied when it may not
// be executed. Thread-safe.
Result<ProcessResult> RunProcess(const ProcessSpec& spec, const Call& call);

// The path of a program by `path` (a PATH value); kNotFound when none is executable there.
Result<std::string> FindProgram(const std::string& name, const std::string& path);

}  // namespace sluice
