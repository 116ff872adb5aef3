#include <algorithm>

#include "engine/config/config.h"
#include "engine/config/kinds.h"

namespace sluice::config {
namespace {

using nlohmann::json;

// An image as it is written, where it says the same; with the other tag or digest, where not.
json ImageOf(const json& written, const ImageOverride& image) {
  json out = written;
  out["name"] = image.name;
  for (const auto& [key, value] : {std::pair{"tag", image.tag}, {"digest", image.digest}}) {
    if (value.empty()) {
      out.erase(key);
    } else {
      out[key] = value;
    }
  }
  return out;
}

// What stays keeps its place; what is new comes last.
json ImagesOf(const json& written, const Release& release) {
  json out = json::array();
  for (const json& entry : written) {
    const auto image =
        std::ranges::find(release.images, entry["name"].get<std::string>(), &ImageOverride::name);
    if (image != release.images.end()) out.push_back(ImageOf(entry, *image));
  }
  for (const ImageOverride& image : release.images) {
    const bool is_new = std::ranges::none_of(
        written, [&](const json& entry) { return entry["name"] == image.name; });
    if (is_new) out.push_back(ImageOf(json::object(), image));
  }
  return out;
}

// `written` is a release that was read without problems.
json DocumentOf(const json& written, const Release& release) {
  json out = written;
  out["metadata"]["name"] = release.name;
  json& spec = out["spec"];
  spec["images"] = ImagesOf(spec["images"], release);
  if (release.version.empty()) {
    spec.erase("version");
  } else {
    spec["version"] = release.version;
  }
  return out;
}

}  // namespace

Result<ReleaseText> EditRelease(const std::string& text, const Release& release) {
  SLUICE_TRY(std::string anew, FormatRelease(release));
  ReleaseText out{std::move(anew), !text.empty()};
  if (!ParseRelease(text, "release.yaml")) return out;
  const yaml::Parsed parsed = yaml::Parse(text, "release.yaml");
  auto edited = yaml::Edit(text, DocumentOf(parsed.documents[0].value, release), ReleaseKeyOrder());
  if (!edited) return out;
  const auto again = ParseRelease(edited->text, "release.yaml");
  if (again && again->digest == DigestOf(release))
    out = {std::move(edited->text), !edited->has_kept_layout};
  return out;
}

}  // namespace sluice::config
