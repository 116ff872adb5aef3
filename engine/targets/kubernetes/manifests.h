// What a manifest must have before any cluster is asked, and where its images are. Pure.
#pragma once

#include <vector>

#include "engine/model/target_kind.h"

namespace sluice::targets::kubernetes {

// Takes the items out of List and *List objects; a List in a List is refused.
std::vector<DeclaredPart> UnpackManifest(nlohmann::json document, const Report& report);

// Checks one object and drops what generators leave behind (status, creationTimestamp).
void CheckManifest(nlohmann::json& body, const Report& report);

// Every `image` of the maps in a list called containers, initContainers or ephemeralContainers, at
// any depth; none in a CustomResourceDefinition, whose schema may use the same words.
void VisitManifestImages(nlohmann::json& body, const ImageVisitor& visit);

// A key as a JSON pointer has it.
std::string EscapeKey(std::string_view key);

}  // namespace sluice::targets::kubernetes
