// What every object must have, whichever renderer it came from.
#pragma once

#include <vector>

#include "engine/model/resource.h"
#include "engine/model/target_kind.h"
#include "engine/render/renderer.h"

namespace sluice::render {

// Takes the items out of List and *List objects; a List in a List is refused.
std::vector<Manifest> Flatten(std::vector<Manifest> manifests, Diagnostics& problems);

// Checks one object and drops what generators leave behind (status, creationTimestamp).
void CheckObject(Manifest& manifest, Diagnostics& problems);

// To be called for objects that passed CheckObject.
Resource ToResource(Manifest manifest);

// Two objects of one identity in one of the targets, which are of one kind; with none known, in
// any.
void CheckDuplicates(const std::vector<Resource>& resources, std::vector<Target> targets,
                     const TargetKind& kind, Diagnostics& problems);

}  // namespace sluice::render
