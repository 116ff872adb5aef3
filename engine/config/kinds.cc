#include "engine/config/kinds.h"

namespace sluice::config {

const std::vector<KindFile>& Kinds() {
  static const std::vector<KindFile> kinds = {
      {"Pipeline", "sluice.yaml", "the root of the config repo"},
      {"Environment", "environment.yaml", "environments/<environment>/"},
      {"Application", "app.yaml", "environments/<environment>/<application>/"},
      {"Release", "release.yaml", "environments/<environment>/<application>/"},
      {"Daemon", "daemon.yaml", "any place outside the config repo"},
  };
  return kinds;
}

}  // namespace sluice::config
