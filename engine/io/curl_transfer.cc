#include "engine/io/curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "engine/base/strings.h"

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

CurlTransfer::CurlTransfer(CURL* easy, const HttpRequest& request, const CurlOptions& options)
    : easy_(easy),
      request_(request),
      options_(options),
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
  if (!IsSafeToRepeat()) curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
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
  if (transfer.response_.body.size() + bytes > transfer.request_.max_response_bytes) {
    transfer.is_too_large_ = true;
    return 0;  // ends the transfer with CURLE_WRITE_ERROR
  }
  transfer.response_.body.append(data, bytes);
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

}  // namespace sluice
