// YAML and JSON text to JSON values with places, exactly as kubectl types plain scalars. Strict:
// libyaml must accept the text, then yaml-cpp's events build the value; duplicate keys, alias
// bombs, and anything past the caps are refused. Pure.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostics.h"
#include "engine/base/guarded.h"

namespace sluice::yaml {

struct Place {
  int line = 0, column = 0;  // from 1
};

struct Document {
  nlohmann::json value;
  // JSON pointer of every map key and list item -> where it stands; "" is the document itself. For
  // a map entry the place is that of its key.
  std::map<std::string, Place> places;
  // Place of a pointer or of its nearest known parent.
  Place At(std::string_view pointer) const;
};

struct Parsed {
  std::vector<Document> documents;  // empty, comment-only and null documents are left out
  Diagnostics problems;             // not empty: documents must not be used
};

struct Limits {
  size_t max_bytes = 4 << 20;  // Argo CD's install manifest has 1.9 MB
  int max_depth = 100;
  size_t max_nodes = 200'000;  // after alias expansion; a released 1 MB of schemas has 34,000
  // Text of keys and values that anchors keep and aliases stand for, of all documents together.
  size_t max_alias_bytes = 16 << 20;
};

Parsed Parse(std::string_view text, const std::string& file, const Limits& limits = {});

// Parse, remembered by blob id (immutable), the newest 64 MiB of text. Thread-safe. Positions carry
// `file` of the present call.
class Cache {
 public:
  explicit Cache(size_t max_bytes = 64 << 20) : max_bytes_(max_bytes) {}
  // `text` is the blob's: look with Find first where reading it costs something.
  std::shared_ptr<const Parsed> Get(const std::string& blob, const std::string& file,
                                    std::string_view text);
  // nullptr when the blob is not (or no longer) remembered.
  std::shared_ptr<const Parsed> Find(const std::string& blob, const std::string& file) const;
  bool Has(const std::string& blob) const;

 private:
  struct Entry {
    std::shared_ptr<const Parsed> parsed;
    size_t bytes = 0;
  };
  struct State {
    std::map<std::string, Entry> entries;
    std::deque<std::string> by_age;  // oldest first
    size_t bytes = 0;
  };
  const size_t max_bytes_;
  Guarded<State> state_;
};

// YAML text of a JSON value for people and for files we write (release.yaml, -o yaml). Strings that
// YAML 1.1 or 1.2 would read as something else are quoted. Key order as given by `order` first,
// then sorted.
std::string Write(const nlohmann::json& value, const std::vector<std::string>& order = {});

struct Edited {
  std::string text;
  bool has_kept_layout = true;  // false: a part in brackets or an alias had to be written anew
};
// The text of one document, changed where it must be to parse to `wanted`, and nowhere else:
// comments, order of keys, quotes, anchors and line ends of all other lines stay. Lists are told
// apart by their items' `name`. nullopt where that cannot be done.
std::optional<Edited> Edit(std::string_view text, const nlohmann::json& wanted,
                           const std::vector<std::string>& order = {});

}  // namespace sluice::yaml
