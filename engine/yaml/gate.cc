#include <yaml.h>

#include "engine/yaml/events.h"

namespace sluice::yaml {
namespace {

using Kind = Event::Kind;

// Owns libyaml's parser.
class Gate {
 public:
  Gate(std::string_view text, const Limits& limits, std::vector<Event>& events)
      : limits_(limits), events_(events) {
    is_ready_ = yaml_parser_initialize(&parser_) != 0;
    if (!is_ready_) return;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  Gate(const Gate&) = delete;
  ~Gate() {
    if (is_ready_) yaml_parser_delete(&parser_);
  }

  std::optional<Refusal> Run() {
    if (!is_ready_) return Refusal{{1, 1}, "yaml-limit", "out of memory"};
    while (true) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) return SyntaxProblem();
      const bool is_end = event.type == YAML_STREAM_END_EVENT;
      auto refusal = Take(event);
      yaml_event_delete(&event);
      if (refusal || is_end) return refusal;
    }
  }

 private:
  static Place At(const yaml_mark_t& mark) {
    return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
  }

  std::optional<Refusal> SyntaxProblem() const {
    Place place = At(parser_.problem_mark);
    std::string message = parser_.problem != nullptr ? parser_.problem : "not YAML";
    if (parser_.error == YAML_READER_ERROR)
      message += " at byte " + std::to_string(parser_.problem_offset);
    if (parser_.error == YAML_MEMORY_ERROR) return Refusal{{1, 1}, "yaml-limit", "out of memory"};
    if (parser_.error == YAML_READER_ERROR) place = At(parser_.mark);
    if (parser_.context != nullptr) {
      message += " " + std::string(parser_.context) + " that starts in line " +
                 std::to_string(parser_.context_mark.line + 1);
    }
    return Refusal{place, "yaml-syntax", message};
  }

  std::optional<Refusal> Take(const yaml_event_t& event) {
    const Place place = At(event.start_mark);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        return StartDocument(event, place);
      case YAML_DOCUMENT_END_EVENT:
        return Add(Kind::kDocumentEnd, place);
      case YAML_ALIAS_EVENT:
        return Add(Kind::kAlias, place, reinterpret_cast<const char*>(event.data.alias.anchor));
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event.data.scalar;
        return Add(Kind::kScalar, place,
                   {reinterpret_cast<const char*>(scalar.value), scalar.length});
      }
      case YAML_SEQUENCE_START_EVENT:
        return Open(Kind::kListStart, place);
      case YAML_SEQUENCE_END_EVENT:
        return Close(Kind::kListEnd, place);
      case YAML_MAPPING_START_EVENT:
        return Open(Kind::kMapStart, place);
      case YAML_MAPPING_END_EVENT:
        return Close(Kind::kMapEnd, place);
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
        break;
    }
    return std::nullopt;
  }

  std::optional<Refusal> StartDocument(const yaml_event_t& event, Place place) {
    const auto& start = event.data.document_start;
    if (start.version_directive != nullptr ||
        start.tag_directives.start != start.tag_directives.end) {
      return Refusal{place, "yaml-document",
                     "%YAML and %TAG directives are not accepted; remove them"};
    }
    return Add(Event::Kind::kDocumentStart, place);
  }

  std::optional<Refusal> Open(Event::Kind kind, Place place) {
    if (++depth_ > limits_.max_depth) {
      return Refusal{place, "yaml-limit",
                     "nested deeper than " + std::to_string(limits_.max_depth) + " levels"};
    }
    return Add(kind, place);
  }

  std::optional<Refusal> Close(Event::Kind kind, Place place) {
    --depth_;
    return Add(kind, place);
  }

  std::optional<Refusal> Add(Event::Kind kind, Place place, std::string value = {}) {
    const bool is_end = kind == Event::Kind::kMapEnd || kind == Event::Kind::kListEnd ||
                        kind == Event::Kind::kDocumentEnd;
    if (!is_end && ++nodes_ > limits_.max_nodes) {
      return Refusal{place, "yaml-limit",
                     "more than " + std::to_string(limits_.max_nodes) + " values in one file"};
    }
    events_.push_back({kind, place, std::move(value)});
    return std::nullopt;
  }

  const Limits& limits_;
  std::vector<Event>& events_;
  yaml_parser_t parser_{};
  bool is_ready_ = false;
  int depth_ = 0;
  size_t nodes_ = 0;
};

}  // namespace

std::optional<Refusal> ReadEvents(std::string_view text, const Limits& limits,
                                  std::vector<Event>& events) {
  return Gate(text, limits, events).Run();
}

}  // namespace sluice::yaml
