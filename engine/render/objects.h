// What every object must have, whichever renderer it came from.
#pragma once

#include <vector>

#include "engine/model/resource.h"
#include "engine/model/target_kind.h"
#include "engine/render/renderer.h"

namespace sluice::render {

// The objects that the documents hold.
std::vector<Manifest> Unpack(std::vector<Manifest> manifests, const TargetKind& kind,
                             Diagnostics& problems);

void CheckObject(Manifest& manifest, const TargetKind& kind, Diagnostics& problems);

// To be called for objects that passed CheckObject.
Resource ToResource(Manifest manifest, const TargetKind& kind);

// Two objects of one identity in one of the targets, which are of one kind; with none known, in
// any.
void CheckDuplicates(const std::vector<Resource>& resources, std::vector<Target> targets,
                     const TargetKind& kind, Diagnostics& problems);

}  // namespace sluice::render
