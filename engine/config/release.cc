#include <algorithm>
#include <set>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/config/config.h"
#include "engine/config/kinds.h"
#include "engine/model/image.h"

namespace sluice::config {
namespace {

using nlohmann::json;

void ReadImage(const Node& node, std::vector<ImageOverride>& images) {
  ImageOverride image;
  image.at = node.At();
  bool has_tag = false, has_digest = false;
  const auto checked = [](std::string& out, auto check) {
    return [&out, check](const Node& n) {
      std::string text;
      if (!n.String(text)) return;
      if (const auto wrong = check(text)) {
        n.Problem("invalid-value", "'" + text + "' " + *wrong);
      } else {
        out = std::move(text);
      }
    };
  };
  node.Object({{"name", checked(image.name, CheckImageName), true},
               {"tag",
                [&](const Node& n) {
                  has_tag = true;
                  checked(image.tag, CheckImageTag)(n);
                }},
               {"digest", [&](const Node& n) {
                  has_digest = true;
                  checked(image.digest, CheckImageDigest)(n);
                }}});
  if (!node.value().is_object()) return;
  if (has_tag == has_digest)
    node.Problem("invalid-value",
                 has_tag ? "must have a tag or a digest, not both" : "needs a tag or a digest");
  const auto same = std::ranges::find(images, image.name, &ImageOverride::name);
  if (same != images.end() && !image.name.empty())
    node.Problem("duplicate-name", "names " + image.name + " a second time");
  images.push_back(std::move(image));
}

json SpecOf(const Release& release) {
  json images = json::array();
  std::vector<ImageOverride> sorted = release.images;
  std::ranges::sort(sorted, {}, &ImageOverride::name);
  for (const ImageOverride& image : sorted) {
    json entry = {{"name", image.name}};
    if (!image.tag.empty()) entry["tag"] = image.tag;
    if (!image.digest.empty()) entry["digest"] = image.digest;
    images.push_back(std::move(entry));
  }
  json spec = {{"images", std::move(images)}};
  if (!release.version.empty()) spec["version"] = release.version;
  return spec;
}

Status CheckOverride(const ImageOverride& image) {
  const auto wrong = [](const std::string& what) {
    return Fail(ErrorCode::kInvalidArgument, what);
  };
  if (const auto name = CheckImageName(image.name))
    return wrong("image name '" + image.name + "' " + *name);
  if (image.tag.empty() == image.digest.empty())
    return wrong("image " + image.name + " needs a tag or a digest: NAME=TAG or NAME@sha256:...");
  if (!image.tag.empty()) {
    if (const auto tag = CheckImageTag(image.tag))
      return wrong("tag '" + image.tag + "' of " + image.name + " " + *tag);
  } else if (const auto digest = CheckImageDigest(image.digest)) {
    return wrong("digest '" + image.digest + "' of " + image.name + " " + *digest);
  }
  return {};
}

}  // namespace

std::string DigestOf(const Release& release) { return Sha256Hex(SpecOf(release).dump()); }

const std::vector<std::string>& ReleaseKeyOrder() {
  static const std::vector<std::string> kOrder = {
      "apiVersion", "kind", "metadata", "spec", "version", "images", "name", "tag", "digest"};
  return kOrder;
}

Release ReadRelease(Source& source, const std::string& name) {
  Release release;
  const auto read_images = [&](const Node& node) {
    node.List([&](const Node& item) { ReadImage(item, release.images); });
    if (node.value().is_array() && node.value().empty())
      node.Problem("invalid-value", "must name at least one image");
  };
  release.name = ReadKind(source, "Release", name, [&](const Node& spec) {
    spec.Object({{"version", [&](const Node& n) { n.String(release.version); }},
                 {"images", read_images, true}});
  });
  release.digest = DigestOf(release);
  return release;
}

Result<std::string> FormatRelease(const Release& release) {
  if (!IsDnsLabel(release.name))
    return Fail(ErrorCode::kInvalidArgument,
                "application name '" + release.name + "' must be a DNS label");
  if (release.images.empty())
    return Fail(ErrorCode::kInvalidArgument,
                "a release of " + release.name + " must name at least one image");
  std::set<std::string> names;
  for (const ImageOverride& image : release.images) {
    SLUICE_CHECK(CheckOverride(image));
    if (!names.insert(image.name).second)
      return Fail(ErrorCode::kInvalidArgument, "image " + image.name + " is given twice");
  }
  const json document = {{"apiVersion", kApiVersion},
                         {"kind", "Release"},
                         {"metadata", {{"name", release.name}}},
                         {"spec", SpecOf(release)}};
  return yaml::Write(document, ReleaseKeyOrder());
}

Result<Release> ParseRelease(const std::string& text, const std::string& file) {
  const yaml::Parsed parsed = yaml::Parse(text, file);
  Diagnostics problems;
  Release release;
  if (const yaml::Document* document = OnlyDocument(parsed, file, "Release", problems)) {
    Source source{file, *document, problems};
    release = ReadRelease(source, "");
  }
  if (problems.empty()) return release;
  std::vector<std::string> lines;
  for (const Diagnostic& problem : problems) lines.push_back(ToString(problem));
  return Fail(ErrorCode::kInvalidConfig, Join(lines, "\n"));
}

Result<ImageOverride> ParseImageArgument(const std::string& argument) {
  ImageOverride image;
  const size_t split = argument.find_first_of("=@");
  if (split == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                "image '" + argument + "' must be NAME=TAG or NAME@sha256:...");
  }
  image.name = argument.substr(0, split);
  (argument[split] == '=' ? image.tag : image.digest) = argument.substr(split + 1);
  SLUICE_CHECK(CheckOverride(image));
  return image;
}

}  // namespace sluice::config
