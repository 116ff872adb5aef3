#include "engine/yaml/yaml.h"

namespace sluice::yaml {
namespace {

// Problems name a file; the same blob may stand under several names.
std::shared_ptr<const Parsed> Under(const std::string& file,
                                    const std::shared_ptr<const Parsed>& parsed) {
  if (parsed->problems.empty() || parsed->problems.front().at.file == file) return parsed;
  auto renamed = std::make_shared<Parsed>(*parsed);
  for (Diagnostic& problem : renamed->problems) problem.at.file = file;
  return renamed;
}

}  // namespace

std::shared_ptr<const Parsed> Cache::Find(const std::string& blob, const std::string& file) const {
  const auto found = state_.With([&](const State& state) {
    const auto entry = state.entries.find(blob);
    return entry == state.entries.end() ? nullptr : entry->second.parsed;
  });
  return found ? Under(file, found) : nullptr;
}

std::shared_ptr<const Parsed> Cache::Get(const std::string& blob, const std::string& file,
                                         std::string_view text) {
  if (auto found = Find(blob, file)) return found;
  auto parsed = std::make_shared<const Parsed>(Parse(text, file));
  state_.With([&](State& state) {
    if (!state.entries.emplace(blob, Entry{parsed, text.size()}).second) return;
    state.by_age.push_back(blob);
    state.bytes += text.size();
    while (state.bytes > max_bytes_) {
      const auto oldest = state.entries.find(state.by_age.front());
      state.bytes -= oldest->second.bytes;
      state.entries.erase(oldest);
      state.by_age.pop_front();
    }
  });
  return parsed;
}

bool Cache::Has(const std::string& blob) const {
  return state_.With([&](const State& state) { return state.entries.contains(blob); });
}

}  // namespace sluice::yaml
