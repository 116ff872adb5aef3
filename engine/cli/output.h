// Results on stdout: a table for people, JSON or YAML for machines.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

// JSON or YAML of `value`. False for the other formats: the caller prints its own.
bool PrintValue(const Global& global, const nlohmann::json& value);
// Columns padded to their widest cell; control characters escaped. `further`: lines to print below
// a row, by its index.
void PrintTable(const std::vector<std::vector<std::string>>& rows,
                const std::map<size_t, std::vector<std::string>>& further = {});
bool IsTerminal();
// Flushes stdout. A result that could not be written whole is an error, whatever the work came to.
int FinishOutput(int exit_code);

}  // namespace sluice::cli
