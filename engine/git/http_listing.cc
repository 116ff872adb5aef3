#include "engine/git/http_listing.h"

#include <utility>

#include "engine/git/ls_refs.h"
#include "engine/git/remote_access.h"
#include "engine/git/remote_errors.h"

namespace sluice::git {
namespace {

std::string Base(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

Result<std::unique_ptr<HttpListing>> HttpListing::Make(const RemoteUrl& url,
                                                       const RepositoryConfig& config,
                                                       Metrics& metrics) {
  CurlOptions options;
  options.max_in_flight = 1;
  options.user_agent = "git/2.39.5 (sluice)";  // some hosts serve Git only to git
  options.use_environment_proxy = !url.is_loopback;
  SLUICE_TRY(auto client, MakeCurlHttpClient(options));
  return std::unique_ptr<HttpListing>(new HttpListing(url, config, metrics, std::move(client)));
}

Result<HttpResponse> HttpListing::Send(HttpRequest request, const Call& call) {
  SLUICE_TRY(const std::string authorization, ReadAuthorization(config_));
  if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
  request.headers.emplace_back("Git-Protocol", "version=2");
  SLUICE_TRY(request.tls, ReadTls(config_));
  request.max_response_bytes = size_t{16} << 20;
  request.repeat = Repeat::kSafe;  // it only reads
  metrics_.CountGitCall();
  auto response = client_->Send(request, call);
  if (!response) return Fail(ExplainNoAnswer(Doing(), response.error()));
  return response;
}

Status HttpListing::Probe(const Call& call) {
  HttpRequest request;
  request.url = Base(url_.text) + "/info/refs?service=git-upload-pack";
  SLUICE_TRY(const HttpResponse response, Send(std::move(request), call));
  if (response.status != 200) return Fail(ExplainHttpStatus(Doing(), response.status, config_));
  const Capabilities capabilities = ParseCapabilities(response.body);
  if (capabilities.has_v2_ls_refs && capabilities.object_format != "sha1") {
    return Fail(ErrorCode::kInvalidConfig, Doing() + ": the repository uses object format '" +
                                               capabilities.object_format +
                                               "'; only sha1 is supported");
  }
  // A page of a login portal or a broken proxy tells nothing about the server: ask again next time.
  const bool is_from_git =
      response.Header("content-type").starts_with("application/x-git-upload-pack-advertisement");
  if (capabilities.has_v2_ls_refs || is_from_git) speaks_v2_ = capabilities.has_v2_ls_refs;
  return {};
}

Result<std::optional<std::map<std::string, std::string>>> HttpListing::List(
    const std::vector<std::string>& refs, const Call& call) {
  using Refs = std::map<std::string, std::string>;
  if (!speaks_v2_) {
    SLUICE_CHECK(Probe(call));
  }
  if (!speaks_v2_.value_or(false)) return std::optional<Refs>();
  HttpRequest request;
  request.method = "POST";
  request.url = Base(url_.text) + "/git-upload-pack";
  request.headers = {{"Content-Type", "application/x-git-upload-pack-request"},
                     {"Accept", "application/x-git-upload-pack-result"}};
  request.body = MakeLsRefsRequest(refs);
  SLUICE_TRY(const HttpResponse response, Send(std::move(request), call));
  if (response.status == 400 || response.status == 415) return std::optional<Refs>();
  if (response.status != 200) return Fail(ExplainHttpStatus(Doing(), response.status, config_));
  if (!response.Header("content-type").starts_with("application/x-git-upload-pack-result")) {
    return std::optional<Refs>();
  }
  auto found = ParseLsRefs(response.body, refs);
  if (!found && found.error().code() == ErrorCode::kCorrupted) return std::optional<Refs>();
  if (!found) return Fail(std::move(found).error().With(Doing()));
  return std::optional(std::move(*found));
}

}  // namespace sluice::git
