// Who we are towards one cluster, now: headers and TLS settings for the next request. Tokens and
// certificates that change (files, exec plugins) are read again in time, and after a 401.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/io/http_client.h"
#include "engine/targets/kubernetes/kubeconfig.h"

namespace sluice::targets::kubernetes {

// Holds secrets: never log or print it.
struct Auth {
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const TlsSettings> tls;  // shared with requests in flight
  uint64_t generation = 0;
};

// Thread-safe. One refresh at a time; the others wait for it.
class Credentials {
 public:
  struct Options {
    std::vector<std::string> exec_allow_list;        // empty: any
    std::map<std::string, std::string> environment;  // what exec plugins inherit
  };
  Credentials(ClusterAccess access, Options options, const Clock& clock);

  // kUnauthenticated when there is no valid credential to be had.
  Result<Auth> Get(const Call& call);
  // After a 401 to a request sent with `used`. True when the next Get may bring something else.
  bool Renew(const Auth& used);

  const ClusterAccess& access() const { return access_; }

 private:
  struct Fresh {
    std::string token, cert_pem, key_pem;
    SteadyTime refresh_at = SteadyTime::max();
    std::optional<SystemTime> expires;
  };
  Result<Fresh> Read(const Call& call) const;
  Result<Fresh> ReadFiles() const;
  Auth MakeAuth(const Fresh& fresh, const Auth& former) const;
  bool CanChange() const;

  const ClusterAccess access_;
  const Options options_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable_any refreshed_;
  bool is_refreshing_ = false;
  bool has_auth_ = false;
  Auth auth_;
  SteadyTime refresh_at_{};
  std::optional<SystemTime> expires_;
};

}  // namespace sluice::targets::kubernetes
