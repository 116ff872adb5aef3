// The pure half of the seam for kinds of target: what is declared for one means, without asking
// anybody. The half that talks is targets/target_driver.h. A kind has no state and does no I/O; one
// table in cli/compose.cc names the kinds there are, and everything else knows only this interface.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/object_ref.h"
#include "engine/model/resource.h"
#include "engine/model/target.h"

namespace sluice {

// What a target can run to its end, for smoke tests.
struct Task {
  std::string_view word;    // in app.yaml: "{name: up, WORD: {manifest: FILE}}"
  std::string_view object;  // what the file must hold, for people
  std::string_view type;    // and of which API version
};

// Takes a problem: JSON pointer in what is read, rule, message.
using Report = std::function<void(std::string_view pointer, std::string rule, std::string message)>;

// An object within a document of the source.
struct DeclaredPart {
  std::string pointer;  // "" for the document itself
  nlohmann::json body;
};

// Takes an image reference, which it may change, and its JSON pointer.
using ImageVisitor = std::function<void(std::string& image, const std::string& pointer)>;

// Of the items of a list: told apart by the value of `first`, and of `second` where it has one.
// Where `second` is absent it stands for `fallback`; "" for nothing.
struct ListKey {
  std::string_view first;
  std::string_view second;
  std::string_view fallback = {};
};

// A map whose keys are the user's own, such as labels: a change in it is told by its keys.
struct FreeMap {
  std::string_view path;  // "/metadata/labels"
  std::string_view name;  // "labels"
};

// What of an object nobody may see, as JSON pointers. A map there is hidden value by value, so that
// its keys can be told; anything else as one value.
struct Hidden {
  std::vector<std::string> values;  // what the object is there to keep secret
  std::vector<std::string> copies;  // texts that repeat a whole object, secret or not
};

// One field of a target of the kind in environment.yaml. All are texts.
struct TargetSetting {
  std::string_view name;
  bool is_required = false;
  bool is_label = false;  // must be a DNS label
  std::string_view fallback = {};
};

class TargetKind {
 public:
  virtual ~TargetKind() = default;

  // The word for it in environment.yaml: "- {name: eu, WORD: {...}}".
  virtual std::string_view Name() const = 0;
  virtual std::vector<TargetSetting> Settings() const = 0;
  // Of a target, for fingerprints and records: it must not change with the program's version.
  virtual std::string Identity(const Target& target) const = 0;
  // Where the target's objects share one set of names, for people: "context prod-eu".
  virtual std::string Place(const Target& target) const = 0;

  // Inventory lines for the hint after a mistyped one.
  virtual std::string_view ExampleObjects() const = 0;

  // The source: what each document in it holds.
  virtual std::vector<DeclaredPart> Unpack(nlohmann::json document, const Report& report) const = 0;
  // Reports what no target would take, and drops what generators leave behind.
  virtual void Check(nlohmann::json& body, const Report& report) const = 0;
  // Of a body that Check had nothing to say about. Its place is the caller's to set.
  virtual Resource ToResource(nlohmann::json body) const = 0;
  virtual void VisitImages(nlohmann::json& body, const ImageVisitor& visit) const = 0;

  virtual Task TaskOfTests() const = 0;
  virtual bool IsTask(const nlohmann::json& manifest) const = 0;

  // Identity of a rendered object in the target, as far as it can be told without asking it.
  virtual ObjectRef RefIn(const Resource& resource, const Target& target) const = 0;
  // Every identity it may turn out to have there.
  virtual std::vector<ObjectRef> Claims(const Resource& resource, const Target& target) const = 0;
  // Whether a claim holds whatever the target turns out to say.
  virtual bool IsCertain(const ObjectRef& claim) const = 0;

  // Objects are deleted in this order, lowest first: what is served goes before what serves it,
  // what the rest stands in after it.
  virtual int DeletionRank(const ObjectRef& ref) const = 0;
  // Deleting it destroys data, or what others keep in it: done only where the object asks for it.
  virtual bool IsPrecious(const ObjectRef& ref) const = 0;

  // For comparing and telling objects. The keys of lists are tried in order.
  virtual std::span<const ListKey> ListKeys() const = 0;
  virtual std::span<const FreeMap> FreeMaps() const = 0;
  virtual Hidden HiddenIn(const ObjectRef& ref, const nlohmann::json& body) const = 0;
  virtual nlohmann::json WithoutMark(nlohmann::json body) const = 0;
  // JSON pointers of what makes an object that object, and ours.
  virtual std::span<const std::string_view> IdentityFields() const = 0;
  // Without what the object's ObjectRef and version say already.
  virtual nlohmann::json WithoutIdentity(nlohmann::json body) const = 0;
};

// The kinds this program knows; never empty.
using TargetKinds = std::vector<const TargetKind*>;

}  // namespace sluice
