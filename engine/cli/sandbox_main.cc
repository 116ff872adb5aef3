// The program `sluice-sandbox`: serves simulated clusters until SIGTERM.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "engine/cli/command.h"
#include "engine/cli/output.h"
#include "engine/cli/sandbox_options.h"
#include "engine/cli/signals.h"
#include "engine/sandbox/sandbox.h"

namespace sluice::cli {
namespace {

int Serve(const SandboxCommandOptions& options) {
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

int Main(int argc, char** argv) {
  CLI::App app("Serves simulated clusters on loopback, to try sluice without one",
               "sluice-sandbox");
  SandboxCommandOptions options;
  AddSandboxOptions(app, options, "\n" + sandbox::HelpFaults());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : (app.exit(error), kExitUsage);
  }
  return FinishOutput(Serve(options));
}

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) {
  try {
    return sluice::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-sandbox: internal error: %s; please report it\n", error.what());
    return sluice::cli::kExitErrored;
  }
}
