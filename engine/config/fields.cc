#include "engine/config/fields.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string_view NameOfType(const json& value) {
  if (value.is_null()) return "empty";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "text";
  return value.is_array() ? "a list" : "a map";
}

std::string Escape(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string Unescape(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out += token[++i] == '1' ? '/' : '~';
    } else {
      out += token[i];
    }
  }
  return out;
}

}  // namespace

std::string Node::Path() const {
  std::string out;
  const json* at = &source_->document.value;
  for (const std::string& token : Split(pointer_, '/')) {
    if (token.empty()) continue;
    const std::string key = Unescape(token);
    if (at != nullptr && at->is_array()) {
      out += "[" + key + "]";
      const size_t index = std::stoul(key);
      at = index < at->size() ? &(*at)[index] : nullptr;
    } else {
      out += (out.empty() ? "" : ".") + key;
      at = at != nullptr && at->is_object() && at->contains(key) ? &(*at)[key] : nullptr;
    }
  }
  return out.empty() ? "the document" : out;
}

SourcePosition Node::At() const {
  const yaml::Place place = source_->document.At(pointer_);
  return {source_->file, place.line, place.column};
}

void Node::Problem(std::string rule, const std::string& message) const {
  source_->problems.push_back({At(), std::move(rule), Path() + " " + message});
}

void Node::Unsupported(const std::string& what) const {
  source_->problems.push_back({At(), "unsupported", what + " is not supported by this version"});
}

bool Node::Expect(bool is_right, std::string_view what) const {
  if (!is_right) {
    std::string message =
        "must be " + std::string(what) + ", not " + std::string(NameOfType(value()));
    if (what == "text" && (value().is_number() || value().is_boolean()))
      message += "; put it in quotes";
    Problem("wrong-type", message);
  }
  return is_right;
}

Node Node::Child(const std::string& key, const json& value) const {
  return {*source_, value, pointer_ + "/" + Escape(key)};
}

void Node::Object(const std::vector<Field>& fields,
                  const std::vector<std::string_view>& unsupported) const {
  if (!Expect(value().is_object(), "a map")) return;
  std::vector<std::string> names;
  for (const Field& field : fields) names.emplace_back(field.name);
  for (const auto& [key, value] : value().items()) {
    const Node child = Child(key, value);
    const auto field = std::ranges::find(fields, key, &Field::name);
    if (field != fields.end()) {
      field->read(child);
    } else if (std::ranges::find(unsupported, key) != unsupported.end()) {
      child.Unsupported(child.Path());
    } else {
      const std::string where = pointer_.empty() ? "at the top of the file" : "in " + Path();
      source_->problems.push_back(
          {child.At(), "unknown-field",
           "unknown field '" + key + "' " + where + DidYouMean(key, names)});
    }
  }
  for (const Field& field : fields) {
    if (!field.is_required || value().contains(field.name)) continue;
    const Node absent = Child(std::string(field.name), *value_);
    source_->problems.push_back({At(), "missing-field", absent.Path() + " is required"});
  }
}

void Node::List(const std::function<void(const Node&)>& read_item) const {
  if (!Expect(value().is_array(), "a list")) return;
  for (size_t i = 0; i < value().size(); ++i) read_item(Child(std::to_string(i), value()[i]));
}

void Node::Map(const std::function<void(const std::string&, const Node&)>& read) const {
  if (!Expect(value().is_object(), "a map")) return;
  for (const auto& [key, value] : value().items()) read(key, Child(key, value));
}

bool Node::String(std::string& out) const {
  if (!Expect(value().is_string(), "text")) return false;
  const auto& text = value().get_ref<const std::string&>();
  if (text.empty()) {
    Problem("invalid-value", "must not be empty");
    return false;
  }
  if (EscapeControl(text) != text) {
    Problem("invalid-value", "must not have control characters");
    return false;
  }
  out = text;
  return true;
}

void Node::Bool(bool& out) const {
  if (Expect(value().is_boolean(), "true or false")) out = value().get<bool>();
}

