// Values seen through their schema: which fields they hold, how two differ, merging and removing.
// Behaviour follows sigs.k8s.io/structured-merge-diff v6 (typed and value packages). Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/sandbox/field_set.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/schema.h"

namespace sluice::sandbox {

struct Comparison {
  FieldSet added;
  FieldSet removed;
  FieldSet modified;
};

// What makes a value unfit for apply: undeclared fields, wrong shapes, list items without their
// keys, repeated items. ".spec.foo: field not declared in schema". Empty = fit.
std::vector<std::string> CheckAgainstSchema(const Type& type, const Json& value);

FieldSet FieldsOf(const Type& type, const Json& value);
Comparison Compare(const Type& type, const Json& before, const Json& after);
// `config` wins where both have a leaf; keyed lists keep the live order, new items in config's
// order.
Json MergeInto(const Type& type, const Json& live, const Json& config);
// Emptied maps and lists become null.
Json RemoveFields(const Type& type, const Json& value, const FieldSet& fields);

// The path element that identifies an item of a keyed list or set; empty when keys are missing.
std::string ItemElement(const Type& list, const Json& item);

}  // namespace sluice::sandbox
