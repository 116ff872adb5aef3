// The order in which kinds are applied and deleted, and what is special about a kind. The one table
// of it.
#pragma once

#include <string_view>

#include "engine/model/object_ref.h"

namespace sluice::targets::kubernetes {

struct KindOrder {
  int stage = 0;  // a stage starts when the one before is established
  int rank = 0;   // order within the stage
};

// Kinds nobody knows (custom resources) come after the workloads.
KindOrder OrderOf(std::string_view group, std::string_view kind);

// Groups of deletion, lowest first.
int DeletionRank(std::string_view group, std::string_view kind);

// Kubernetes' own kinds that live outside namespaces; what is not known here may be either.
bool IsClusterScoped(const ObjectRef& ref);

bool IsCrd(const ObjectRef& ref);
bool IsNamespace(const ObjectRef& ref);
bool IsSecret(const ObjectRef& ref);

bool IsService(const ObjectRef& ref);
// Makes pods, and takes them with it when it is deleted in the foreground.
bool IsWorkload(const ObjectRef& ref);

// Deleting one destroys data or what others keep in it; pruned only where the object asks for it.
bool NeedsOptInToPrune(const ObjectRef& ref);

}  // namespace sluice::targets::kubernetes
