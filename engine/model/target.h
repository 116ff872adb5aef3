// Where an application runs, as environment.yaml names it. What its settings mean is its kind's
// matter (target_kind.h).
#pragma once

#include <map>
#include <string>

namespace sluice {

class TargetKind;

struct Target {
  std::string name;
  const TargetKind* kind = nullptr;  // never null once read; lives as long as the process
  std::map<std::string, std::string> settings;  // TargetKind::Settings, defaults put in
  bool operator==(const Target&) const = default;

  std::string Setting(const std::string& setting) const {
    const auto it = settings.find(setting);
    return it == settings.end() ? "" : it->second;
  }
};

}  // namespace sluice
