// Boost.Process v1 starts the child. Its v2, as in Boost 1.81, copies a vector in the child between
// fork and exec, which hangs when another thread holds the heap's lock (measured under ASan, whose
// heap is not made safe for fork: one start in some thousands), leaks descriptors and runs our exit
// handlers in the child.
#include "engine/io/subprocess.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/strings.h"
#include "engine/io/descriptor.h"

namespace sluice {
namespace {

namespace asio = boost::asio;
namespace process = boost::process;
using boost::system::error_code;

// After the child and its group are gone only a grandchild that left the group can hold the pipes.
constexpr auto kDrainTime = std::chrono::seconds(1);

// 0, 1 and 2 are overwritten in the child; ours may be among them when the process was started
// without.
Descriptor AboveStdio(Descriptor fd) {
  if (fd.get() < 0 || fd.get() > 2) return fd;
  return Descriptor(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

Error SystemError(const std::string& what) {
  return Error(ErrorCode::kInternal, what + ": " + ToLower(std::strerror(errno)));
}

// A file in memory instead of a pipe: no SIGPIPE for us and no deadlock with a child that writes
// first.
Result<Descriptor> OpenStdin(const std::string& data) {
  if (data.empty()) return AboveStdio(Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  Descriptor file = AboveStdio(Descriptor(memfd_create("stdin", MFD_CLOEXEC)));
  if (file.get() < 0) return Fail(SystemError("no memory file for a child's input"));
  for (size_t done = 0; done < data.size();) {
    const ssize_t count = write(file.get(), data.data() + done, data.size() - done);
    if (count < 0 && errno != EINTR) return Fail(SystemError("writing a child's input"));
    if (count > 0) done += static_cast<size_t>(count);
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// What the child does between fork and exec: only async-signal-safe calls, nothing that allocates.
struct ChildSetup : process::extend::handler {
  const char* directory;
  char** environment;
  std::array<int, 3> stdio;

  template <class Executor>
  void on_setup(Executor& executor) const {
    executor.env = environment;
  }
  template <class Executor>
  void on_exec_setup(Executor& executor) const {
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    bool is_ready = chdir(directory) == 0;
    for (int fd = 0; is_ready && fd < 3; ++fd)
      is_ready = dup2(stdio[static_cast<size_t>(fd)], fd) == fd;
    if (is_ready) return;
    executor.set_error(process::extend::get_last_error(), "setup");
    _exit(127);
  }
  template <class Executor>
  void on_error(Executor& executor, const std::error_code&) const {
    if (executor.pid > 0) waitpid(executor.pid, nullptr, 0);  // the library leaves a zombie
  }
};

class Child {
 public:
  Child(const ProcessSpec& spec, const Call& call)
      : spec_(spec),
        call_(call),
        out_(context_),
        err_(context_),
        exited_(context_),
        timer_(context_),
        idle_(context_),
        drain_(context_) {}

  Result<ProcessResult> Run();

 private:
  using Pipe = asio::readable_pipe;
  enum class End { kNone, kDeadline, kIdle, kStop, kOverflow };

  Status Launch();
  Error LaunchError(const std::error_code& error, const std::string& program) const;
  void Read(Pipe& pipe, std::string& text, std::array<char, 16384>& buffer);
  void Take(std::string& text, std::string_view data);
  void BeginEnd(End end);
  void WatchProgress();
  void OnExit();
  void SignalGroup(int signal) const {
    if (pid_ > 0) kill(-pid_, signal);
  }

  const ProcessSpec& spec_;
  const Call& call_;
  asio::io_context context_{1};
  Pipe out_, err_;
  asio::posix::stream_descriptor exited_;  // a pidfd
  asio::steady_timer timer_, idle_, drain_;
  std::array<char, 16384> out_buffer_{}, err_buffer_{};
  ProcessResult result_;
  pid_t pid_ = -1;  // until it is reaped
  int wait_status_ = 0;
  End end_ = End::kNone;
};

Error Child::LaunchError(const std::error_code& error, const std::string& program) const {
  if (!spec_.cwd.empty() && access(spec_.cwd.c_str(), X_OK) != 0) {
    return Error(errno == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kNotFound,
                 "cannot run '" + program + "' in directory '" + spec_.cwd +
                     "': " + ToLower(std::strerror(errno)));
  }
  ErrorCode code = ErrorCode::kUnavailable;
  if (error.value() == ENOENT || error.value() == ENOTDIR) code = ErrorCode::kNotFound;
  if (error.value() == EACCES || error.value() == EPERM || error.value() == ENOEXEC)
    code = ErrorCode::kPermissionDenied;
  return Error(code, "cannot run '" + program + "': " + ToLower(error.message()));
}

Status Child::Launch() {
  std::string program = spec_.argv.at(0);
  if (program.find('/') == std::string::npos) {
    const auto path = spec_.env.find("PATH");
    SLUICE_TRY(program, FindProgram(program, path == spec_.env.end() ? "" : path->second));
  }
  std::vector<std::string> environment;
  for (const auto& [name, value] : spec_.env) environment.push_back(name + "=" + value);
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);

  SLUICE_TRY(const Descriptor in, OpenStdin(spec_.stdin_data));
  std::array<int, 2> out{-1, -1}, err{-1, -1};
  if (pipe2(out.data(), O_CLOEXEC) != 0) return Fail(SystemError("no pipe for '" + program + "'"));
  Descriptor out_read = AboveStdio(Descriptor(out[0])), out_write = AboveStdio(Descriptor(out[1]));
  if (pipe2(err.data(), O_CLOEXEC) != 0) return Fail(SystemError("no pipe for '" + program + "'"));
  Descriptor err_read = AboveStdio(Descriptor(err[0])), err_write = AboveStdio(Descriptor(err[1]));

  const std::vector<std::string> arguments(spec_.argv.begin() + 1, spec_.argv.end());
  const std::string directory = spec_.cwd.empty() ? "." : spec_.cwd;
  ChildSetup setup{
      {}, directory.c_str(), pointers.data(), {in.get(), out_write.get(), err_write.get()}};
  std::error_code error;
  process::child started(process::exe = program, process::args = arguments, setup, error);
  if (error) return Fail(LaunchError(error, program));
  pid_ = started.id();
  started.detach();  // we reap it ourselves, after its group is killed
  out_.assign(out_read.release());
  err_.assign(err_read.release());
  const int watch = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (watch < 0) return Fail(SystemError("cannot watch '" + program + "'"));
  fcntl(watch, F_SETFD, FD_CLOEXEC);
  exited_.assign(watch);
  return {};
}

void Child::Take(std::string& text, std::string_view data) {
  text.append(data);
  if (text.size() <= spec_.max_output) return;
  if (spec_.overflow == Overflow::kFail) {
    BeginEnd(End::kOverflow);
  } else {
    result_.is_truncated = true;
    if (text.size() > 2 * spec_.max_output) text.erase(0, text.size() - spec_.max_output);
  }
}

void Child::Read(Pipe& pipe, std::string& text, std::array<char, 16384>& buffer) {
  pipe.async_read_some(asio::buffer(buffer), [&](const error_code& error, size_t count) {
    if (count > 0) {
      Take(text, {buffer.data(), count});
      WatchProgress();
    }
    if (error) {
      error_code ignored;
      pipe.close(ignored);
      return;
    }
    Read(pipe, text, buffer);
  });
}

void Child::BeginEnd(End end) {
  if (end_ != End::kNone || pid_ < 0) return;
  end_ = end;
  SignalGroup(end == End::kOverflow ? SIGKILL : SIGTERM);
  timer_.expires_after(spec_.kill_grace);
  timer_.async_wait([this](const error_code& error) {
    if (!error) SignalGroup(SIGKILL);
  });
}

void Child::WatchProgress() {
  if (spec_.idle_limit <= Duration(0) || end_ != End::kNone) return;
  idle_.expires_after(spec_.idle_limit);  // cancels the wait before
  idle_.async_wait([this](const error_code& error) {
    if (!error) BeginEnd(End::kIdle);
  });
}

void Child::OnExit() {
  SignalGroup(SIGKILL);  // before reaping: until then nobody else can get this process group id
  while (waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  timer_.cancel();
  idle_.cancel();
  drain_.expires_after(kDrainTime);
  drain_.async_wait([this](const error_code& error) {
    if (error) return;
    error_code ignored;
    out_.cancel(ignored);
    err_.cancel(ignored);
  });
}

Result<ProcessResult> Child::Run() {
  if (auto launched = Launch(); !launched) {
    if (pid_ > 0) {
      SignalGroup(SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    return Fail(std::move(launched).error());
  }
  {
    const std::stop_callback stopped(
        call_.stop, [this] { asio::post(context_, [this] { BeginEnd(End::kStop); }); });
    timer_.expires_at(call_.deadline);
    timer_.async_wait([this](const error_code& error) {
      if (!error) BeginEnd(End::kDeadline);
    });
    WatchProgress();
    exited_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const error_code&) { OnExit(); });
    Read(out_, result_.stdout_text, out_buffer_);
    Read(err_, result_.stderr_text, err_buffer_);
    while (pid_ > 0 || out_.is_open() || err_.is_open()) context_.run_one();
  }
  if (end_ == End::kStop) return Fail(ErrorCode::kCancelled, "'" + spec_.argv[0] + "' was stopped");
  if (end_ == End::kOverflow) {
    return Fail(ErrorCode::kUnavailable, "'" + spec_.argv[0] + "' wrote more than " +
                                             std::to_string(spec_.max_output) + " bytes");
  }
  result_.was_idle = end_ == End::kIdle;
  result_.timed_out = end_ == End::kDeadline || result_.was_idle;
  if (WIFEXITED(wait_status_)) result_.exit_code = WEXITSTATUS(wait_status_);
  if (WIFSIGNALED(wait_status_)) result_.signal = WTERMSIG(wait_status_);
  for (std::string* text : {&result_.stdout_text, &result_.stderr_text}) {
    if (text->size() > spec_.max_output) text->erase(0, text->size() - spec_.max_output);
  }
  return std::move(result_);
}

}  // namespace

Result<std::string> FindProgram(const std::string& name, const std::string& path) {
  for (const std::string& directory : Split(path, ':')) {
    if (directory.empty() || directory.front() != '/') continue;
    std::string candidate = directory + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Fail(ErrorCode::kNotFound, "no program '" + name + "' in PATH '" + path +
                                        "'; install it, or give its full path");
}

Result<ProcessResult> RunProcess(const ProcessSpec& spec, const Call& call) {
  if (spec.argv.empty() || spec.argv[0].empty())
    return Fail(ErrorCode::kInvalidArgument, "no program to run is named");
  if (call.stop.stop_requested())
    return Fail(ErrorCode::kCancelled, "'" + spec.argv[0] + "' was not started: cancelled");
  try {
    return Child(spec, call).Run();
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, "running '" + spec.argv[0] + "': " + error.what());
  }
}

}  // namespace sluice
