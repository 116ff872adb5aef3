// The one door to the test framework (Debian's Catch2 is version 2).
#pragma once

#include <catch2/catch.hpp>
