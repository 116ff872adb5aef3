#include "engine/git/ls_refs.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"

namespace sluice::git {
namespace {

std::string PacketLine(const std::string& text) {
  std::array<char, 5> length{};
  std::snprintf(length.data(), length.size(), "%04x",
                static_cast<unsigned>(text.size() + 4) & 0xFFFFU);
  return length.data() + text;
}

struct Packet {
  enum class Kind { kData, kFlush, kDelimiter, kEnd, kBroken };
  Kind kind = Kind::kEnd;
  std::string_view text;  // without the last newline
};

class PacketReader {
 public:
  explicit PacketReader(std::string_view body) : rest_(body) {}

  Packet Next() {
    if (rest_.empty()) return {Packet::Kind::kEnd, {}};
    if (rest_.size() < 4) return Broken();
    size_t length = 0;
    for (const char c : rest_.substr(0, 4)) {
      const auto digit = std::string_view("0123456789abcdef").find(ToLower({&c, 1}));
      if (digit == std::string_view::npos) return Broken();
      length = length * 16 + digit;
    }
    if (length == 0 || length == 1 || length == 2) {
      rest_.remove_prefix(4);
      return {length == 1 ? Packet::Kind::kDelimiter : Packet::Kind::kFlush, {}};
    }
    if (length < 4 || length > rest_.size()) return Broken();
    std::string_view text = rest_.substr(4, length - 4);
    rest_.remove_prefix(length);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return {Packet::Kind::kData, text};
  }

 private:
  Packet Broken() {
    rest_ = {};
    return {Packet::Kind::kBroken, {}};
  }
  std::string_view rest_;
};

bool IsObjectId(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool Wants(const std::vector<std::string>& refs, std::string_view name) {
  return std::ranges::find(refs, name) != refs.end();
}

}  // namespace

Capabilities ParseCapabilities(std::string_view body) {
  Capabilities out;
  PacketReader reader(body);
  bool is_v2 = false;
  for (Packet packet = reader.Next(); packet.kind != Packet::Kind::kEnd; packet = reader.Next()) {
    if (packet.kind == Packet::Kind::kBroken) return {};
    if (packet.kind != Packet::Kind::kData) continue;
    if (packet.text == "version 2") is_v2 = true;
    if (!is_v2) continue;
    if (packet.text == "ls-refs" || packet.text.starts_with("ls-refs=")) out.has_v2_ls_refs = true;
    constexpr std::string_view kFormat = "object-format=";
    if (packet.text.starts_with(kFormat)) out.object_format = packet.text.substr(kFormat.size());
  }
  return out;
}

std::string MakeLsRefsRequest(const std::vector<std::string>& refs) {
  std::string body = PacketLine("command=ls-refs\n") + PacketLine("object-format=sha1\n") + "0001";
  for (const std::string& ref : refs) body += PacketLine("ref-prefix " + ref + "\n");
  return body + "0000";
}

Result<std::map<std::string, std::string>> ParseLsRefs(std::string_view body,
                                                       const std::vector<std::string>& refs) {
  std::map<std::string, std::string> found;
  PacketReader reader(body);
  while (true) {
    const Packet packet = reader.Next();
    if (packet.kind == Packet::Kind::kFlush) return found;
    if (packet.kind != Packet::Kind::kData) {
      return Fail(ErrorCode::kCorrupted,
                  "the server's answer is not a list of refs, or is cut short");
    }
    if (packet.text.starts_with("ERR ")) {
      return Fail(ErrorCode::kRejected,
                  "the server says: " + CleanOutput(std::string(packet.text.substr(4))));
    }
    const auto blank = packet.text.find(' ');
    const std::string_view id = packet.text.substr(0, blank);
    if (blank == std::string_view::npos || (!IsObjectId(id) && id != "unborn")) {
      return Fail(ErrorCode::kCorrupted, "the server's answer has a line that names no ref");
    }
    const std::string_view rest = packet.text.substr(blank + 1);
    const std::string_view name = rest.substr(0, rest.find(' '));  // attributes may follow
    if (IsObjectId(id) && Wants(refs, name))
      found.insert_or_assign(std::string(name), std::string(id));
  }
}

std::map<std::string, std::string> ParseLsRemote(std::string_view text,
                                                 const std::vector<std::string>& refs) {
  std::map<std::string, std::string> found;
  for (const std::string& line : Split(text, '\n')) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const std::string name = line.substr(tab + 1);
    if (IsObjectId(std::string_view(line).substr(0, tab)) && Wants(refs, name)) {
      found.insert_or_assign(name, line.substr(0, tab));
    }
  }
  return found;
}

}  // namespace sluice::git
