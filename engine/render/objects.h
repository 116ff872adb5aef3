// What every object must have, whichever renderer it came from.
#pragma once

#include <vector>

#include "engine/model/resource.h"
#include "engine/render/renderer.h"

namespace sluice::render {

// Takes the items out of List and *List objects; a List in a List is refused.
std::vector<Manifest> Flatten(std::vector<Manifest> manifests, Diagnostics& problems);

// Checks one object and drops what generators leave behind (status, creationTimestamp).
void CheckObject(Manifest& manifest, Diagnostics& problems);

// To be called for objects that passed CheckObject.
Resource ToResource(Manifest manifest);

// Identity of a resource in a target of this namespace, as far as it is known without asking a
// cluster.
ObjectRef RefIn(const Resource& resource, const std::string& default_namespace);

// Two objects of one identity; an object without a namespace stands in that of each target.
void CheckDuplicates(const std::vector<Resource>& resources, const std::vector<Target>& targets,
                     Diagnostics& problems);

// Kubernetes' own kinds that live outside namespaces; what is not known here may be either.
bool IsClusterScoped(const ObjectRef& ref);

}  // namespace sluice::render
