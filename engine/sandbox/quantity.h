// Resource quantities ("500m", "0.5Gi") in the form the API server stores.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::sandbox {

// "1000m" -> "1", "0.5Gi" -> "512Mi", "2000" -> "2k". nullopt when it is no quantity.
std::optional<std::string> CanonicalQuantity(std::string_view text);

}  // namespace sluice::sandbox
