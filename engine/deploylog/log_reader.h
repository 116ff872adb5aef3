// Reads the log branch's tree into a State, parsing only what changed since the last one. For the
// .cc files of this module only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/deploylog/deploy_log.h"

namespace sluice::deploylog {

// A State with the object ids it was read from. Immutable once made.
struct Snapshot {
  State state;
  std::map<std::string, std::string> directories;  // environment, or "requests" -> tree id
  std::map<std::string, std::string> files;  // path of a record, request or log.json -> blob id
};

class LogReader {
 public:
  LogReader(git::Mirror& mirror, const std::string& branch) : mirror_(mirror), branch_(branch) {}

  // `tip` is in the mirror; "" gives the empty state. A record that cannot be read is kCorrupted
  // and names file and commit; a request that cannot be read is passed over with a warning, for it
  // would stop every unit.
  Result<std::shared_ptr<const Snapshot>> Read(const std::string& tip, const Snapshot& previous);

 private:
  Status ReadRoot(const Snapshot& previous, Snapshot& next);
  Status ReadEnvironment(const std::string& environment, Snapshot& next);
  Status ReadRecord(const UnitId& unit, const git::DirectoryEntry& entry, Snapshot& next);
  Status ReadRequests(const std::string& oid, const Snapshot& previous, Snapshot& next);
  Status ReadLogFile(Snapshot& next);
  // Fills `by` and `at` of the requests named, from the commits that added them. Says how many
  // commits ago that was; those not found are left out.
  Result<std::map<std::string, size_t>> FindAuthors(const std::string& tip,
                                                    std::map<std::string, Request*> wanted,
                                                    const Snapshot& next);
  Result<std::string> Bytes(const std::string& tip, const std::string& path, int64_t max_bytes);
  tl::unexpected<Error> Broken(const std::string& tip, const std::string& path,
                               const Error& why) const;

  git::Mirror& mirror_;
  const std::string& branch_;
};

}  // namespace sluice::deploylog
