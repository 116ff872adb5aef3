#include "engine/model/image.h"

#include <algorithm>
#include <cctype>

namespace sluice {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool IsLowerWord(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0 ||
         std::isdigit(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

ImageReference ParseImageReference(std::string_view text) {
  ImageReference image;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    image.digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  // A colon before the last slash is that of a registry's port.
  const size_t slash = text.rfind('/');
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    image.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  image.name = text;
  return image;
}

std::string ToString(const ImageReference& image) {
  std::string out = image.name;
  if (!image.tag.empty()) out += ":" + image.tag;
  if (!image.digest.empty()) out += "@" + image.digest;
  return out;
}

std::optional<std::string> CheckImageName(std::string_view name) {
  constexpr std::string_view kForm =
      "must be an image name such as registry.example/shop/web, without tag or digest";
  const ImageReference parts = ParseImageReference(name);
  if (!parts.tag.empty() || !parts.digest.empty() || parts.name != name || name.empty() ||
      name.size() > 255)
    return std::string(kForm);
  const size_t first_slash = name.find('/');
  size_t start = 0;
  while (start <= name.size()) {
    const size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    // Only a registry in front may have upper case letters and a port.
    const bool is_host = start == 0 && first_slash != std::string_view::npos;
    const bool is_clean = std::ranges::all_of(part, [&](char c) {
      return IsLowerWord(c) || c == '.' || c == '-' || c == '_' ||
             (is_host && (IsWord(c) || c == ':'));
    });
    if (part.empty() || !is_clean || !(is_host ? IsWord(part[0]) : IsLowerWord(part[0])))
      return std::string(kForm);
    start = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> CheckImageTag(std::string_view tag) {
  if (tag == "latest")
    return "must not be latest: what it stands for changes; name a commit or a digest";
  const bool is_clean =
      std::ranges::all_of(tag, [](char c) { return IsWord(c) || c == '.' || c == '-'; });
  if (tag.empty() || tag.size() > 128 || !is_clean || !IsWord(tag[0])) {
    return "must be a tag: letters, digits, '_', '.' and '-', at most 128, not beginning with '.' "
           "or '-'";
  }
  return std::nullopt;
}

std::optional<std::string> CheckImageDigest(std::string_view digest) {
  constexpr std::string_view kPrefix = "sha256:";
  const std::string_view hex = digest.starts_with(kPrefix) ? digest.substr(kPrefix.size()) : "";
  const bool is_hex = std::ranges::all_of(
      hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hex.size() == 64 && is_hex) return std::nullopt;
  return "must be sha256: and 64 lower-case hex digits";
}

}  // namespace sluice
