#include "engine/io/curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"

namespace sluice {
namespace {

class Url {
 public:
  explicit Url(const std::string& text) : url_(curl_url()) {
    is_valid_ = url_ && curl_url_set(url_, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }
  Url(const Url&) = delete;
  ~Url() { curl_url_cleanup(url_); }
  bool is_valid() const { return is_valid_; }
  std::string Part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (!is_valid_ || curl_url_get(url_, part, &text, flags) != CURLUE_OK) return "";
    std::string result = text;
    curl_free(text);
    return result;
  }
  void SetHost(const std::string& host) { curl_url_set(url_, CURLUPART_HOST, host.c_str(), 0); }

 private:
  CURLU* url_;
  bool is_valid_ = false;
};

bool IsClean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool HasHeader(const HttpRequest& request, std::string_view name) {
  return std::ranges::any_of(request.headers,
                             [&](const auto& h) { return ToLower(h.first) == name; });
}

bool IsSafeToRepeat(const HttpRequest& request) {
  switch (request.repeat) {
    case Repeat::kSafe:
      return true;
    case Repeat::kUnsafe:
      return false;
    case Repeat::kByMethod:
      return request.method != "POST";
  }
  return false;
}

Error MakeError(ErrorCode code, std::string_view reason, std::string message) {
  return Error(code, std::string(reason), std::move(message));
}

// The words of OpenSSL for an alert by which a server refuses the certificate we showed, or its
// absence.
bool RefusesClientCertificate(std::string_view text) {
  for (const std::string_view alert :
       {"alert certificate required", "alert bad certificate", "alert unknown ca",
        "alert certificate expired", "alert certificate unknown", "alert certificate revoked",
        "alert unsupported certificate", "alert access denied"}) {
    if (text.find(alert) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string Describe(const HttpRequest& request) {
  const Url url(request.url);
  std::string text = request.method + " ";
  if (!url.is_valid())
    return EscapeControl(text + RedactCredentials(request.url.substr(0, request.url.find('?'))));
  text += url.Part(CURLUPART_SCHEME) + "://" + url.Part(CURLUPART_HOST);
  if (const auto port = url.Part(CURLUPART_PORT); !port.empty()) text += ":" + port;
  text += url.Part(CURLUPART_PATH);
  if (!request.connect_to.empty()) text += " (at " + request.connect_to + ")";
  return EscapeControl(text);
}

CurlTransfer::CurlTransfer(CURL* easy, const HttpRequest& request, const CurlOptions& options,
                           TransferEvents* events)
    : easy_(easy),
      request_(request),
      options_(options),
      events_(events),
      last_activity_(std::chrono::steady_clock::now()) {}

CurlTransfer::~CurlTransfer() {
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
}

Status CurlTransfer::Prepare() {
  curl_easy_reset(easy_);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // Without it, removing a handle waits for its getaddrinfo() and stalls every other transfer.
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION,
                   request_.redirects == Redirects::kFollow ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!request_.proxy.empty()) {
    curl_easy_setopt(easy_, CURLOPT_PROXY, request_.proxy.c_str());
    curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  } else if (!options_.use_environment_proxy) {
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");  // "" stops curl from reading the environment
  }
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::WriteCallback);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::HeaderCallback);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTFUNCTION, &CurlTransfer::SocketOptionsCallback);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPINTVL, 15L);
  // curl itself repeats any method on a kept-alive connection that turns out dead; only a new
  // connection keeps a request whose repetition does harm from being sent twice.
  if (!IsSafeToRepeat(request_)) curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
  if (events_) {
    curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
  }
  SetMethod();
  SLUICE_CHECK(SetUrl());
  SLUICE_CHECK(SetHeaders());
  SetTls();
  return {};
}

void CurlTransfer::PrepareAgain() {
  is_repeated_ = true;
  response_ = HttpResponse();
  received_ = 0;
  error_text_.fill('\0');
  curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
}

