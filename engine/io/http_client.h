// HTTP for everything that calls out: the APIs of targets, Git's ls-refs, smoke tests. HTTP/1.1
// with kept-alive connections only (docs/decisions): Debian's libcurl loses HTTP/2 requests under
// GOAWAY.
//
// One client per target: it owns one I/O thread, its connections and its limit of requests in
// flight. An HTTP answer of any status is a value; an Error means that no complete answer came.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice {

// Error::reason() of calls that got no complete answer (docs/reference/reasons.md).
inline constexpr std::string_view kReasonDnsFailed = "DnsFailed";
inline constexpr std::string_view kReasonConnectionFailed =
    "ConnectionFailed";  // refused, reset, unreachable, no TLS there
inline constexpr std::string_view kReasonTlsFailed =
    "TlsFailed";  // a certificate is not accepted: theirs, or ours
inline constexpr std::string_view kReasonResponseTooLarge = "ResponseTooLarge";
inline constexpr std::string_view kReasonResponseTruncated = "ResponseTruncated";

// PEM texts, never file names. Shared by requests and unchanged while any of them runs.
struct TlsSettings {
  std::string ca_pem;  // the only authorities trusted; "": those of the system
  // What a person changes to trust another CA, for errors: "certificate-authority of cluster
  // prod-eu".
  std::string ca_option;
  std::string client_cert_pem;  // may hold the chain
  std::string client_key_pem;
  std::string
      server_name;  // expected in the certificate (and sent as SNI) instead of the url's host
  bool is_insecure = false;  // no verification at all
};

enum class Redirects { kReturn, kFollow };  // kFollow: at most 5
// May a request whose fate is unknown be sent again? kByMethod: all but POST are safe. Unsafe ones
// never use a kept-alive connection, which may have gone stale.
enum class Repeat { kByMethod, kSafe, kUnsafe };

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::shared_ptr<const TlsSettings> tls;  // null: verified against the system's authorities
  Duration connect_timeout = std::chrono::seconds(10);
  Duration idle_timeout{0};  // the longest silence once sent; 0: only the call's deadline counts
  size_t max_response_bytes = size_t{64} << 20;  // of the body
  std::string connect_to;  // "host:port" to connect to; the url still names the host asked for
  std::string proxy;       // "http://host:port"; "": none (see CurlOptions)
  Redirects redirects = Redirects::kReturn;
  Repeat repeat = Repeat::kByMethod;
};

// "GET https://host:443/path (at 127.0.0.1:8080)", without query and user information: what may be
// logged.
std::string Describe(const HttpRequest& request);

struct HttpResponse {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  // The first value of a header, or "". `name` in lower case.
  std::string Header(const std::string& name) const;
};

// Thread-safe. Calls return soon after their deadline (kDeadlineExceeded) or stop (kCancelled).
// Messages name method, host, path and cause; never the query, user information or bodies.
// kUnauthenticated: the server refuses our client certificate. kUnavailable: everything else that
// may pass.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Result<HttpResponse> Send(const HttpRequest& request, const Call& call) = 0;
  // Results in the order of `requests`; as many in flight as the client allows.
  virtual std::vector<Result<HttpResponse>> SendAll(const std::vector<HttpRequest>& requests,
                                                    const Call& call) = 0;
};

struct CurlOptions {
  int max_in_flight = 64;
  std::string user_agent = "sluice";
  bool use_environment_proxy = false;  // http_proxy, https_proxy, no_proxy
};

// Destroy it only when no call is in progress.
Result<std::unique_ptr<HttpClient>> MakeCurlHttpClient(CurlOptions options = {});

}  // namespace sluice
