// What an API server, an exec plugin or a kubeconfig may say, in any bytes: read and judged without
// a fault, and a message of a server is one line without control characters.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/discovery.h"
#include "engine/targets/kubernetes/exec_plugin.h"
#include "engine/targets/kubernetes/fieldset.h"
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/kubeconfig.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace {

using nlohmann::json;

void Require(bool holds) {
  if (!holds) std::abort();
}

json Member(const json& value, const char* name) {
  return value.is_object() && value.contains(name) ? value.at(name) : json();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace sluice::targets;
  using namespace sluice::targets::kubernetes;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  (void)ParseKubeconfig(text, "/nonexistent/kubeconfig", "dev");
  (void)ParseExecCredential(text, ExecPlugin{.api_version = "client.authentication.k8s.io/v1"});

  const json input = json::parse(text, nullptr, false);
  if (input.is_discarded()) return 0;
  const sluice::Error error = DecodeFailure(403, input);
  for (const char c : error.message()) Require(static_cast<unsigned char>(c) >= 0x20);
  (void)ConflictsOf(input);
  (void)WithoutValues(DecodeFailure(422, input), input);
  (void)ParseAggregated(input);
  (void)ParseResourceList(input, "apps", "v1");

  // Either one object, or an object with what stands beside it.
  const json live = input.is_object() && input.contains("live") ? input.at("live") : input;
  HealthContext context{.before = Member(input, "before"),
                        .replica_sets = Member(input, "replicaSets"),
                        .controller_revisions = Member(input, "controllerRevisions"),
                        .pods = Member(input, "pods"),
                        .events = Member(input, "events"),
                        .has_status_subresource = size % 2 == 0};
  (void)AssessObject(live, context);
  (void)NeedsFor(live, Depth::kDiagnose);
  (void)EventSubjects(live, context);
  (void)PodsOfNewRevision(live, context);
  (void)SelectorText(Member(Member(live, "spec"), "selector"));

  if (!live.is_object()) return 0;
  const json desired = Member(input, "desired");
  if (desired.is_object()) {
    (void)HoldsAlready(live, desired);
    (void)ProjectOnto(live, desired);
    (void)IsSameQuantity(Member(live, "a"), Member(desired, "a"));
  }
  (void)OwnFields(live);
  (void)WithoutKubectlEntries(live);
  (void)OptsOutOfPrune(live);
  (void)Normalise(live);
  json stripped = live;
  StripServerOwned(stripped);
  (void)EncodeStringData(stripped);
  return 0;
}
