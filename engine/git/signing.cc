#include "engine/git/signing.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"
#include "engine/io/subprocess.h"

namespace sluice::git {
namespace {

using namespace std::chrono_literals;

ProcessSpec SshSpec(const SigningOptions& options) {
  ProcessSpec spec;
  spec.argv = {"ssh-keygen", "-Y", "sign", "-n", "git", "-f", options.key_file};
  // A key with a passphrase must fail at once, not ask a terminal.
  spec.env = {{"PATH", ProgramPath()},
              {"SSH_ASKPASS", "/bin/false"},
              {"SSH_ASKPASS_REQUIRE", "force"},
              {"LC_ALL", "C"}};
  if (const char* agent = std::getenv("SSH_AUTH_SOCK")) spec.env["SSH_AUTH_SOCK"] = agent;
  return spec;
}

ProcessSpec GpgSpec(const SigningOptions& options) {
  ProcessSpec spec;
  spec.argv = {"gpg", "--batch", "--no-tty", "--quiet", "-bsa", "--local-user", options.key_file};
  spec.env = {{"PATH", ProgramPath()}, {"LC_ALL", "C"}};
  // The keyring is the user's: gpg finds it by these.
  for (const char* name : {"HOME", "GNUPGHOME", "GPG_AGENT_INFO"}) {
    if (const char* value = std::getenv(name)) spec.env[name] = value;
  }
  return spec;
}

}  // namespace

Status CheckSigning(const SigningOptions& options) {
  if (options.format.empty()) return {};
  if (options.format != "ssh" && options.format != "gpg") {
    return Fail(ErrorCode::kInvalidConfig,
                "signing.format '" + options.format + "' is unknown; give ssh or gpg");
  }
  if (options.key_file.empty()) {
    return Fail(ErrorCode::kInvalidConfig,
                "signing.keyFile is missing; give " +
                    std::string(options.format == "ssh" ? "the file of a private SSH key"
                                                        : "the id of a GPG key"));
  }
  if (options.format == "ssh" && access(options.key_file.c_str(), R_OK) != 0) {
    return Fail(ErrorCode::kInvalidConfig,
                "signing.keyFile '" + options.key_file + "' cannot be read");
  }
  return {};
}

Result<std::string> SignCommit(const SigningOptions& options, const std::string& payload) {
  const bool is_ssh = options.format == "ssh";
  ProcessSpec spec = is_ssh ? SshSpec(options) : GpgSpec(options);
  spec.stdin_data = payload;
  SLUICE_TRY(const ProcessResult result,
             RunProcess(spec, {std::chrono::steady_clock::now() + 30s, {}}));
  const std::string_view mark =
      is_ssh ? "-----BEGIN SSH SIGNATURE-----" : "-----BEGIN PGP SIGNATURE-----";
  if (result.exit_code == 0 && result.stdout_text.starts_with(mark)) {
    return result.stdout_text;
  }
  const std::string why =
      result.timed_out ? "no answer within 30s" : CleanOutput(result.stderr_text);
  return Fail(ErrorCode::kInvalidConfig,
              "signing a commit with " + options.format + " key '" + options.key_file +
                  "': " + why + "; the key must work without a passphrase or by its agent");
}

}  // namespace sluice::git
