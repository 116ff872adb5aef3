// An HTTP/1.1 server on loopback, with TLS when it is given a certificate. Keep-alive, chunked
// streams, caps on everything a client sends. Boost.Beast stays inside http_server.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::sandbox {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string target;  // as sent: path and query
  Headers headers;     // names in lower case
  std::string body;
  std::string client_name;  // common name of a verified client certificate, or empty
  std::string_view Header(std::string_view lower_case_name) const;
};

// The open end of a streamed answer. Thread-safe.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // Queues a chunk. False once the peer is gone or too much is waiting; then the stream is closed.
  virtual bool Write(std::string chunk) = 0;
  // Ends the answer after what is queued.
  virtual void Close() = 0;
  virtual bool closed() const = 0;
};

enum class Breakage { kNone, kBeforeAnswer, kMidAnswer };

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
  // Set for a streamed answer: called once the header is on its way.
  std::function<void(std::shared_ptr<ResponseStream>)> start_stream;
  Duration delay{0};                    // answered after this
  Breakage breakage = Breakage::kNone;  // how the connection is cut, for faults
};

struct TlsFiles {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
};

struct HttpServerOptions {
  int port = 0;  // 0 = any free one
  TlsFiles tls;  // empty certificate = plain HTTP
  size_t body_limit = 3 << 20;
  size_t connection_limit = 2000;
  int threads = 2;
  // Called on a server thread; must not block for long. Thread-safe.
  std::function<HttpResponse(const HttpRequest&)> handle;
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;  // stops
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options);
  virtual int port() const = 0;
  // Closes every connection, streams included, and joins the threads. May be called twice.
  virtual void Stop() = 0;
};

}  // namespace sluice::sandbox
