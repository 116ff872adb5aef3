#include "engine/sandbox/image.h"

#include <nlohmann/json.hpp>

namespace sluice::sandbox {
namespace {

std::string_view Digest(std::string_view image) {
  const size_t at = image.find('@');
  return at == std::string_view::npos ? std::string_view() : image.substr(at + 1);
}

}  // namespace

std::string ImageTag(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const size_t colon = image.rfind(':');
  const size_t slash = image.rfind('/');
  if (colon == std::string_view::npos) return "";
  if (slash != std::string_view::npos && colon < slash) return "";
  return std::string(image.substr(colon + 1));
}

std::string ImageVersion(std::string_view image) {
  std::string tag = ImageTag(image);
  return tag.empty() ? std::string(Digest(image)) : tag;
}

std::string DefaultPullPolicy(std::string_view image) {
  const std::string tag = ImageTag(image);
  if (tag == "latest") return "Always";
  return tag.empty() && Digest(image).empty() ? "Always" : "IfNotPresent";
}

bool HasFault(const Json& pod_spec, std::string_view word) {
  const std::string prefix = std::string(word) + "-";
  for (const Json& container : ArrayAt(pod_spec, {"containers"})) {
    if (ImageTag(TextAt(container, {"image"})).rfind(prefix, 0) == 0) return true;
  }
  return false;
}

}  // namespace sluice::sandbox
