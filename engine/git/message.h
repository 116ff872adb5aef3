// Reading commit messages; writing them is FormatMessage (mirror.h). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::git {

// The trailers `git interpret-trailers --parse` finds: the last paragraph, when all its lines are
// "Key: value" or continuations (or a quarter of them, with one that git writes itself). Values
// unfolded, in order.
std::vector<std::pair<std::string, std::string>> ParseTrailers(std::string_view message);

// One line of hostile text as valid UTF-8 with control characters (but tabs) escaped.
std::string CleanText(std::string_view text);

}  // namespace sluice::git
