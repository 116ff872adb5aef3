#include "engine/targets/kubernetes/credentials.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/io/files.h"
#include "engine/targets/kubernetes/certificates.h"
#include "engine/targets/kubernetes/exec_plugin.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

// Files are read again a little before the minute after which the kubelet may have rotated a token.
constexpr Duration kFileAge = 50s;
// A plugin's credential is renewed this long before its end, so that no request carries an expired
// one.
constexpr Duration kExpiryLeeway = 10s;

Error Expired(const ClusterAccess& access, SystemTime at) {
  return {ErrorCode::kUnauthenticated, "CertificateExpired",
          "the client certificate of user '" + access.user + "' expired at " + FormatTime(at) +
              "; renew it in the kubeconfig"};
}

// A credential file that is not there must not look like an object or a kind that is not there.
Result<std::string> ReadCredentialFile(const std::string& what, const std::string& path) {
  auto text = ReadFile(path);
  if (text) return text;
  return Fail(ErrorCode::kUnauthenticated, "CredentialFileUnreadable",
              what + ": " + text.error().message() +
                  "; put the file there and let the engine's user read it, or correct the "
                  "kubeconfig");
}

}  // namespace

Credentials::Credentials(ClusterAccess access, Options options, const Clock& clock)
    : access_(std::move(access)), options_(std::move(options)), clock_(clock) {}

bool Credentials::CanChange() const {
  return access_.exec || !access_.token_file.empty() || !access_.client_cert_file.empty();
}

Result<Credentials::Fresh> Credentials::ReadFiles() const {
  Fresh fresh;
  fresh.token = access_.token;
  fresh.cert_pem = access_.client_cert_pem;
  fresh.key_pem = access_.client_key_pem;
  if (!access_.token_file.empty()) {
    SLUICE_TRY(const std::string text, ReadCredentialFile("token file", access_.token_file));
    fresh.token = Trim(text);
    if (fresh.token.empty()) {
      return Fail(ErrorCode::kUnauthenticated, "TokenFileEmpty",
                  "token file " + access_.token_file + " is empty");
    }
  }
  if (!access_.client_cert_file.empty()) {
    SLUICE_TRY(fresh.cert_pem, ReadCredentialFile("client certificate", access_.client_cert_file));
  }
  if (!access_.client_key_file.empty()) {
    SLUICE_TRY(fresh.key_pem, ReadCredentialFile("client key", access_.client_key_file));
  }
  if (CanChange()) fresh.refresh_at = clock_.SteadyNow() + kFileAge;
  return fresh;
}

Result<Credentials::Fresh> Credentials::Read(const Call& call) const {
  SLUICE_TRY(Fresh fresh, ReadFiles());
  if (access_.exec) {
    SLUICE_CHECK(CheckAllowed(*access_.exec, options_.exec_allow_list));
    SLUICE_TRY(ExecCredential credential,
               RunExecPlugin(access_, options_.environment, clock_, call));
    if (!credential.token.empty()) fresh.token = std::move(credential.token);
    if (!credential.client_cert_pem.empty()) {
      fresh.cert_pem = std::move(credential.client_cert_pem);
      fresh.key_pem = std::move(credential.client_key_pem);
    }
    fresh.refresh_at = SteadyTime::max();
    if (credential.expires) {
      const Duration left = *credential.expires - clock_.SystemNow() - kExpiryLeeway;
      fresh.refresh_at = clock_.SteadyNow() + std::max(left, Duration(0));
    }
  }
  if (!fresh.cert_pem.empty()) fresh.expires = ExpiryOf(fresh.cert_pem);
  return fresh;
}

Auth Credentials::MakeAuth(const Fresh& fresh, const Auth& former) const {
  Auth auth;
  auth.generation = former.generation + 1;
  if (access_.IsTls()) {
    if (!fresh.token.empty()) auth.headers.emplace_back("Authorization", "Bearer " + fresh.token);
    const bool is_same = former.tls && former.tls->client_cert_pem == fresh.cert_pem &&
                         former.tls->client_key_pem == fresh.key_pem;
    if (is_same) {
      auth.tls = former.tls;  // keeps connections usable
    } else {
      auto tls = std::make_shared<TlsSettings>();
      tls->ca_pem = access_.ca_pem;
      tls->ca_option = access_.ca_option;
      tls->client_cert_pem = fresh.cert_pem;
      tls->client_key_pem = fresh.key_pem;
      tls->server_name = access_.tls_server_name;
      tls->is_insecure = access_.is_insecure;
      auth.tls = std::move(tls);
    }
  }
  const Impersonation& as = access_.impersonation;
  if (!as.user.empty()) auth.headers.emplace_back("Impersonate-User", as.user);
  if (!as.uid.empty()) auth.headers.emplace_back("Impersonate-Uid", as.uid);
  for (const std::string& group : as.groups) auth.headers.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : as.extra) {
    for (const std::string& value : values)
      auth.headers.emplace_back("Impersonate-Extra-" + key, value);
  }
  return auth;
}

Result<Auth> Credentials::Get(const Call& call) {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool is_fresh = has_auth_ && clock_.SteadyNow() < refresh_at_;
    if (is_fresh) {
      if (expires_ && clock_.SystemNow() >= *expires_) return Fail(Expired(access_, *expires_));
      return auth_;
    }
    if (!is_refreshing_) break;
    if (!refreshed_.wait_until(lock, call.stop, call.deadline, [&] { return !is_refreshing_; })) {
      if (call.stop.stop_requested())
        return Fail(ErrorCode::kCancelled, "waiting for credentials was stopped");
      return Fail(ErrorCode::kDeadlineExceeded,
                  "no credentials for cluster '" + access_.cluster + "' in time");
    }
  }
  is_refreshing_ = true;
  const Auth former = auth_;
  lock.unlock();
  Result<Fresh> fresh = Read(call);
  lock.lock();
  is_refreshing_ = false;
  refreshed_.notify_all();
  if (!fresh) {
    // A file that cannot be read for a moment (it is being replaced) does not invalidate what we
    // hold.
    if (has_auth_ && !access_.exec) {
      refresh_at_ = clock_.SteadyNow() + 5s;
      log::Warn("credentials_not_reread",
                {{"target", access_.context}, {"error", fresh.error().message()}});
      return auth_;
    }
    return Fail(std::move(fresh).error().With("cluster '" + access_.cluster + "'"));
  }
  auth_ = MakeAuth(*fresh, former);
  has_auth_ = true;
  expires_ = fresh->expires;
  refresh_at_ = fresh->refresh_at;
  if (expires_ && clock_.SystemNow() >= *expires_) return Fail(Expired(access_, *expires_));
  return auth_;
}

bool Credentials::Renew(const Auth& used) {
  if (!CanChange()) return false;
  const std::lock_guard lock(mutex_);
  // Somebody else may have renewed it meanwhile; then the newer one has not been tried yet.
  if (auth_.generation == used.generation) refresh_at_ = clock_.SteadyNow();
  return true;
}

}  // namespace sluice::targets::kubernetes
