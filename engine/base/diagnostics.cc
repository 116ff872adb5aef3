#include "engine/base/diagnostics.h"

#include "engine/base/strings.h"

namespace sluice {

std::string ToString(const Diagnostic& diagnostic) {
  std::string place = EscapeControl(diagnostic.at.file);
  if (diagnostic.at.line > 0) {
    place += ":" + std::to_string(diagnostic.at.line) + ":" + std::to_string(diagnostic.at.column);
  }
  return place + ": " + EscapeControl(diagnostic.message);
}

}  // namespace sluice
