#pragma once

#include <string>

namespace sluice::cli {

// Prints the completion script of bash, zsh or fish, made from the commands' own words.
int CompletionCommand(const std::string& shell);

}  // namespace sluice::cli
