// Problems as `sluice validate` prints them. Pure.
#pragma once

#include <string>

#include "engine/base/diagnostics.h"

namespace sluice::config {

enum class ReportFormat { kText, kJson, kSarif, kJunit };

// `files_checked`: how many files were read. Text is one problem a line and a last line with the
// counts; json is manifests-schema/validate.json; sarif is SARIF 2.1.0; junit has one test case for
// each file with problems. Each ends with a line feed.
std::string FormatReport(const Diagnostics& problems, ReportFormat format, int files_checked);

}  // namespace sluice::config
