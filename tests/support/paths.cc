#include "tests/support/paths.h"

namespace sluice::test {

std::string SourceDirectory() { return SLUICE_SOURCE_DIR; }
std::string BinaryDirectory() { return SLUICE_BINARY_DIR; }

}  // namespace sluice::test
