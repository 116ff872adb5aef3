#include "engine/deploylog/log_reader.h"

#include <algorithm>
#include <limits>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/deploylog/log_format.h"

namespace sluice::deploylog {
namespace {

using Kind = git::DirectoryEntry::Kind;

constexpr size_t kMaxUnits = 50'000;
constexpr size_t kMaxRequests = 1'000;   // the oldest by name, whose names begin with their time
constexpr size_t kMaxLookBack = 20'000;  // commits searched for the author of a request
constexpr size_t kChunk = 256;

// Drops what stood below a directory that changed or went.
void Forget(const std::string& environment, Snapshot& next) {
  const std::string prefix = environment + "/";
  std::erase_if(next.files, [&](const auto& file) { return file.first.starts_with(prefix); });
  next.directories.erase(environment);
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> LogReader::Read(const std::string& tip,
                                                        const Snapshot& previous) {
  auto next = std::make_shared<Snapshot>();
  if (tip.empty()) return std::shared_ptr<const Snapshot>(next);
  *next = previous;
  next->state.tip = tip;
  SLUICE_CHECK(ReadRoot(previous, *next));
  return std::shared_ptr<const Snapshot>(next);
}

Status LogReader::ReadRoot(const Snapshot& previous, Snapshot& next) {
  SLUICE_TRY(const auto entries, mirror_.ReadDirectory(next.state.tip, ""));
  std::map<std::string, std::string> present;
  std::string log_file, requests;
  for (const git::DirectoryEntry& entry : entries) {
    if (entry.name == kLogFile && entry.kind == Kind::kFile) log_file = entry.oid;
    if (entry.kind != Kind::kDirectory || !IsDnsLabel(entry.name)) continue;
    if (entry.name == kRequests) {
      requests = entry.oid;
    } else {
      present[entry.name] = entry.oid;
    }
  }
  const auto known = next.directories;
  for (const auto& [environment, oid] : known) {
    if (environment == kRequests || present.contains(environment)) continue;
    Forget(environment, next);
    std::erase_if(next.state.records,
                  [&name = environment](const auto& r) { return r.first.environment == name; });
  }
  for (const auto& [environment, oid] : present) {
    if (const auto it = known.find(environment); it != known.end() && it->second == oid) continue;
    SLUICE_CHECK(ReadEnvironment(environment, next));
    next.directories[environment] = oid;
  }
  SLUICE_CHECK(ReadRequests(requests, previous, next));
  if (log_file.empty()) {
    next.state.initialised.reset();
    next.files.erase(std::string(kLogFile));
    return {};
  }
  std::string& read_before = next.files[std::string(kLogFile)];
  if (read_before == log_file) return {};
  read_before = log_file;
  return ReadLogFile(next);
}

Status LogReader::ReadLogFile(Snapshot& next) {
  const std::string path(kLogFile);
  SLUICE_TRY(const std::string text, Bytes(next.state.tip, path, kMaxListBytes));
  auto initialised = ParseInitialised(text);
  if (!initialised) return Broken(next.state.tip, path, initialised.error());
  next.state.initialised = *std::move(initialised);
  return {};
}

Status LogReader::ReadEnvironment(const std::string& environment, Snapshot& next) {
  SLUICE_TRY(const auto entries, mirror_.ReadDirectory(next.state.tip, environment));
  std::map<UnitId, const git::DirectoryEntry*> present;
  for (const git::DirectoryEntry& entry : entries) {
    if (const auto unit = UnitOfRecord(environment, entry.name)) present[*unit] = &entry;
  }
  std::erase_if(next.state.records, [&](const auto& record) {
    if (record.first.environment != environment || present.contains(record.first)) return false;
    next.files.erase(RecordPath(record.first));
    return true;
  });
  for (const auto& [unit, entry] : present) SLUICE_CHECK(ReadRecord(unit, *entry, next));
  if (next.state.records.size() > kMaxUnits) {
    return Fail(
        ErrorCode::kCorrupted, "LogUnreadable",
        "log branch '" + branch_ + "' has more than " + std::to_string(kMaxUnits) + " records");
  }
  return {};
}

Status LogReader::ReadRecord(const UnitId& unit, const git::DirectoryEntry& entry, Snapshot& next) {
  const std::string path = RecordPath(unit);
  if (entry.kind != Kind::kFile) {
    return Broken(next.state.tip, path,
                  Error(ErrorCode::kCorrupted, "RecordUnreadable", "not a file"));
  }
  std::string& read_before = next.files[path];
  if (read_before == entry.oid) return {};
  SLUICE_TRY(const std::string text, Bytes(next.state.tip, path, kMaxRecordBytes));
  auto record = ParseRecordText(text);
  if (!record) return Broken(next.state.tip, path, record.error());
  if (record->unit != unit) {
    return Broken(next.state.tip, path,
                  Error(ErrorCode::kCorrupted, "RecordUnreadable",
                        "it is the record of '" + ToString(record->unit) + "'"));
  }
  next.state.records[unit] = *std::move(record);
  read_before = entry.oid;
  return {};
}

Status LogReader::ReadRequests(const std::string& oid, const Snapshot& previous, Snapshot& next) {
  const std::string directory(kRequests);
  const auto known = previous.directories.find(directory);
  if (known != previous.directories.end() && known->second == oid) return {};
  Forget(directory, next);
  next.state.requests.clear();
  if (oid.empty()) return {};
  next.directories[directory] = oid;
  SLUICE_TRY(const auto entries, mirror_.ReadDirectory(next.state.tip, directory));
  for (const git::DirectoryEntry& entry : entries) {
    const auto id = IdOfRequest(entry.name);
    if (!id || entry.kind != Kind::kFile) continue;
    if (next.state.requests.size() == kMaxRequests) break;
    const std::string path = RequestPath(*id);
    auto bytes = mirror_.ReadFile(next.state.tip, path, kMaxRequestBytes);
    auto request = bytes ? ParseRequest(bytes->value_or("")) : Result<Request>(Fail(bytes.error()));
    if (!request) {
      log::Warn("request_unreadable",
                {{"file", path},
                 {"error", request.error().message() + "; remove the file with a commit"}});
      continue;
    }
    request->id = *id;
    next.files[path] = entry.oid;
    next.state.requests.push_back(*std::move(request));
  }
  // The order is that of the commits that added them: their times have whole seconds only, and come
  // from the clocks of several machines. What is new was added after all that is known.
  std::map<std::string, int64_t> order;
  std::map<std::string, Request*> unknown;
  for (Request& request : next.state.requests) {
    const auto before = std::ranges::find(previous.state.requests, request.id, &Request::id);
    const auto file = previous.files.find(RequestPath(request.id));
    if (before != previous.state.requests.end() && file != previous.files.end() &&
        file->second == next.files[RequestPath(request.id)]) {
      request.by = before->by;
      request.at = before->at;
      order[request.id] = before - previous.state.requests.begin();
    } else {
      unknown[request.id] = &request;
    }
  }
  SLUICE_TRY(const auto ages, FindAuthors(next.state.tip, std::move(unknown), next));
  for (const auto& [id, age] : ages)
    order[id] = std::numeric_limits<int64_t>::max() - static_cast<int64_t>(age);
  // Without a place of its own: from before the oldest commit that was looked at.
  std::ranges::stable_sort(next.state.requests, {}, [&order](const Request& r) {
    const auto place = order.find(r.id);
    return std::pair(place == order.end() ? -1 : place->second, r.id);
  });
  return {};
}

Result<std::map<std::string, size_t>> LogReader::FindAuthors(const std::string& tip,
                                                             std::map<std::string, Request*> wanted,
                                                             const Snapshot& next) {
  std::map<std::string, size_t> ages;
  size_t age = 0;
  std::string from = tip;
  size_t left = kMaxLookBack;
  // In chunks, because a mirror may not be asked again from inside its walk.
  while (!wanted.empty() && !from.empty() && left > 0) {
    std::vector<git::Commit> commits;
    SLUICE_CHECK(
        mirror_.Log(from, "", git::Mirror::Walk::kFirstParent, [&](const git::Commit& commit) {
          commits.push_back(commit);
          return commits.size() < kChunk;
        }));
    if (commits.empty()) break;
    left -= std::min(left, commits.size());
    for (const git::Commit& commit : commits) {
      const std::string parent = commit.parents.empty() ? "" : commit.parents.front();
      for (auto it = wanted.begin(); it != wanted.end();) {
        const std::string path = RequestPath(it->first);
        std::optional<std::string> before;
        if (!parent.empty()) {
          SLUICE_TRY(before, mirror_.ObjectAt(parent, path));
        }
        if (before && *before == next.files.at(path)) {
          ++it;
          continue;
        }
        it->second->by = EscapeControl(FormatPerson(commit.author));
        it->second->at = commit.author_time;
        ages[it->first] = age;
        it = wanted.erase(it);
      }
      from = parent;
      ++age;
      if (wanted.empty()) break;
    }
  }
  for (auto& [id, request] : wanted) request->by = "unknown";
  return ages;
}

Result<std::string> LogReader::Bytes(const std::string& tip, const std::string& path,
                                     int64_t max_bytes) {
  auto bytes = mirror_.ReadFile(tip, path, max_bytes);
  if (!bytes) return Broken(tip, path, bytes.error());
  if (!*bytes)
    return Broken(tip, path,
                  Error(ErrorCode::kCorrupted, "LogUnreadable", "it cannot be found again"));
  return **std::move(bytes);
}

tl::unexpected<Error> LogReader::Broken(const std::string& tip, const std::string& path,
                                        const Error& why) const {
  const bool is_ours = why.code() == ErrorCode::kCorrupted && !why.reason().empty();
  return Fail(ErrorCode::kCorrupted, is_ours ? why.reason() : "LogUnreadable",
              "'" + path + "' at commit " + Short(tip) + " of log branch '" + branch_ +
                  "': " + why.message() +
                  "; put an earlier version of the file back with a commit (git log " + branch_ +
                  " -- " + path + ")");
}

}  // namespace sluice::deploylog
