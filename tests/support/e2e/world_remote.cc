// The servers of a world's config repo.
#include <unistd.h>

#include <random>
#include <sstream>
#include <stdexcept>

#include "tests/support/e2e/text.h"
#include "tests/support/e2e/world.h"
#include "tests/support/paths.h"

namespace sluice::e2e {

void World::ServeOverHttp() {
  GitIn(dir_ + "/origin.git", {"config", "http.receivepack", "true"});
  std::ostringstream token;
  token << "s3cret-" << std::hex << std::random_device{}() << std::random_device{}();
  WriteFile(TokenFile(), token.str() + "\n");
  WriteFile(dir_ + "/git-user", "deployer\n");
  WriteFile(dir_ + "/git-password", "deployer:" + token.str());
  SetGitServerMode("ok");
  git_server_ = std::make_unique<Child>(
      RunSpec{{"/usr/bin/python3", test::SourceDirectory() + "/tests/support/git_http_server.py",
               "--root", dir_, "--ready", dir_ + "/git-server.ready", "--password-file",
               dir_ + "/git-password", "--mode-file", dir_ + "/git-mode", "--log",
               dir_ + "/git-requests.log"},
              CleanEnvironment(dir_ + "/home"),
              "",
              "",
              seconds(60)},
      dir_ + "/git-server", Input::kHeldOpen);
  const auto address = [this] { return Trimmed(ReadFile(dir_ + "/git-server.ready")); };
  if (!Eventually([&] { return !address().empty() || !git_server_->IsRunning(); }) ||
      address().empty()) {
    throw std::runtime_error("the git server did not start: " + git_server_->Err());
  }
  remote_url_ = address() + "/origin.git";
  repository_more_ =
      "    usernameFile: " + dir_ + "/git-user\n    tokenFile: " + TokenFile() + "\n";
}

void World::SetGitServerMode(const std::string& words) { WriteFile(dir_ + "/git-mode", words); }

std::vector<std::string> World::GitRequests() const {
  return SplitAt(ReadFile(dir_ + "/git-requests.log"), '\n');
}

void World::ServeOverSsh() {
  const std::string ssh = dir_ + "/ssh";
  git_server_ = std::make_unique<Child>(
      RunSpec{{"bash", test::SourceDirectory() + "/tests/support/sshd.sh", ssh},
              CleanEnvironment(dir_ + "/home"),
              "",
              "",
              seconds(60)},
      dir_ + "/git-server", Input::kHeldOpen);
  const auto port = [&] { return Trimmed(ReadFile(ssh + "/port")); };
  if (!Eventually([&] { return !port().empty() || !git_server_->IsRunning(); }) || port().empty()) {
    throw std::runtime_error("the ssh server did not start: " + git_server_->Err());
  }
  const char* user = geteuid() == 0 ? "root" : std::getenv("USER");
  remote_url_ = std::string("ssh://") + user + "@127.0.0.1:" + port() + dir_ + "/origin.git";
  repository_more_ =
      "    sshKeyFile: " + ssh + "/client_key\n    knownHostsFile: " + ssh + "/known_hosts\n";
}

}  // namespace sluice::e2e
