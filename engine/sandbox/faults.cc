#include "engine/sandbox/faults.h"

#include <algorithm>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

const std::vector<std::string>& Keys() {
  static const std::vector<std::string> keys = {
      "verb",  "path",  "cluster", "namespace",  "resource", "name", "dryRun",
      "after", "every", "count",   "retryAfter", "seconds",  "ms",   "when"};
  return keys;
}

tl::unexpected<Error> Bad(std::string_view spec, const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "fault '" + std::string(spec) + "': " + why);
}

Result<int> Number(std::string_view spec, const std::string& key, const std::string& text,
                   int low) {
  if (text.empty() || text.size() > 8 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoi(text) < low) {
    return Bad(spec, key + "=" + text + " is not a number of at least " + std::to_string(low));
  }
  return std::stoi(text);
}

Status ReadKind(std::string_view spec, const std::string& word, Fault& fault) {
  if (word == "stale") {
    fault.kind = FaultKind::kStale;
    fault.age = std::chrono::seconds(5);
  } else if (word == "drop") {
    fault.kind = FaultKind::kDrop;
  } else if (word == "empty") {
    fault.kind = FaultKind::kEmpty;
  } else if (word == "delay") {
    fault.kind = FaultKind::kDelay;
    fault.delay = std::chrono::milliseconds(1000);
  } else if (word.size() == 3 && (word[0] == '4' || word[0] == '5') &&
             word.find_first_not_of("0123456789") == std::string::npos) {
    fault.kind = FaultKind::kStatus;
    fault.status = std::stoi(word);
  } else {
    return Bad(spec, "unknown kind '" + word +
                         "'; use an HTTP status 400 to 599, stale, drop, empty or "
                         "delay");
  }
  return {};
}

Status ReadKey(std::string_view spec, const std::string& key, const std::string& value,
               Fault& fault) {
  static const std::vector<std::string> verbs = {
      "get",  "list", "watch", "create", "update", "patch", "apply", "delete", "deletecollection",
      "read", "write"};
  if (key == "verb") {
    if (std::find(verbs.begin(), verbs.end(), value) == verbs.end()) {
      return Bad(spec, "unknown verb '" + value + "'" + DidYouMean(value, verbs) + "; use one of " +
                           Join(verbs, ", "));
    }
    fault.verb = value;
  } else if (key == "path") {
    fault.path = value;
  } else if (key == "cluster") {
    fault.cluster = value;
  } else if (key == "namespace") {
    fault.ns = value;
  } else if (key == "resource") {
    fault.resource = value;
  } else if (key == "name") {
    fault.name = value;
  } else if (key == "dryRun") {
    if (value != "true" && value != "false")
      return Bad(spec, "dryRun=" + value + " must be true or false");
    fault.dry_run = value == "true";
  } else if (key == "when") {
    if (value == "before")
      fault.drop = DropPoint::kBefore;
    else if (value == "after")
      fault.drop = DropPoint::kAfter;
    else if (value == "mid")
      fault.drop = DropPoint::kMid;
    else
      return Bad(spec, "when=" + value + " must be before, after or mid");
  } else if (key == "after") {
    SLUICE_TRY(fault.after, Number(spec, key, value, 0));
  } else if (key == "every") {
    SLUICE_TRY(fault.every, Number(spec, key, value, 1));
  } else if (key == "count") {
    SLUICE_TRY(fault.count, Number(spec, key, value, 1));
  } else if (key == "retryAfter") {
    SLUICE_TRY(fault.retry_after_seconds, Number(spec, key, value, 0));
  } else if (key == "seconds") {
    SLUICE_TRY(const int seconds, Number(spec, key, value, 1));
    fault.age = std::chrono::seconds(seconds);
  } else if (key == "ms") {
    SLUICE_TRY(const int ms, Number(spec, key, value, 1));
    fault.delay = Duration(ms);
  } else {
    return Bad(spec, "unknown key '" + key + "'" + DidYouMean(key, Keys()) + "; use " +
                         Join(Keys(), ", "));
  }
  return {};
}

