#include "engine/cli/sandbox_options.h"

#include <CLI/CLI.hpp>

#include "engine/base/strings.h"

namespace sluice::cli {

void AddSandboxOptions(CLI::App& command, SandboxCommandOptions& into,
                       const std::string& fault_help) {
  command.add_option("--dir", into.dir, "Where kubeconfig and audit log go")->required();
  command.add_option("--port", into.port, "Port of the Kubernetes API; default: any free one")
      ->check(CLI::Range(0, 65535));
  command
      .add_option("--http-port", into.http_port,
                  "Port of the workloads' HTTP front; default: any free one")
      ->check(CLI::Range(0, 65535));
  command
      .add_option("--clusters", into.clusters, "Names of the clusters; default: dev,staging,prod")
      ->delimiter(',');
  command.add_option("--fault", into.faults, "A fault to play; may be repeated" + fault_help);
}

std::vector<std::string> ToArguments(const SandboxCommandOptions& options) {
  std::vector<std::string> words = {"--dir",       options.dir,
                                    "--port",      std::to_string(options.port),
                                    "--http-port", std::to_string(options.http_port)};
  if (!options.clusters.empty()) {
    words.insert(words.end(), {"--clusters", Join(options.clusters, ",")});
  }
  for (const std::string& fault : options.faults) words.insert(words.end(), {"--fault", fault});
  return words;
}

}  // namespace sluice::cli
