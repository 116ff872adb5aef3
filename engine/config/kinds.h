// Readers of the kinds, one file each. All report into the Source and return what could be read.
#pragma once

#include <string>
#include <vector>

#include "engine/config/fields.h"
#include "engine/model/config.h"
#include "engine/model/target_kind.h"

namespace sluice::config {

Pipeline ReadPipeline(Source& source);
// `name`: the directory's.
Environment ReadEnvironment(Source& source, const std::string& name, const TargetKinds& kinds);
Application ReadApplication(Source& source, const std::string& name, const TargetKinds& kinds);
Release ReadRelease(Source& source, const std::string& name);
DaemonConfig ReadDaemon(Source& source);

// smokeTests of an application.
SmokeTest ReadSmokeTest(const Node& node, const TargetKinds& kinds);

// The digest of a release's canonical spec.
std::string DigestOf(const Release& release);
// In which a release.yaml of ours names its keys.
const std::vector<std::string>& ReleaseKeyOrder();

// Every kind of ours and the file it stands in.
struct KindFile {
  std::string_view kind;
  std::string_view file;   // "app.yaml"
  std::string_view where;  // "the root", for messages
};
const std::vector<KindFile>& Kinds();

}  // namespace sluice::config
