// Who reports on an object: what of its status somebody must have written, and whether the object
// is of a class of its own in that. A status that nobody in a cluster writes is normal there (no
// ingress controller, no operator), so it is waited for only where somebody is known to write it.
// Pure; what other objects of a cluster show is gathered in reporters.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/clock.h"
#include "engine/targets/kubernetes/health.h"

namespace sluice::targets {

// How long an object that nobody is known to report on is given, for the first report of a
// controller that is about to speak.
inline constexpr Duration kReportGrace{5000};

// The object carries what its controller reports: an address, a status not of the schema's making.
bool HasReport(const nlohmann::json& live);

// Controllers answer for a class each: of an Ingress, a Gateway, a Service. "" for the default
// class and for kinds without one.
std::string ReporterClass(const nlohmann::json& live);

// Kinds that are nothing without their controller, so that silence is a fault: those that run pods.
bool AlwaysReports(const ObjectRef& ref);

// When the object's own fields were written last, not its status; the epoch when that is not known.
SystemTime LastChange(const nlohmann::json& live);

}  // namespace sluice::targets
