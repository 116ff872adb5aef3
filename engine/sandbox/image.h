// Image references and the faults their tags script: the first word of the tag, up to its first
// "-".
#pragma once

#include <string>
#include <string_view>

#include "engine/sandbox/json.h"

namespace sluice::sandbox {

// The tag of "host:5000/shop/web:v1@sha256:…", or "" without one.
std::string ImageTag(std::string_view image);
// What the HTTP front calls the version: the tag, else the digest.
std::string ImageVersion(std::string_view image);
// Always for "latest" or no tag, else IfNotPresent.
std::string DefaultPullPolicy(std::string_view image);
// True when a container of the pod spec has an image whose tag starts with `word` and a dash.
bool HasFault(const Json& pod_spec, std::string_view word);

}  // namespace sluice::sandbox
