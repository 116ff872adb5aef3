// Everything the engine does to the world outside itself passes here: live writes, pushes, outbox
// writes. One place to count them, and the place where the crash tests stop the process.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/base/guarded.h"

namespace sluice {

enum class EffectKind { kLiveWrite, kPush, kOutboxWrite };

std::string_view ToString(EffectKind kind);

// Thread-safe.
class Effects {
 public:
  // Reads SLUICE_CRASH_AFTER_EFFECT=N (tests only): the process kills itself (SIGKILL) right after
  // its Nth effect, as a power cut would. SLUICE_PAUSE_AFTER_EFFECT=N: it stops there until
  // somebody lets it go on (SIGSTOP). SLUICE_EFFECTS_FILE=F: each effect is appended to F.
  static Effects FromEnvironment();
  Effects() = default;
  Effects(const Effects&) = delete;
  Effects(Effects&& other) noexcept;

  // Call right AFTER the effect took place (whether or not it was accepted).
  void Done(EffectKind kind, std::string_view what);
  std::map<std::string, int> Counts() const;

 private:
  int crash_after_ = 0;
  int pause_after_ = 0;
  std::string file_;
  struct State {
    int total = 0;
    std::map<std::string, int> by_kind;
  };
  Guarded<State> state_;
};

}  // namespace sluice
