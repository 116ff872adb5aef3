// Fields that we declared before and declare no more. A server-side apply takes one away only when
// nobody else owns it, so those of other managers have to be found, told, and taken over first
// (docs/decisions/0022-what-git-declared-goes.md). Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/targets/kubernetes/owned_paths.h"

namespace sluice::targets::kubernetes {

struct CoOwned {
  FieldPath path;
  std::string manager;
  // Left behind by kubectl when the object was made by hand, by an admission plugin in our own
  // name, or injected into an item that goes: nobody is going to miss it.
  bool is_remnant = false;
};

// What of `managed_fields` (metadata.managedFields) others own of the fields that `own` (our trie
// before) or one of `former` (bodies as declared before) speak of, and `desired` does not.
std::vector<CoOwned> FindCoOwned(const nlohmann::json& managed_fields, const nlohmann::json& own,
                                 const std::vector<nlohmann::json>& former,
                                 const nlohmann::json& desired);

// The same manager keeps an item that it is a part of: need not be told apart.
bool IsPartOfAnother(const CoOwned& field, const std::vector<CoOwned>& fields);

// managedFields in which those fields are ours alone.
nlohmann::json TakeOver(const nlohmann::json& managed_fields, const std::vector<CoOwned>& fields,
                        const std::string& api_version);

// managedFields in which we own nothing of `paths`.
nlohmann::json GiveUp(const nlohmann::json& managed_fields, const std::vector<FieldPath>& paths);

// managedFields in which our share speaks of fields as `api_version` has them.
nlohmann::json InVersion(const nlohmann::json& managed_fields, const std::string& api_version);

// The same object, but for fields that nobody declares: what is declared in `desired` or owned in
// `own` is equal, lists in equal order.
bool IsSameInOurs(const nlohmann::json& before, const nlohmann::json& after,
                  const nlohmann::json& desired, const nlohmann::json& own);

}  // namespace sluice::targets::kubernetes