bool Applies(const Fault& fault, const RequestInfo& info) {
  if (fault.kind == FaultKind::kStale &&
      (info.IsWrite() || info.verb == "watch" || !info.is_resource))
    return false;
  if (fault.verb == "read" && info.IsWrite()) return false;
  if (fault.verb == "write" && !info.IsWrite()) return false;
  // "patch" covers server-side apply too: both are HTTP PATCH.
  const bool same_verb = fault.verb == info.verb || (fault.verb == "patch" && info.verb == "apply");
  if (!fault.verb.empty() && fault.verb != "read" && fault.verb != "write" && !same_verb)
    return false;
  if (info.path.rfind(fault.path, 0) != 0) return false;
  if (!fault.cluster.empty() && fault.cluster != info.cluster) return false;
  if (!fault.ns.empty() && fault.ns != info.ns) return false;
  if (!fault.resource.empty() && fault.resource != info.plural) return false;
  if (!fault.name.empty() && fault.name != info.name) return false;
  return !fault.dry_run || *fault.dry_run == info.IsDryRun();
}

}  // namespace

Result<Fault> ParseFault(std::string_view spec) {
  Fault fault;
  fault.spec = spec;
  const size_t colon = spec.find(':');
  SLUICE_CHECK(ReadKind(spec, std::string(Trim(spec.substr(0, colon))), fault));
  if (colon == std::string_view::npos) return fault;
  for (const std::string& pair : Split(spec.substr(colon + 1), ',')) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) return Bad(spec, "'" + pair + "' is not key=value");
    SLUICE_CHECK(
        ReadKey(spec, std::string(Trim(pair.substr(0, equals))), pair.substr(equals + 1), fault));
  }
  return fault;
}

std::string HelpFaults() {
  return R"(A fault is KIND or KIND:key=value,key=value… and may be given several times; the first that
matches a request acts on it.

Kinds
  429, 500, any 400-599   answer with this status; retryAfter=SECONDS adds the header
  stale                   answer get and list as things stood seconds=N ago (default 5)
  drop                    close the connection: when=before (nothing done), after (done, not
                          answered) or mid (done, answer cut in half; the default)
  empty                   do nothing and answer 200 with {}, as a proxy may
  delay                   answer ms=N later (default 1000)
Which requests
  verb=get|list|watch|create|update|patch|apply|delete|deletecollection|read|write
  path=PREFIX  cluster=NAME  namespace=NAME  resource=PLURAL  name=NAME  dryRun=true|false
When
  after=N   let N matching requests pass first      every=N   act on each Nth only
  count=N   act N times, then never again (default: for ever)

Examples
  --fault 429:verb=patch,count=5,retryAfter=1
  --fault 500:path=/api/v1/namespaces/shop,count=2
  --fault stale:seconds=10,cluster=prod
  --fault drop:every=10

Faults of a workload are scripted by the first word of its image tag: pullfail-, crash-, unready-,
slow-, jobfail-, http500- (repo/web:crash-3f2c1d0).
)";
}

void FaultBox::Add(Fault fault) {
  armed_.With([&](std::vector<Armed>& armed) { armed.push_back({std::move(fault), 0, 0}); });
}

void FaultBox::Clear() {
  armed_.With([](std::vector<Armed>& armed) { armed.clear(); });
}

std::optional<Fault> FaultBox::Match(const RequestInfo& info) {
  return armed_.With([&](std::vector<Armed>& armed) -> std::optional<Fault> {
    for (Armed& entry : armed) {
      if (!Applies(entry.fault, info)) continue;
      const int number = ++entry.seen - entry.fault.after;
      if (number <= 0 || number % entry.fault.every != 0) continue;
      if (entry.fault.count >= 0 && entry.acted >= entry.fault.count) continue;
      ++entry.acted;
      return entry.fault;
    }
    return std::nullopt;
  });
}

}  // namespace sluice::sandbox
