// Listing refs by one HTTP request, without a child process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/metrics.h"
#include "engine/git/remote_url.h"
#include "engine/io/http_client.h"
#include "engine/model/config.h"

namespace sluice::git {

// One caller at a time.
class HttpListing {
 public:
  static Result<std::unique_ptr<HttpListing>> Make(const RemoteUrl& url,
                                                   const RepositoryConfig& config,
                                                   Metrics& metrics);

  // nullopt when the server does not speak protocol v2 as expected: ask by the git program instead.
  Result<std::optional<std::map<std::string, std::string>>> List(
      const std::vector<std::string>& refs, const Call& call);

 private:
  HttpListing(const RemoteUrl& url, const RepositoryConfig& config, Metrics& metrics,
              std::unique_ptr<HttpClient> client)
      : url_(url), config_(config), metrics_(metrics), client_(std::move(client)) {}
  std::string Doing() const { return "listing refs of '" + url_.text + "'"; }
  Result<HttpResponse> Send(HttpRequest request, const Call& call);
  Status Probe(const Call& call);

  RemoteUrl url_;
  RepositoryConfig config_;
  Metrics& metrics_;
  std::unique_ptr<HttpClient> client_;
  std::optional<bool> speaks_v2_;  // unknown until the first answer
};

}  // namespace sluice::git
