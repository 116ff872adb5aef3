// Label and field selectors, in both notations. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"

namespace sluice::sandbox {

// One requirement of a selector. Operators: In, NotIn, Exists, DoesNotExist, Gt, Lt.
struct Requirement {
  std::string key;
  std::string op;
  std::vector<std::string> values;
};

// `a=b,c!=d,e in (f,g),h,!i`. 400 when it cannot be read.
ApiResult<std::vector<Requirement>> ParseLabelSelector(std::string_view text);
bool Matches(const std::vector<Requirement>& selector, const Json& labels);

// A LabelSelector object (matchLabels, matchExpressions); an empty one matches everything.
bool MatchesSelector(const Json& selector, const Json& labels);
// A plain map; an empty one matches nothing.
bool MatchesMap(const Json& map, const Json& labels);
// The query notation of a LabelSelector's matchLabels, as status.selector of a Scale has it.
std::string SelectorText(const Json& selector);

// `metadata.name=x,involvedObject.uid!=y`: dotted paths compared as text.
struct FieldRequirement {
  std::vector<std::string> path;
  std::string value;
  bool equals = true;
};
ApiResult<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text);
bool Matches(const std::vector<FieldRequirement>& selector, const Json& object);

}  // namespace sluice::sandbox
