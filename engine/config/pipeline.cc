#include <set>

#include "engine/config/kinds.h"
#include "engine/model/record.h"

namespace sluice::config {

Pipeline ReadPipeline(Source& source) {
  Pipeline pipeline;
  std::set<std::string> seen;
  const auto read_environment = [&](const Node& node) {
    std::string name;
    if (!node.Label(name)) return;
    if (name == kRequestsDirectory) {
      node.Problem("reserved-name", "must not be '" + name +
                                        "', which is a directory of the deploy log; give the "
                                        "environment, and its directory, another name");
      return;
    }
    if (!seen.insert(name).second) {
      node.Problem("duplicate-name", "names '" + name + "' a second time");
      return;
    }
    pipeline.environments.push_back(name);
  };
  const auto read_environments = [&](const Node& node) {
    node.List(read_environment);
    if (node.value().is_array() && node.value().empty())
      node.Problem("invalid-value", "must name at least one environment");
  };
  pipeline.name = ReadKind(source, "Pipeline", "", [&](const Node& spec) {
    spec.Object({{"environments", read_environments, true}},
                {"notifications", "policy", "forge", "shared"});
  });
  return pipeline;
}

}  // namespace sluice::config
