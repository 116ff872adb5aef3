// An image reference taken apart: "registry.example:5000/shop/web:1.2@sha256:…".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct ImageReference {
  std::string name;    // with the registry and its port
  std::string tag;     // "" for none
  std::string digest;  // "sha256:…", "" for none
  bool operator==(const ImageReference&) const = default;
};

// Never fails: what is no tag and no digest is the name.
ImageReference ParseImageReference(std::string_view text);
std::string ToString(const ImageReference& image);

// What is wrong with each part, as an error text without the part itself ("must be …"); nullopt
// when nothing is.
std::optional<std::string> CheckImageName(std::string_view name);
std::optional<std::string> CheckImageTag(std::string_view tag);  // `latest` is refused
std::optional<std::string> CheckImageDigest(std::string_view digest);

}  // namespace sluice
