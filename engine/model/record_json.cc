#include <nlohmann/json.hpp>

#include "engine/model/record.h"

namespace sluice {}  // namespace sluice
