// What was asked of the sandbox: counts by verb, and one line for each write request. Thread-safe.
#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/guarded.h"

namespace sluice::sandbox {

struct WriteRecord {
  std::string cluster;
  std::string verb;  // create update patch apply delete deletecollection
  std::string path;
  bool dry_run = false;
  std::string field_manager;  // the query parameter, or empty
  std::string user_agent;
  std::string user;
  int code = 0;       // 0 = the connection was cut before an answer
  std::string fault;  // the fault that acted, or empty
};

class Audit {
 public:
  // Lines are appended to `path` as JSON.
  Status Open(const std::string& path);
  void Count(const std::string& cluster, const std::string& verb);
  void Write(const WriteRecord& record);

  std::map<std::string, int> Counts(const std::string& cluster) const;
  std::vector<WriteRecord> Writes(const std::string& cluster) const;
  void Reset();

 private:
  struct State {
    std::ofstream file;
    std::map<std::string, std::map<std::string, int>> counts;
    std::vector<WriteRecord> writes;
  };
  Guarded<State> state_;
};

}  // namespace sluice::sandbox
