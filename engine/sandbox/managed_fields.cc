#include "engine/sandbox/managed_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "engine/sandbox/resource_type.h"
#include "engine/sandbox/typed_value.h"

namespace sluice::sandbox {
namespace {

constexpr size_t kMaxUpdateManagers = 10;

struct Entry {
  std::string manager;
  std::string operation;  // Apply | Update
  std::string api_version;
  std::string subresource;
  std::string time;
  FieldSet fields;
};

std::vector<Entry> ReadEntries(const Json& object) {
  std::vector<Entry> out;
  for (const Json& item : ArrayAt(object, {"metadata", "managedFields"})) {
    out.push_back({TextAt(item, {"manager"}), TextAt(item, {"operation"}),
                   TextAt(item, {"apiVersion"}), TextAt(item, {"subresource"}),
                   TextAt(item, {"time"}), FieldSet::FromJson(ObjectAt(item, {"fieldsV1"}))});
  }
  return out;
}

void WriteEntries(std::vector<Entry> entries, Json& object) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.operation, a.time, a.manager, a.subresource) <
           std::tie(b.operation, b.time, b.manager, b.subresource);
  });
  Json list = Json::array();
  for (const Entry& entry : entries) {
    if (entry.fields.empty()) continue;
    Json item = {{"manager", entry.manager},        {"operation", entry.operation},
                 {"apiVersion", entry.api_version}, {"time", entry.time},
                 {"fieldsType", "FieldsV1"},        {"fieldsV1", entry.fields.ToJson()}};
    if (!entry.subresource.empty()) item["subresource"] = entry.subresource;
    list.push_back(std::move(item));
  }
  if (list.empty()) {
    Erase(object, {"metadata", "managedFields"});
  } else {
    Ensure(object, {"metadata"})["managedFields"] = std::move(list);
  }
}

// Never recorded: the object's identity and what the server itself keeps.
FieldSet StrippedFields() {
  FieldSet set;
  set.Insert({"f:apiVersion"});
  set.Insert({"f:kind"});
  set.Insert({"f:metadata"});
  for (const char* name :
       {"f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:clusterName",
        "f:generation", "f:managedFields", "f:resourceVersion"}) {
    set.Insert({"f:metadata", name});
  }
  return set;
}

// What a request to this (sub)resource cannot set, so it is not recorded either.
FieldSet ResetFields(const ResourceType& resource, const std::string& subresource) {
  FieldSet set;
  if (subresource.empty()) {
    if (resource.has_status) set.Insert({"f:status"});
  } else if (subresource == "status") {
    set.Insert({"f:spec"});
    if (resource.group == "apps" || !resource.crd.empty()) set.Insert({"f:metadata", "f:labels"});
  }
  return set;
}

FieldSet Recordable(const FieldSet& set, const ResourceType& resource,
                    const std::string& subresource) {
  static const FieldSet stripped = StrippedFields();
  return set.Difference(stripped).RecursiveDifference(ResetFields(resource, subresource));
}

Json WithoutManagedFields(const Json& object) {
  Json out = object;
  Erase(out, {"metadata", "managedFields"});
  return out;
}

Comparison Recorded(Comparison raw, const ResourceType& resource, const std::string& subresource) {
  raw.added = Recordable(raw.added, resource, subresource);
  raw.modified = Recordable(raw.modified, resource, subresource);
  raw.removed = Recordable(raw.removed, resource, subresource);
  return raw;
}

bool IsSame(const Entry& entry, const FieldManager& manager, const std::string& operation) {
  return entry.manager == manager.name && entry.operation == operation &&
         entry.subresource == manager.subresource &&
         (operation == "Apply" || entry.api_version == manager.api_version);
}

Entry& EntryOf(std::vector<Entry>& entries, const FieldManager& manager,
               const std::string& operation) {
  for (Entry& entry : entries) {
    if (IsSame(entry, manager, operation)) {
      entry.api_version = manager.api_version;
      return entry;
    }
  }
  entries.push_back(
      {manager.name, operation, manager.api_version, manager.subresource, NowText(), {}});
  return entries.back();
}

