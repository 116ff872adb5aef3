#include "engine/cli/cmd_sandbox.h"

#include <cstdio>

#include "engine/cli/signals.h"
#include "engine/sandbox/sandbox.h"

namespace sluice::cli {

std::string SandboxFaultHelp() { return sandbox::HelpFaults(); }

int SandboxCommand(const Global& global, const SandboxCommandOptions& options) {
  (void)global;
  const Signals signals;
  sandbox::SandboxOptions given;
  given.dir = options.dir;
  given.port = options.port;
  given.http_port = options.http_port;
  if (!options.clusters.empty()) given.clusters = options.clusters;
  given.faults = options.faults;
  auto sandbox = sandbox::Sandbox::Start(std::move(given));
  if (!sandbox) return Report(sandbox.error());
  std::printf(
      "This is a simulation: no cluster, no container, nothing outlives this process.\n"
      "kubeconfig: %s\nKubernetes API: https://127.0.0.1:%d\nHTTP front: "
      "http://127.0.0.1:%d/<cluster>/<namespace>/<service>/\nready\n",
      (*sandbox)->kubeconfig_path().c_str(), (*sandbox)->port(), (*sandbox)->http_port());
  std::fflush(stdout);
  WaitForStop(signals.stop());
  (*sandbox)->Stop();
  return kExitDone;
}

}  // namespace sluice::cli
