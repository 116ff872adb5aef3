#include "engine/model/record.h"

#include <array>
#include <utility>

namespace sluice {
namespace {

template <class E, size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

constexpr Names<Phase, 4> kPhases = {{{Phase::kIdle, "Idle"},
                                      {Phase::kHeld, "Held"},
                                      {Phase::kApplying, "Applying"},
                                      {Phase::kRollingBack, "RollingBack"}}};
constexpr Names<Outcome, 5> kOutcomes = {{{Outcome::kSucceeded, "Succeeded"},
                                          {Outcome::kFailed, "Failed"},
                                          {Outcome::kErrored, "Errored"},
                                          {Outcome::kCancelled, "Cancelled"},
                                          {Outcome::kSuperseded, "Superseded"}}};
constexpr Names<EventKind, 20> kEvents = {{{EventKind::kInitialised, "initialised"},
                                           {EventKind::kStarted, "started"},
                                           {EventKind::kHeld, "held"},
                                           {EventKind::kSucceeded, "succeeded"},
                                           {EventKind::kFailed, "failed"},
                                           {EventKind::kErrored, "errored"},
                                           {EventKind::kCancelled, "cancelled"},
                                           {EventKind::kSuperseded, "superseded"},
                                           {EventKind::kRolledback, "rolledback"},
                                           {EventKind::kReverted, "reverted"},
                                           {EventKind::kPromoted, "promoted"},
                                           {EventKind::kFrozen, "frozen"},
                                           {EventKind::kUnfrozen, "unfrozen"},
                                           {EventKind::kAdopted, "adopted"},
                                           {EventKind::kRemoved, "removed"},
                                           {EventKind::kInvalid, "invalid"},
                                           {EventKind::kDrifted, "drifted"},
                                           {EventKind::kHealed, "healed"},
                                           {EventKind::kHealth, "health"},
                                           {EventKind::kRequest, "request"}}};

template <class E, size_t N>
std::string_view NameOf(const Names<E, N>& names, E value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "";
}

template <class E, size_t N>
std::optional<E> ValueOf(const Names<E, N>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(Phase phase) { return NameOf(kPhases, phase); }
std::string_view ToString(Outcome outcome) { return NameOf(kOutcomes, outcome); }
std::string_view ToString(EventKind kind) { return NameOf(kEvents, kind); }
std::optional<Phase> ParsePhase(std::string_view text) { return ValueOf(kPhases, text); }
std::optional<Outcome> ParseOutcome(std::string_view text) { return ValueOf(kOutcomes, text); }
std::optional<EventKind> ParseEventKind(std::string_view text) { return ValueOf(kEvents, text); }

}  // namespace sluice