// Update managers beyond the cap are merged, oldest first, into one.
void CapUpdateManagers(std::vector<Entry>& entries) {
  const auto is_update = [](const Entry& e) {
    return e.operation == "Update" && e.subresource.empty();
  };
  size_t count = static_cast<size_t>(std::count_if(entries.begin(), entries.end(), is_update));
  if (count <= kMaxUpdateManagers) return;
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.time < b.time; });
  FieldManager ancient{"ancient-changes", entries.front().api_version, ""};
  FieldSet merged;
  std::vector<Entry> kept;
  for (Entry& entry : entries) {
    if (is_update(entry) && (count >= kMaxUpdateManagers || entry.manager == ancient.name)) {
      merged = merged.Union(entry.fields);
      --count;
    } else {
      kept.push_back(std::move(entry));
    }
  }
  EntryOf(kept, ancient, "Update").fields = std::move(merged);
  entries = std::move(kept);
}

// Takes changed and removed fields away from everybody but `self`.
void ReleaseFields(std::vector<Entry>& entries, const Entry& self, const Comparison& change) {
  const FieldSet touched = change.modified.Union(change.added);
  for (Entry& entry : entries) {
    if (&entry == &self) continue;
    entry.fields =
        entry.fields.Difference(entry.fields.Intersection(touched)).Difference(change.removed);
  }
}

std::string DescribeOwner(const Entry& entry) {
  std::string who = "\"" + entry.manager + "\"";
  if (!entry.subresource.empty()) who += " with subresource \"" + entry.subresource + "\"";
  if (entry.operation == "Update") who += " using " + entry.api_version;
  return who;
}

// Managers in the order of their names, causes in the order of their fields.
ApiError ConflictError(std::vector<std::pair<const Entry*, FieldSet>> conflicts) {
  std::sort(conflicts.begin(), conflicts.end(),
            [](const auto& a, const auto& b) { return a.first->manager < b.first->manager; });
  ApiError error;
  error.code = 409;
  error.reason = "Conflict";
  std::string text;
  for (const auto& [entry, fields] : conflicts) {
    const std::string who = DescribeOwner(*entry);
    text += (text.empty() ? "" : "\n") + std::string("conflicts with ") + who + ":";
    for (const std::string& path : fields.Describe()) {
      text += "\n- " + path;
      error.causes.push_back({"FieldManagerConflict", "conflict with " + who, path});
    }
  }
  std::stable_sort(error.causes.begin(), error.causes.end(),
                   [](const Cause& a, const Cause& b) { return a.field < b.field; });
  const size_t count = error.causes.size();
  error.message = "Apply failed with " + std::to_string(count) + " conflicts: " + text;
  if (count == 1) {
    error.message =
        "Apply failed with 1 conflict: " + error.causes[0].message + ": " + error.causes[0].field;
  }
  return error;
}

bool SameOwnership(std::vector<Entry> a, std::vector<Entry> b) {
  const auto is_empty = [](const Entry& entry) { return entry.fields.empty(); };
  std::erase_if(a, is_empty);
  std::erase_if(b, is_empty);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Entry& x, const Entry& y) {
    return x.manager == y.manager && x.operation == y.operation && x.subresource == y.subresource &&
           x.api_version == y.api_version && x.fields == y.fields;
  });
}

// Removes what this manager applied before, applies no longer, and nobody else owns.
Json Prune(const Type& type, const Json& merged, const std::vector<Entry>& entries,
           const FieldSet& last) {
  if (last.empty()) return merged;
  const FieldSet last_named = last.WithNamedFields(type);
  const Json pruned = RemoveFields(type, merged, last_named);
  FieldSet managed;
  for (const Entry& entry : entries) managed = managed.Union(entry.fields);
  const FieldSet merged_fields = FieldsOf(type, merged).WithNamedFields(type);
  const FieldSet pruned_fields = FieldsOf(type, pruned).WithNamedFields(type);
  const Json owned_back = RemoveFields(
      type, merged, merged_fields.Difference(pruned_fields.Union(managed.WithNamedFields(type))));
  const FieldSet after = FieldsOf(type, owned_back).WithNamedFields(type);
  return RemoveFields(type, merged, merged_fields.Difference(after).Intersection(last_named));
}

}  // namespace

