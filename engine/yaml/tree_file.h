// A parsed file of a source tree.
#pragma once

#include "engine/model/source_tree.h"
#include "engine/yaml/yaml.h"

namespace sluice::yaml {

// Parsed by blob id, read only when the cache does not have it. A file that may not be read (too
// large) is a problem of the result; an Error only when the tree cannot be read.
Result<std::shared_ptr<const Parsed>> ParseFile(const SourceTree& tree, const TreeEntry& entry,
                                                Cache& cache);

}  // namespace sluice::yaml
