// The table-driven reader of a kind: each field names itself and says how its value is read;
// everything that does not fit becomes a problem with its place, and reading goes on.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/diagnostics.h"
#include "engine/yaml/yaml.h"

namespace sluice::config {

// One file being read.
struct Source {
  std::string file;
  const yaml::Document& document;
  Diagnostics& problems;
};

class Node;

struct Field {
  std::string_view name;
  std::function<void(const Node&)> read;
  bool is_required = false;
};

// A value in the file. Cheap to copy; lives as long as its Source.
class Node {
 public:
  Node(Source& source, const nlohmann::json& value, std::string pointer)
      : source_(&source), value_(&value), pointer_(std::move(pointer)) {}

  const nlohmann::json& value() const { return *value_; }
  // "spec.targets[0].name"
  std::string Path() const;
  SourcePosition At() const;
  // Message is put behind the path: "spec.promotion.soak must be ...".
  void Problem(std::string rule, const std::string& message) const;
  void Unsupported(const std::string& what) const;
  size_t problem_count() const { return source_->problems.size(); }

  // Each reads the value or reports why not; `out` is then left as it was.
  // `unsupported` names fields that the design has and this version does not act on.
  void Object(const std::vector<Field>& fields,
              const std::vector<std::string_view>& unsupported = {}) const;
  void List(const std::function<void(const Node&)>& read_item) const;
  // Keys are free; `read` gets key and value.
  void Map(const std::function<void(const std::string&, const Node&)>& read) const;
  bool String(std::string& out) const;  // not empty
  void Bool(bool& out) const;
  void Int(int& out, int min, int max) const;
  void DurationAtLeast(Duration& out, Duration min) const;
  // A DNS label.
  bool Label(std::string& out) const;
  template <class E>
  void Enum(E& out, const std::vector<std::pair<std::string_view, E>>& words,
            const std::vector<std::string_view>& unsupported = {}) const {
    std::vector<std::string> names;
    for (const auto& [name, value] : words) names.emplace_back(name);
    const size_t index = Choose(names, unsupported);
    if (index < words.size()) out = words[index].second;
  }

 private:
  size_t Choose(const std::vector<std::string>& names,
                const std::vector<std::string_view>& unsupported) const;
  bool Expect(bool is_right, std::string_view what) const;
  Node Child(const std::string& key, const nlohmann::json& value) const;

  Source* source_;
  const nlohmann::json* value_;
  std::string pointer_;
};

// Reads apiVersion, kind, metadata.name and spec. `kind` and, unless "", `name` must be what the
// file has. Returns the name read. With a wrong apiVersion or kind nothing further is looked at.
std::string ReadKind(Source& source, std::string_view kind, std::string_view name,
                     const std::function<void(const Node&)>& read_spec);

// The file's only document; nullptr with a problem when there is none or there are several.
const yaml::Document* OnlyDocument(const yaml::Parsed& parsed, const std::string& file,
                                   std::string_view kind, Diagnostics& problems);

inline constexpr std::string_view kApiVersion = "sluice.dev/v1";

}  // namespace sluice::config