void RecordUpdate(const Type& type, const ResourceType& resource, const Json& live, Json& object,
                  const FieldManager& manager) {
  const bool creating = live.is_null();
  std::vector<Entry> entries = ReadEntries(creating ? object : live);
  if (creating) {
    entries.clear();
  } else {
    const Json* sent = Find(object, {"metadata", "managedFields"});
    const bool wiped = sent != nullptr && sent->is_array() && sent->size() == 1 &&
                       (*sent)[0].is_object() && (*sent)[0].empty();
    if (wiped) {
      Erase(object, {"metadata", "managedFields"});
      return;
    }
    if (sent != nullptr && sent->is_array() && !sent->empty()) entries = ReadEntries(object);
    if (entries.empty()) {
      Erase(object, {"metadata", "managedFields"});
      return;
    }
  }
  const Json before = creating ? Json::object() : WithoutManagedFields(live);
  const Json after = WithoutManagedFields(object);
  const Comparison change = Recorded(Compare(type, before, after), resource, manager.subresource);
  Entry& self = EntryOf(entries, manager, "Update");
  ReleaseFields(entries, self, change);
  const FieldSet former = self.fields;
  self.fields = former.Difference(change.removed).Union(change.modified).Union(change.added);
  if (!(self.fields == former)) self.time = NowText();
  CapUpdateManagers(entries);
  WriteEntries(std::move(entries), object);
}

ApiResult<ApplyOutcome> ApplyConfiguration(const Type& type, const ResourceType& resource,
                                           const Json& live, const Json& config,
                                           const FieldManager& manager, bool force) {
  const std::vector<std::string> problems = CheckAgainstSchema(type, config);
  if (!problems.empty()) {
    std::string text = "failed to create typed patch object (" + NamespaceOf(config) + "/" +
                       NameOf(config) + "; " + resource.group + "/" + resource.version +
                       ", Kind=" + resource.kind + "): ";
    if (problems.size() > 1) text += "errors:\n";
    for (const std::string& problem : problems) {
      text += problems.size() > 1 ? "  " + problem + "\n" : problem;
    }
    if (problems.size() > 1) text.pop_back();
    return Internal(text);
  }
  const bool creating = live.is_null();
  const Json before = creating ? Json::object() : WithoutManagedFields(live);
  std::vector<Entry> entries = creating ? std::vector<Entry>() : ReadEntries(live);
  if (!creating && entries.empty()) {
    const FieldManager everything{"before-first-apply", resource.ApiVersion(), ""};
    EntryOf(entries, everything, "Update").fields =
        Recordable(Compare(type, Json::object(), before).added, resource, "");
  }
  const std::vector<Entry> former = entries;

  const Json merged = MergeInto(type, before, config);
  Entry& self = EntryOf(entries, manager, "Apply");
  const FieldSet last = self.fields;
  self.fields = Recordable(FieldsOf(type, config), resource, manager.subresource);
  const Json result = Prune(type, merged, entries, last);
  const Comparison change = Recorded(Compare(type, before, result), resource, manager.subresource);

  if (!force) {
    const FieldSet touched = change.modified.Union(change.added);
    std::vector<std::pair<const Entry*, FieldSet>> conflicts;
    for (const Entry& entry : entries) {
      if (&entry == &self) continue;
      FieldSet conflict = entry.fields.Intersection(touched);
      if (!conflict.empty()) conflicts.emplace_back(&entry, std::move(conflict));
    }
    if (!conflicts.empty()) return tl::unexpected(ConflictError(std::move(conflicts)));
  }
  ReleaseFields(entries, self, change);

  const bool same_values =
      change.added.empty() && change.modified.empty() && change.removed.empty();
  const bool same_owners = !creating && SameOwnership(entries, former);
  ApplyOutcome outcome;
  outcome.changed = creating || !same_values || !same_owners;
  if (!outcome.changed) {
    outcome.object = live;
    return outcome;
  }
  self.time = NowText();
  outcome.object = same_values && !creating ? before : result;
  WriteEntries(std::move(entries), outcome.object);
  return outcome;
}

}  // namespace sluice::sandbox
