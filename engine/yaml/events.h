// The two halves of a YAML parse and what they share; private to the module. The gate runs libyaml
// over the text and keeps its events; the builder runs yaml-cpp over the same text and must see the
// same ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/yaml/yaml.h"

namespace sluice::yaml {

struct Event {
  enum class Kind {
    kDocumentStart,
    kDocumentEnd,
    kScalar,
    kAlias,
    kMapStart,
    kMapEnd,
    kListStart,
    kListEnd
  };
  Kind kind;
  Place place;
  std::string value;  // of a scalar; the name of an alias
};

// A text's first problem, without its file.
struct Refusal {
  Place place;
  std::string rule;
  std::string message;
};

// The gate: what libyaml does not accept, or is deeper or larger than `limits`, is refused. It
// stops at the first token past a cap, so libyaml's time that grows with the square of flow depth
// is never paid.
std::optional<Refusal> ReadEvents(std::string_view text, const Limits& limits,
                                  std::vector<Event>& events);

// Builds the documents from yaml-cpp's events, refusing any that differ from `events`.
std::optional<Refusal> BuildDocuments(std::string_view text, const std::vector<Event>& events,
                                      const Limits& limits, std::vector<Document>& documents);

// A stream of JSON objects. nullopt when the text is not JSON at all (it may still be YAML in flow
// style); `not_json` then tells where and why.
struct JsonStream {
  std::vector<Document> documents;
  std::optional<Refusal> refusal;
};
std::optional<JsonStream> ReadJson(std::string_view text, const Limits& limits, Refusal& not_json);

// The pointer of a key or an index below `parent`. Long ones have no place of their own: they and
// all below them become a short mark that PlaceBook passes over, so that a long key with many
// children costs nothing.
std::string PointerBelow(const std::string& parent, std::string_view key);

// Remembers places until those of all documents of a text would weigh more than the cap.
class PlaceBook {
 public:
  void Open(Document& document) { places_ = &document.places; }
  void Note(const std::string& pointer, Place place);

 private:
  static constexpr size_t kMaxTotal = 16 << 20;
  std::map<std::string, Place>* places_ = nullptr;
  size_t total_ = 0;
};

}  // namespace sluice::yaml
