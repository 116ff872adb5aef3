#include "engine/targets/kubernetes/own_writes.h"

#include <algorithm>

#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

// Far longer than any server lags. It ends the matter after etcd was restored from a backup, which
// sets all versions back.
constexpr Duration kRemembered = 1h;

bool IsNumber(std::string_view text) {
  return !text.empty() && text.front() != '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// Kubernetes promises since 1.35 (KEP-5504) that they are integers of any length that grow; before
// that they were, too, being etcd's revisions.
bool IsOlderVersion(std::string_view version, std::string_view other) {
  if (!IsNumber(version) || !IsNumber(other)) return false;
  return version.size() != other.size() ? version.size() < other.size() : version < other;
}

void OwnWrites::Note(const ObjectRef& ref, const nlohmann::json& answered, SteadyTime now) {
  Written written{UidOf(answered), ToText(At(answered, "metadata", "resourceVersion")),
                  ToInt(At(answered, "metadata", "generation")), now};
  state_.With([&](State& state) {
    state.writes.insert_or_assign(ref, std::move(written));
    if (state.writes.size() < state.sweep_at) return;
    std::erase_if(state.writes, [&](const auto& w) { return now - w.second.at > kRemembered; });
    state.sweep_at = 2 * std::max<size_t>(state.writes.size(), 512);
  });
}

std::string OwnWrites::WhyStale(const ObjectRef& ref, const nlohmann::json& read,
                                SteadyTime now) const {
  return state_.With([&](const State& state) -> std::string {
    const auto it = state.writes.find(ref);
    if (it == state.writes.end() || now - it->second.at > kRemembered) return "";
    const Written& written = it->second;
    const std::string version = ToText(At(read, "metadata", "resourceVersion"));
    if (IsOlderVersion(version, written.version)) {
      return "the server answers with version " + version + " of it, and has answered " +
             written.version + " to our write";
    }
    // Of another uid nothing is known: it may have been made anew.
    const int64_t generation = ToInt(At(read, "metadata", "generation"));
    if (UidOf(read) == written.uid && generation < written.generation) {
      return "the server answers with generation " + std::to_string(generation) +
             " of it, and has answered " + std::to_string(written.generation) + " to our write";
    }
    return "";
  });
}

std::string OwnWrites::Uid(const ObjectRef& ref, SteadyTime now) const {
  return state_.With([&](const State& state) -> std::string {
    const auto it = state.writes.find(ref);
    return it == state.writes.end() || now - it->second.at > kRemembered ? "" : it->second.uid;
  });
}

size_t OwnWrites::Size() const {
  return state_.With([](const State& state) { return state.writes.size(); });
}

}  // namespace sluice::targets::kubernetes
