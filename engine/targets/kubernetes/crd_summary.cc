#include "engine/targets/kubernetes/crd_summary.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

constexpr size_t kListedFields = 3;

using Versions = std::map<std::string, const json*>;
using Fields = std::map<std::string, json>;  // path -> schema without its children

Versions VersionsOf(const json& crd) {
  Versions versions;
  for (const json& version : Items(At(crd, "spec", "versions")))
    versions[ToText(At(version, "name"))] = &version;
  return versions;
}

// Fields of maps and items of lists stand under their parent's path.
void AddFields(const std::string& path, const json& schema, Fields& fields) {
  if (!schema.is_object()) return;
  json own = schema;
  for (const char* below : {"properties", "items", "additionalProperties"}) {
    if (At(own, below).is_object()) own.erase(below);
  }
  if (const auto known = fields.find(path); known != fields.end()) {
    known->second = json::array({known->second, own});
  } else {
    fields[path] = own;
  }
  if (const json& properties = At(schema, "properties"); properties.is_object()) {
    for (const auto& [name, property] : properties.items())
      AddFields(path.empty() ? name : path + "." + name, property, fields);
  }
  AddFields(path, At(schema, "items"), fields);
  AddFields(path, At(schema, "additionalProperties"), fields);
}

Fields FieldsOf(const json& version) {
  Fields fields;
  AddFields("", At(version, "schema", "openAPIV3Schema"), fields);
  return fields;
}

json WithoutDescriptions(json schema) {
  if (schema.is_object()) schema.erase("description");
  if (schema.is_array()) {
    for (json& part : schema) part = WithoutDescriptions(part);
  }
  return schema;
}

struct Difference {
  std::set<std::string> added, removed, changed, described;
};

void Compare(const json& before, const json& after, Difference& difference) {
  const Fields was = FieldsOf(before);
  const Fields is = FieldsOf(after);
  // Of a subtree that comes or goes only the top is told.
  const auto is_in = [](const Fields& fields, const std::string& path) {
    return fields.contains(
        path.substr(0, path.rfind('.') == std::string::npos ? 0 : path.rfind('.')));
  };
  for (const auto& [path, schema] : is) {
    const auto old = was.find(path);
    if (old == was.end()) {
      if (is_in(was, path)) difference.added.insert(path);
    } else if (old->second != schema) {
      const bool is_word = WithoutDescriptions(old->second) == WithoutDescriptions(schema);
      (is_word ? difference.described : difference.changed).insert(path);
    }
  }
  for (const auto& [path, schema] : was) {
    if (!is.contains(path) && is_in(is, path)) difference.removed.insert(path);
  }
}

std::string Listed(const std::set<std::string>& paths, const std::string& what) {
  if (paths.empty()) return "";
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    if (names.size() == kListedFields) break;
    names.push_back(path.empty() ? "its root" : path);
  }
  std::string text = std::to_string(paths.size()) + (paths.size() == 1 ? " field " : " fields ") +
                     what + " (" + Join(names, ", ");
  if (paths.size() > kListedFields)
    text += " and " + std::to_string(paths.size() - kListedFields) + " more";
  return text + ")";
}

void AddVersions(const Versions& before, const Versions& after, std::vector<std::string>& parts) {
  for (const auto& [name, version] : after) {
    const auto old = before.find(name);
    std::vector<std::string> news;
    if (old == before.end()) news.push_back("added");
    for (const char* what : {"served", "storage", "deprecated"}) {
      const bool is = ToBool(At(*version, what));
      const bool was = old != before.end() && ToBool(At(*old->second, what));
      const bool is_told = std::string_view(what) != "served" || old != before.end();
      const std::string word = std::string_view(what) == "storage" ? "stored" : what;
      if (is != was && is_told) news.push_back((is ? "" : "no longer ") + word);
    }
    if (!news.empty()) parts.push_back("version " + name + " " + Join(news, " and "));
  }
  for (const auto& [name, version] : before) {
    if (!after.contains(name)) parts.push_back("version " + name + " removed");
  }
}

// Names of what differs beside the schemas and the versions themselves.
std::string OtherChanges(const json& before, const json& after) {
  std::set<std::string> names;
  const auto compare = [&](const std::string& where, const json& was, const json& is,
                           const std::set<std::string>& told) {
    if (!is.is_object()) return;
    for (const auto& [key, value] : is.items()) {
      if (!told.contains(key) && At(was, key) != value) names.insert(where + key);
    }
  };
  compare("metadata.", At(before, "metadata"), At(after, "metadata"), {});
  compare("spec.", At(before, "spec"), At(after, "spec"), {"versions"});
  const Versions was = VersionsOf(before);
  for (const auto& [name, version] : VersionsOf(after)) {
    if (const auto old = was.find(name); old != was.end())
      compare("", *old->second, *version, {"schema", "served", "storage", "deprecated"});
  }
  const std::vector<std::string> list(names.begin(), names.end());
  return list.empty() ? "" : Join(list, ", ") + " changed";
}

}  // namespace

std::string SummarizeCrd(const json& before, const json& after) {
  if (!At(before, "spec").is_object() || !At(after, "spec").is_object()) return "";
  const Versions was = VersionsOf(before);
  const Versions is = VersionsOf(after);
  std::vector<std::string> parts;
  AddVersions(was, is, parts);
  Difference difference;
  for (const auto& [name, version] : is) {
    if (const auto old = was.find(name); old != was.end())
      Compare(*old->second, *version, difference);
  }
  for (const auto& [paths, what] : {std::pair{&difference.added, "added"},
                                    {&difference.removed, "removed"},
                                    {&difference.changed, "changed"},
                                    {&difference.described, "described anew"}}) {
    if (std::string text = Listed(*paths, what); !text.empty()) parts.push_back(std::move(text));
  }
  if (std::string others = OtherChanges(before, after); !others.empty())
    parts.push_back(std::move(others));
  return Join(parts, "; ");
}

}  // namespace sluice::targets::kubernetes
