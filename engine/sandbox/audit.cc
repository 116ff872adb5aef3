#include "engine/sandbox/audit.h"

#include <nlohmann/json.hpp>

#include "engine/sandbox/json.h"

namespace sluice::sandbox {

Status Audit::Open(const std::string& path) {
  return state_.With([&](State& state) -> Status {
    state.file.open(path, std::ios::app);
    if (!state.file) {
      return Fail(ErrorCode::kUnavailable, "cannot write " + path + "; choose another --dir");
    }
    return {};
  });
}

void Audit::Count(const std::string& cluster, const std::string& verb) {
  state_.With([&](State& state) { ++state.counts[cluster][verb]; });
}

void Audit::Write(const WriteRecord& record) {
  const std::string line = Dump({{"time", NowText()},
                                 {"cluster", record.cluster},
                                 {"verb", record.verb},
                                 {"path", record.path},
                                 {"dryRun", record.dry_run},
                                 {"fieldManager", record.field_manager},
                                 {"userAgent", record.user_agent},
                                 {"user", record.user},
                                 {"code", record.code},
                                 {"fault", record.fault}});
  state_.With([&](State& state) {
    state.writes.push_back(record);
    if (state.file.is_open()) state.file << line << std::endl;
  });
}

std::map<std::string, int> Audit::Counts(const std::string& cluster) const {
  return state_.With([&](const State& state) {
    const auto it = state.counts.find(cluster);
    return it == state.counts.end() ? std::map<std::string, int>() : it->second;
  });
}

std::vector<WriteRecord> Audit::Writes(const std::string& cluster) const {
  return state_.With([&](const State& state) {
    std::vector<WriteRecord> out;
    for (const WriteRecord& record : state.writes) {
      if (record.cluster == cluster) out.push_back(record);
    }
    return out;
  });
}

void Audit::Reset() {
  state_.With([](State& state) {
    state.counts.clear();
    state.writes.clear();
  });
}

}  // namespace sluice::sandbox