void Node::Int(int& out, int min, int max) const {
  if (!Expect(value().is_number_integer(), "a whole number")) return;
  const auto number = value().get<int64_t>();
  if (number < min || number > max) {
    Problem("invalid-value", "must be from " + std::to_string(min) + " to " + std::to_string(max) +
                                 ", not " + std::to_string(number));
    return;
  }
  out = static_cast<int>(number);
}

void Node::DurationAtLeast(Duration& out, Duration min) const {
  if (!Expect(value().is_string(), "a duration such as 30s or 10m")) return;
  const auto duration = ParseDuration(value().get_ref<const std::string&>());
  if (!duration) {
    Problem("invalid-value", "must be a duration: " + duration.error().message());
  } else if (*duration < min) {
    Problem("invalid-value",
            "must be at least " + FormatDuration(min) + ", not " + FormatDuration(*duration));
  } else {
    out = *duration;
  }
}

bool Node::Label(std::string& out) const {
  std::string text;
  if (!String(text)) return false;
  if (!IsDnsLabel(text)) {
    Problem("invalid-name", "'" + text +
                                "' must be a DNS label: lower-case letters, digits and '-', at "
                                "most 63, with a letter or digit at both ends");
    return false;
  }
  out = std::move(text);
  return true;
}

size_t Node::Choose(const std::vector<std::string>& names,
                    const std::vector<std::string_view>& unsupported) const {
  if (!Expect(value().is_string(), "one of " + Join(names, ", "))) return names.size();
  const auto& text = value().get_ref<const std::string&>();
  if (std::ranges::find(unsupported, text) != unsupported.end()) {
    Unsupported(Path() + ": " + text);
    return names.size();
  }
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) {
    Problem("invalid-value", "must be one of " + Join(names, ", ") + ", not '" + text + "'" +
                                 DidYouMean(text, names));
  }
  return static_cast<size_t>(found - names.begin());
}

std::string ReadKind(Source& source, std::string_view kind, std::string_view name,
                     const std::function<void(const Node&)>& read_spec) {
  const json& root = source.document.value;
  const Node top(source, root, "");
  const auto is = [&](const char* field, std::string_view wanted) {
    if (!root.contains(field)) {
      source.problems.push_back(
          {top.At(), "missing-field",
           std::string(field) + " is required; write " + field + ": " + std::string(wanted)});
      return false;
    }
    if (root[field].is_string() && root[field].get_ref<const std::string&>() == wanted) return true;
    const Node found(source, root[field], std::string("/") + field);
    source.problems.push_back({found.At(), "wrong-kind",
                               std::string(field) + " must be " + std::string(wanted) +
                                   " in this file, not " + root[field].dump()});
    return false;
  };
  const bool is_version = is("apiVersion", kApiVersion);
  if (!is("kind", kind) || !is_version) return "";
  std::string found_name;
  const auto ignore = [](const Node&) {};
  const auto read_name = [&](const Node& node) {
    if (!node.Label(found_name) || name.empty() || found_name == name) return;
    node.Problem("wrong-name", "is '" + found_name + "' but must be '" + std::string(name) +
                                   "', the name of its directory");
  };
  const auto read_metadata = [&](const Node& node) { node.Object({{"name", read_name, true}}); };
  top.Object({{"apiVersion", ignore},
              {"kind", ignore},
              {"metadata", read_metadata, true},
              {"spec", read_spec, true}});
  return found_name;
}

const yaml::Document* OnlyDocument(const yaml::Parsed& parsed, const std::string& file,
                                   std::string_view kind, Diagnostics& problems) {
  problems.insert(problems.end(), parsed.problems.begin(), parsed.problems.end());
  if (!parsed.problems.empty()) return nullptr;
  if (parsed.documents.size() == 1) return &parsed.documents.front();
  if (parsed.documents.empty()) {
    problems.push_back({{file, 0, 0},
                        "missing-document",
                        "is empty; it must hold one document of kind " + std::string(kind)});
    return nullptr;
  }
  const yaml::Place second = parsed.documents[1].At("");
  problems.push_back(
      {{file, second.line, second.column},
       "extra-document",
       "a second document; this file must hold only one, of kind " + std::string(kind)});
  return nullptr;
}

}  // namespace sluice::config
