// The only local state that is not a cache: verdicts that are decided and not yet pushed (design
// 5). Small documents, one file each, in <dataDir>/outbox/. A document is there wholly or not at
// all, after a power cut too; one that is damaged anyway is set aside in <dataDir>/outbox/damaged/
// and reported.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/effects.h"
#include "engine/base/error.h"
#include "engine/base/guarded.h"

namespace sluice {

struct OutboxEntry {
  std::string key;
  std::string text;
};

struct OutboxContents {
  std::vector<OutboxEntry> entries;  // oldest first
  // Files in damaged/, until a person removes them.
  std::vector<std::string> damaged;
};

// Thread-safe; one process at a time (the caller holds the dataDir lock).
class Outbox {
 public:
  // Makes `directory` (0700) when missing.
  static Result<Outbox> Open(const std::string& directory, Effects& effects);
  Outbox(Outbox&& other) noexcept;

  // On disk when it returns. Replaces a document of the same key, which then counts as the newest.
  // Any key of 1 to 200 bytes will do.
  Status Put(const std::string& key, std::string_view text);
  Result<OutboxContents> List();
  // For a document that its reader cannot use: kept in damaged/ for a person, and reported.
  Status SetAside(const std::string& key);
  // Gone for good when it returns; nothing there is success.
  Status Remove(const std::string& key);

 private:
  Outbox(std::string directory, Effects& effects)
      : directory_(std::move(directory)), effects_(effects) {}
  Result<OutboxContents> Read(uint64_t& next_number);

  std::string directory_;
  Effects& effects_;
  Guarded<uint64_t> next_number_;
};

}  // namespace sluice