Status CurlTransfer::SetUrl() {
  Url url(request_.url);
  const std::string scheme = url.Part(CURLUPART_SCHEME);
  if (!url.is_valid() || (scheme != "http" && scheme != "https")) {
    return Fail(ErrorCode::kInvalidArgument, Describe(request_) + ": this is no http or https url");
  }
  const std::string host = url.Part(CURLUPART_HOST);
  const std::string port = url.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const std::string server_name = request_.tls ? request_.tls->server_name : "";
  std::string connect_to = request_.connect_to;
  if (!server_name.empty() && server_name != host && scheme == "https") {
    // curl takes SNI and the name to verify from the url alone, so the url gets the certificate's
    // name while the connection and the Host header keep the real one.
    if (connect_to.empty()) connect_to = host + ":" + port;
    const std::string explicit_port = url.Part(CURLUPART_PORT);
    host_header_ = host + (explicit_port.empty() ? "" : ":" + explicit_port);
    url.SetHost(server_name);
  }
  if (!connect_to.empty()) {
    connect_to_ = curl_slist_append(
        nullptr, (url.Part(CURLUPART_HOST) + ":" + port + ":" + connect_to).c_str());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, connect_to_);
  }
  curl_easy_setopt(easy_, CURLOPT_URL, url.Part(CURLUPART_URL).c_str());
  return {};
}

Status CurlTransfer::SetHeaders() {
  const auto add = [this](const std::string& line) {
    headers_ = curl_slist_append(headers_, line.c_str());
  };
  for (const auto& [name, value] : request_.headers) {
    if (name.empty() || !IsClean(name) || !IsClean(value) ||
        name.find_first_of(": ;") != std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument, Describe(request_) + ": header '" +
                                                   EscapeControl(name) +
                                                   "' has a name or a value that cannot be sent");
    }
    add(value.empty() ? name + ";" : name + ": " + value);  // "Name:" would remove it
  }
  if (!host_header_.empty() && !HasHeader(request_, "host")) add("Host: " + host_header_);
  if (!HasHeader(request_, "expect")) add("Expect:");
  if (!HasHeader(request_, "content-type")) add("Content-Type:");  // curl would claim a form
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  return {};
}

void CurlTransfer::SetMethod() {
  const std::string& method = request_.method;
  if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool has_body =
      !request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body) {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
  }
  if (method != (has_body ? "POST" : "GET"))
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void CurlTransfer::SetTls() {
  if (!request_.tls) return;
  const TlsSettings& tls = *request_.tls;
  const auto set_blob = [this](CURLoption option, const std::string& text) {
    curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy_, option, &blob);
  };
  if (!tls.ca_pem.empty()) {
    set_blob(CURLOPT_CAINFO_BLOB, tls.ca_pem);
    // The blob replaces the system's CA file but not its CA directory, which Debian compiles in.
    curl_easy_setopt(easy_, CURLOPT_CAPATH, nullptr);
  }
  if (!tls.client_cert_pem.empty()) {
    set_blob(CURLOPT_SSLCERT_BLOB, tls.client_cert_pem);
    curl_easy_setopt(easy_, CURLOPT_SSLCERTTYPE, "PEM");
    set_blob(CURLOPT_SSLKEY_BLOB, tls.client_key_pem);
    curl_easy_setopt(easy_, CURLOPT_SSLKEYTYPE, "PEM");
  }
  if (tls.is_insecure) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

