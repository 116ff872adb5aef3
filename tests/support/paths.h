// Where this checkout and its build are. Compiled into one object, so that the tests' own objects
// are the same wherever the checkout stands (and come from ccache).
#pragma once

#include <string>

namespace sluice::test {

std::string SourceDirectory();
std::string BinaryDirectory();

}  // namespace sluice::test
