// What the sandbox knows about the fields of a kind: enough for strict decoding, server-side apply
// and strategic merge. Built-in kinds come from text tables, custom ones from their CRD.
//
// Table notation: one line per struct, `Name: field=TYPE …`, lines that start with a blank go on.
//   s string (s<A|B> one of, s"X" default)   i integer   b boolean   n number   t time   y base64
//   x integer or string   q quantity   * anything
//   @Name struct   {T map of T   [T atomic list   %T set
//   (k1,k2;m)T list of structs keyed by k1,k2; m is strategic merge's key (no k: atomic for apply)
//   ! after Name or { = handled as one value; + after [ or % = strategic merge adds items;
//   ~ before @ = strategic merge drops fields the patch's $retainKeys does not name.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/json.h"

namespace sluice::sandbox {

enum class Shape {
  kString,
  kInteger,
  kBoolean,
  kNumber,
  kTime,
  kBytes,
  kIntOrString,
  kQuantity,
  kAny,  // shape follows the value: objects granular, lists atomic
  kStruct,
  kMap,
  kList,
};

struct Type {
  Shape shape = Shape::kAny;
  bool atomic = false;            // owned, compared and replaced as one value
  bool is_set = false;            // kList: items identified by value
  std::vector<std::string> keys;  // kList: items identified by these members
  std::string merge_key;          // kList: strategic merge's key
  bool merge_items = false;       // kList of scalars: strategic merge adds
  bool retain_keys = false;
  const Type* element = nullptr;                           // kMap, kList
  std::map<std::string, const Type*, std::less<>> fields;  // kStruct
  std::vector<std::string> allowed;                        // kString
  std::string default_text;       // kString, part of list keys (protocol: TCP)
  bool preserve_unknown = false;  // kStruct: fields beside `fields` are kept
  bool nullable = false;
  const Json* rules = nullptr;  // the CRD's schema node: defaults, bounds, required
};

// Owns the types it hands out. Immutable once built.
class Schema {
 public:
  // The built-in kinds; one shared instance.
  static const Schema& BuiltIn();
  // From a CRD version's openAPIV3Schema (kept alive inside). Root() has metadata added.
  static std::shared_ptr<const Schema> FromCrd(const Json& open_api_schema);

  // nullptr when the table has no such struct.
  const Type* FindType(std::string_view name) const;
  const Type* Root() const { return root_; }

 private:
  friend class TableReader;
  friend class CrdReader;
  Type* New(Shape shape);
  std::vector<std::unique_ptr<Type>> types_;
  std::map<std::string, Type*, std::less<>> by_name_;
  std::shared_ptr<const Json> source_;
  const Type* root_ = nullptr;
};

// What a member of an object of this type has; nullptr = not declared.
const Type* MemberType(const Type& type, std::string_view field);
// True when the value is walked member by member or item by item rather than as one leaf.
bool IsGranularMap(const Type& type, const Json& value);
bool IsGranularList(const Type& type, const Json& value);
const Type& AnyType();
const Type& ObjectMetaType();

}  // namespace sluice::sandbox