size_t CurlTransfer::WriteCallback(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  transfer.last_activity_ = std::chrono::steady_clock::now();
  if (transfer.events_) {
    if (!transfer.events_->OnData({data, bytes})) {
      transfer.is_paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
  } else {
    if (transfer.response_.body.size() + bytes > transfer.request_.max_response_bytes) {
      transfer.is_too_large_ = true;
      return 0;  // ends the transfer with CURLE_WRITE_ERROR
    }
    transfer.response_.body.append(data, bytes);
  }
  transfer.received_ += static_cast<int64_t>(bytes);
  return bytes;
}

size_t CurlTransfer::HeaderCallback(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  transfer.last_activity_ = std::chrono::steady_clock::now();
  transfer.received_ += static_cast<int64_t>(bytes);
  transfer.TakeHeaderLine({data, bytes});
  return bytes;
}

void CurlTransfer::TakeHeaderLine(std::string_view line) {
  line = Trim(line);
  if (line.starts_with(
          "HTTP/")) {  // of each answer: interim ones and redirects come before the last
    response_.headers.clear();
    response_.status = 0;
    if (const auto space = line.find(' '); space != std::string_view::npos) {
      response_.status = std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    }
    return;
  }
  if (line.empty()) {
    const bool is_redirect = request_.redirects == Redirects::kFollow &&
                             response_.status / 100 == 3 && response_.headers.contains("location");
    if (events_ && response_.status >= 200 && !is_redirect) events_->OnHead(response_);
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.emplace(ToLower(Trim(line.substr(0, colon))),
                            std::string(Trim(line.substr(colon + 1))));
}

int CurlTransfer::SocketOptionsCallback(void*, curl_socket_t socket, curlsocktype) {
  // A peer that vanished with our data unacknowledged is noticed after this, not after the kernel's
  // 15 minutes.
  const unsigned milliseconds = 30'000;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  return CURL_SOCKOPT_OK;
}

void CurlTransfer::Resume() {
  if (!is_paused_) return;
  is_paused_ = false;
  last_activity_ = std::chrono::steady_clock::now();
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

bool CurlTransfer::MayRepeat(CURLcode code) const {
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  return !is_repeated_ && received_ == 0 && connects == 0 && !events_ && IsSafeToRepeat(request_) &&
         (code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
}

std::string CurlTransfer::Curl(CURLcode code) const {
  const std::string_view text(error_text_.data());
  return EscapeControl(
      RedactCredentials(text.empty() ? std::string_view(curl_easy_strerror(code)) : text));
}

Error CurlTransfer::Explain(CURLcode code) const {
  const std::string what = Describe(request_) + ": ";
  const auto unavailable = [&](std::string_view reason, const std::string& text) {
    return MakeError(ErrorCode::kUnavailable, reason, what + text);
  };
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable(kReasonDnsFailed, "the host name cannot be resolved (" + Curl(code) + ")");
    case CURLE_COULDNT_CONNECT:
      if (os_error == ECONNREFUSED)
        return unavailable(kReasonConnectionFailed, "connection refused");
      return unavailable(
          kReasonConnectionFailed,
          os_error ? "cannot connect: " + ToLower(std::strerror(static_cast<int>(os_error)))
                   : Curl(code));
    case CURLE_OPERATION_TIMEDOUT:
      return unavailable(kReasonConnectionFailed, "no connection within " +
                                                      FormatDuration(request_.connect_timeout) +
                                                      " (" + Curl(code) + ")");
    case CURLE_PARTIAL_FILE:
      return unavailable(
          kReasonResponseTruncated,
          "the answer was cut off after " + std::to_string(response_.body.size()) + " bytes");
    case CURLE_WRITE_ERROR:
      if (!is_too_large_) break;
      return unavailable(
          kReasonResponseTooLarge,
          "the answer is larger than " + std::to_string(request_.max_response_bytes) + " bytes");
    case CURLE_TOO_MANY_REDIRECTS:
      return unavailable("", "more than 5 redirects");
    case CURLE_URL_MALFORMAT:
      return Error(ErrorCode::kInvalidArgument, what + Curl(code));
    case CURLE_UNSUPPORTED_PROTOCOL:  // the url's scheme is good: it is the answer, or a redirect's
      return unavailable("", "the answer is not HTTP (" + Curl(code) + ")");
    case CURLE_GOT_NOTHING:
      return unavailable(kReasonConnectionFailed,
                         "the server closed the connection without an answer");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      if (RefusesClientCertificate(error_text_.data())) return ExplainTls(code);
      if (received_ == 0 && request_.tls && !request_.tls->client_cert_pem.empty()) {
        // The alert that would tell is lost when the server resets the connection right behind it.
        return unavailable(kReasonConnectionFailed,
                           "the connection broke (" + Curl(code) +
                               "); if that persists, is our client certificate valid there?");
      }
      return unavailable(received_ > 0 ? kReasonResponseTruncated : kReasonConnectionFailed,
                         "the connection broke" +
                             std::string(received_ > 0 ? " in the middle of the answer" : "") +
                             " (" + Curl(code) + ")");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return ExplainTls(code);
    default:
      break;
  }
  return unavailable("", Curl(code));
}

Error CurlTransfer::ExplainTls(CURLcode code) const {
  const std::string what = Describe(request_) + ": ";
  const auto fail = [&](const std::string& text) {
    return MakeError(ErrorCode::kUnavailable, kReasonTlsFailed, what + text);
  };
  const std::string option =
      request_.tls && !request_.tls->ca_option.empty() ? request_.tls->ca_option : "the trusted CA";
  if (RefusesClientCertificate(error_text_.data())) {
    const bool has_certificate = request_.tls && !request_.tls->client_cert_pem.empty();
    return MakeError(
        ErrorCode::kUnauthenticated, kReasonTlsFailed,
        what +
            (has_certificate ? "the server refuses our client certificate; renew it ("
                             : "the server asks for a client certificate and none is set (") +
            Curl(code) + ")");
  }
  if (code == CURLE_SSL_CERTPROBLEM) {
    return MakeError(ErrorCode::kUnauthenticated, kReasonTlsFailed,
                     what + "our client certificate and key cannot be used (" + Curl(code) + ")");
  }
  if (code == CURLE_SSL_CACERT_BADFILE) return fail(option + " holds no usable certificate");
  long verdict = X509_V_OK;
  curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &verdict);
  switch (verdict) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:  // curl's start value: the chain was not judged. It compares the
                                  // names itself.
      if (code != CURLE_PEER_FAILED_VERIFICATION) {
        return MakeError(ErrorCode::kUnavailable, kReasonConnectionFailed,
                         what + "no TLS session: " + Curl(code));
      }
      return fail("the server's certificate is for another host (" + Curl(code) + ")");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fail("the server's certificate, or its CA's, has expired; it must be renewed");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fail("the server's certificate, or its CA's, is not valid yet; compare the clocks");
    default:
      return fail("the server's certificate is not signed by a CA that we trust (" +
                  std::string(X509_verify_cert_error_string(verdict)) + "); set " + option +
                  " to the CA that signed it");
  }
}

Error CurlTransfer::GaveUp(ErrorCode code, std::string_view why) const {
  curl_off_t resolved = 0, connected = 0, secured = 0;
  curl_easy_getinfo(easy_, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &secured);
  long request_bytes = 0;  // sent; the times below stay 0 on a kept-alive connection
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
  const bool is_https = request_.url.starts_with("https");
  std::string_view reason;
  std::string stage;
  if (received_ > 0) {
    stage = std::to_string(received_) + " bytes of the answer had come";
  } else if (request_bytes > 0) {
    stage = "connected, no answer came";
  } else if (resolved == 0) {
    stage = "the host name was still being resolved";
    reason = kReasonDnsFailed;
  } else if (connected == 0) {
    stage = "the connection was not made";
    reason = kReasonConnectionFailed;
  } else if (is_https && secured == 0) {
    stage = "the TLS handshake was not done";
    reason = kReasonConnectionFailed;
  } else {
    stage = "connected, the request was not sent";
  }
  return MakeError(code, reason, Describe(request_) + ": " + std::string(why) + " (" + stage + ")");
}

}  // namespace sluice
