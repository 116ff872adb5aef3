// The Kubernetes API of one cluster over HTTP: paths, credentials, retries, meaning of answers.
// Knows no kinds and no plans.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/effects.h"
#include "engine/base/error.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"
#include "engine/io/http_client.h"
#include "engine/targets/kubernetes/credentials.h"
#include "engine/targets/write_call.h"

namespace sluice::targets::kubernetes {

// kDryRun: a write with dryRun=All. Writes proper are effects on the world and counted as such.
enum class Verb { kGet, kList, kWatch, kPatch, kDryRun, kCreate, kDelete };
std::string_view ToString(Verb verb);  // as counted in Metrics

struct ApiRequest {
  Verb verb = Verb::kGet;
  std::string method = "GET";
  std::string path;                                        // "/api/v1/…", percent-encoded
  std::vector<std::pair<std::string, std::string>> query;  // not encoded
  std::string body;
  std::string content_type;
  std::string accept = "application/json";
  std::string if_none_match;
  std::string what;  // for errors and the log of effects: "Deployment web/api"
};

// An answer of any status; retries are over.
struct ApiAnswer {
  int status = 0;
  nlohmann::json body;  // null when it was no JSON
  std::string content_type, etag;
  std::vector<std::string> warnings;  // of the server, for people
  bool IsSuccess() const { return status >= 200 && status < 300; }
};

// The answer's error in the engine's words; Ok for 2xx and 304.
Status ToStatus(const ApiAnswer& answer);

std::string PercentEncode(std::string_view text);

// Thread-safe.
class Client {
 public:
  Client(HttpClient& http, Credentials& credentials, const Clock& clock, Effects& effects,
         Metrics& metrics)
      : http_(http),
        credentials_(credentials),
        clock_(clock),
        effects_(effects),
        metrics_(metrics) {}

  // Retries what may pass by itself until the call's deadline, in at most 8 attempts: 429 and 5xx
  // (the server's Retry-After wins), lost connections. A 401 is tried once more with renewed
  // credentials. An Error when no answer came; every answer is a value. For reads and dry runs.
  Result<ApiAnswer> Send(const ApiRequest& request, const Call& call);
  // The same for requests that write: each attempt asks first whether it may be sent, and ends by
  // the time it is told.
  Result<ApiAnswer> Write(const ApiRequest& request, const WriteCall& call);
  // The same, and an answer that is no success is an Error, too.
  Result<nlohmann::json> Read(const ApiRequest& request, const Call& call);

  const Clock& clock() const { return clock_; }
  // "cluster 'prod-eu'", for messages.
  std::string Name() const { return "cluster '" + credentials_.access().cluster + "'"; }

 private:
  using Permission = const WritePermission*;  // null: to read only
  Result<ApiAnswer> SendOften(const ApiRequest& request, const Call& call, Permission permission);
  Result<HttpResponse> SendOnce(const ApiRequest& request, const Auth& auth, const Call& call,
                                Permission permission);
  Result<HttpResponse> SendWrite(const ApiRequest& request, const HttpRequest& http,
                                 const Call& call, Permission permission);
  ApiAnswer Decode(const ApiRequest& request, const HttpResponse& response);

  HttpClient& http_;
  Credentials& credentials_;
  const Clock& clock_;
  Effects& effects_;
  Metrics& metrics_;
  Guarded<std::set<std::string>> told_;  // warnings that are in the log already
};

}  // namespace sluice::targets::kubernetes
