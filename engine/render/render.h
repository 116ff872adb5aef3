// Declared state of one unit to the objects it stands for. Pure. The seam for kustomize, helm and
// SOPS is Renderer: one file each, chosen by the Application's source.
#pragma once

#include <string>
#include <vector>

#include "engine/base/diagnostics.h"
#include "engine/base/error.h"
#include "engine/model/config.h"
#include "engine/model/resource.h"
#include "engine/model/target_kind.h"
#include "engine/yaml/yaml.h"

namespace sluice::render {

struct Rendered {
  std::vector<Resource> resources;  // in the order of files and documents
  Diagnostics problems;             // not empty: resources must not be used
};

// Reads the source, overrides images from release.yaml. Problems: an override that matches nothing,
// an image without tag or with latest, two objects with one identity, and what the kind of target
// has to say of each object.
Result<Rendered> Render(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache);

// An object with the unit's image overrides put in, for the task that a smoke test names: it is not
// among the rendered objects. Render has reported what is wrong with it.
nlohmann::json OverrideImages(const DeclaredUnit& unit, nlohmann::json object);

// Every problem there is without a cluster: those of the load, those of rendering each unit, and
// objects that two sound units claim in one cluster. Sorted, each once. Of a unit that is broken
// already, what may only follow from that is left out.
Result<Diagnostics> ValidateAll(const Declared& declared, const SourceTree& tree,
                                yaml::Cache& cache);

// Hash over format version, path and blob of every input, resolved target identities, renderer and
// its version (design 2). The same content at another revision has the same fingerprint.
std::string Fingerprint(const DeclaredUnit& unit);
inline constexpr int kFingerprintFormat = 1;

// Digest of the shared inputs alone, for the predecessor gate; "" when there are none.
std::string SharedInputsDigest(const DeclaredUnit& unit);

}  // namespace sluice::render
