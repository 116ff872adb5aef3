// Numbers as Go reads and prints them. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::yaml {

// Decimal text to a double; nullopt when it is malformed or too large. Too small is zero.
std::optional<double> ParseDouble(std::string_view text);

// A double as a JSON value: an integer when it is whole and fits int64.
nlohmann::json NormaliseDouble(double value);

// As Go's encoding/json prints it: plain digits from 1e-6 up to 1e21, else 1e+21, 1.5e-7.
std::string FormatDouble(double value);

// As Go's strconv.FormatFloat(value, 'g', -1, 32) prints it, which kubectl uses for keys.
std::string FormatKeyDouble(double value);

}  // namespace sluice::yaml
