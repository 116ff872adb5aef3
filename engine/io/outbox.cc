#include "engine/io/outbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/io/files.h"

namespace sluice {
namespace {

constexpr std::string_view kMagic = "sluice-outbox/1";
constexpr std::string_view kSuffix = ".entry";
constexpr std::string_view kDamaged = "damaged";
constexpr size_t kMaxEntryBytes = size_t{16} << 20;

struct Entry {
  uint64_t number = 0;
  std::string key;
  std::string text;
};

// A file name that any key fits in and that tells a person which unit it is about.
std::string FileName(const std::string& key) {
  std::string readable;
  for (const char c : key.substr(0, 100)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    readable += is_plain ? c : '_';
  }
  return readable + "-" + Sha256Hex(key).substr(0, 16) + std::string(kSuffix);
}

// "sluice-outbox/1 NUMBER KEY-IN-BASE64 SHA256\n" and the text: the digest covers what is before
// and after it.
std::string Format(const Entry& entry) {
  const std::string head =
      std::string(kMagic) + " " + std::to_string(entry.number) + " " + Base64Encode(entry.key);
  return head + " " + Sha256Hex(head + "\n" + entry.text) + "\n" + entry.text;
}

std::optional<Entry> Parse(std::string_view bytes) {
  const auto line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return std::nullopt;
  const auto parts = Split(bytes.substr(0, line_end), ' ');
  if (parts.size() != 4 || parts[0] != kMagic || parts[1].size() > 19) return std::nullopt;
  if (parts[1].empty() || parts[1].find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const auto key = Base64Decode(parts[2]);
  if (!key) return std::nullopt;
  Entry entry{std::stoull(parts[1]), *key, std::string(bytes.substr(line_end + 1))};
  if (Format(entry) != bytes) return std::nullopt;
  return entry;
}

// Out of the way without destroying the evidence.
Status MoveAside(const std::string& directory, const std::string& name) {
  const std::string from = directory + "/" + name;
  const std::string away = directory + "/" + std::string(kDamaged);
  SLUICE_CHECK(MakePrivateDirectory(away));
  if (rename(from.c_str(), (away + "/" + name + "-" + RandomHex(4)).c_str()) == 0) return {};
  return Fail(ErrorCode::kInternal, "setting '" + from + "' aside: " + std::strerror(errno));
}

}  // namespace

Outbox::Outbox(Outbox&& other) noexcept
    : directory_(std::move(other.directory_)),
      effects_(other.effects_),
      next_number_(other.next_number_.With([](uint64_t number) { return number; })) {}

Result<Outbox> Outbox::Open(const std::string& directory, Effects& effects) {
  SLUICE_CHECK(MakePrivateDirectory(directory));
  Outbox outbox(directory, effects);
  uint64_t next = 0;
  SLUICE_CHECK(outbox.Read(next));
  outbox.next_number_.With([&](uint64_t& number) { number = next; });
  return outbox;
}

Result<OutboxContents> Outbox::Read(uint64_t& next_number) {
  SLUICE_TRY(const auto names, ListDirectory(directory_));
  OutboxContents contents;
  std::vector<Entry> entries;
  for (const std::string& name : names) {
    if (name == kDamaged) continue;
    const std::string path = directory_ + "/" + name;
    if (!name.ends_with(
            kSuffix)) {  // a temporary file whose write was never finished, and so never promised
      unlink(path.c_str());
      continue;
    }
    const auto bytes = ReadFile(path, kMaxEntryBytes);
    // A disk that cannot be read now may be readable later: no verdict is lost by moving it.
    if (!bytes && bytes.error().code() != ErrorCode::kInvalidArgument) return Fail(bytes.error());
    auto entry = bytes ? Parse(*bytes) : std::nullopt;
    if (!entry || FileName(entry->key) != name) {
      SLUICE_CHECK(MoveAside(directory_, name));
      continue;
    }
    entries.push_back(std::move(*entry));
  }
  std::ranges::sort(entries, {}, &Entry::number);
  for (Entry& entry : entries) {
    next_number = std::max(next_number, entry.number + 1);
    contents.entries.push_back({std::move(entry.key), std::move(entry.text)});
  }
  const std::string away = directory_ + "/" + std::string(kDamaged);
  if (const auto damaged = ListDirectory(away)) {
    for (const std::string& name : *damaged) contents.damaged.push_back(away + "/" + name);
  }
  return contents;
}

Status Outbox::Put(const std::string& key, std::string_view text) {
  if (key.empty() || key.size() > 200) {
    return Fail(ErrorCode::kInvalidArgument,
                "outbox key '" + EscapeControl(key.substr(0, 200)) + "' must have 1 to 200 bytes");
  }
  if (text.size() > kMaxEntryBytes / 2)
    return Fail(ErrorCode::kInvalidArgument, "outbox document '" + key + "' is too large");
  auto status = next_number_.With([&](uint64_t& number) {
    return WriteFileDurably(directory_ + "/" + FileName(key),
                            Format({number++, key, std::string(text)}));
  });
  if (!status)
    return Fail(std::move(status).error().With("keeping the verdict of " + EscapeControl(key)));
  effects_.Done(EffectKind::kOutboxWrite, "put " + EscapeControl(key));
  return {};
}

Result<OutboxContents> Outbox::List() {
  return next_number_.With([&](uint64_t& number) { return Read(number); });
}

Status Outbox::SetAside(const std::string& key) {
  return next_number_.With([&](uint64_t&) { return MoveAside(directory_, FileName(key)); });
}

Status Outbox::Remove(const std::string& key) {
  const std::string path = directory_ + "/" + FileName(key);
  const bool was_there = access(path.c_str(), F_OK) == 0;
  auto status = next_number_.With([&](uint64_t&) -> Status {
    SLUICE_CHECK(RemoveTree(path));
    const Descriptor directory(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || fsync(directory.get()) != 0)
      return Fail(ErrorCode::kInternal,
                  "syncing directory '" + directory_ + "': " + std::strerror(errno));
    return {};
  });
  if (!status)
    return Fail(std::move(status).error().With("removing the verdict of " + EscapeControl(key)));
  if (was_there) effects_.Done(EffectKind::kOutboxWrite, "remove " + EscapeControl(key));
  return {};
}

}  // namespace sluice
