// A scripted HTTP/1.1 peer on loopback, plain or TLS, for tests of clients: it answers exactly what
// the test writes, byte by byte, and can fall silent, drip, truncate or reset.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::test {

struct Certificate {
  std::string cert_pem;
  std::string key_pem;
};

struct CertificateSpec {
  std::string name = "127.0.0.1";  // common name and subject alternative name (IP or DNS)
  int valid_from_days = -1;        // relative to now
  int valid_to_days = 1;
  bool is_ca = false;
  const Certificate* issuer = nullptr;  // null: self-signed
};
Certificate MakeCertificate(const CertificateSpec& spec);

struct ReceivedRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // nullopt when the client closed the connection (or the server stops).
  virtual std::optional<ReceivedRequest> Read() = 0;
  virtual bool Write(std::string_view bytes) = 0;
  // "HTTP/1.1 <status> X", Content-Length and the body.
  bool Answer(int status, std::string_view body, const std::string& extra_headers = "");
  // Until the client goes away or the server stops; true for the former.
  virtual bool WaitForClose() = 0;
  virtual void Reset() = 0;  // RST instead of FIN
  int number = 0;            // connections are numbered from 1
};

class HttpTestServer {
 public:
  // Runs on a thread of its own for each connection, which is closed when it returns.
  using Handler = std::function<void(ServerConnection&)>;
  struct Tls {
    Certificate certificate;
    std::string client_ca_pem;  // "": no client certificate is asked for
  };
  explicit HttpTestServer(Handler handler, std::optional<Tls> tls = std::nullopt);
  ~HttpTestServer();

  int port() const { return port_; }
  std::string Url(const std::string& path = "/") const;
  int connections() const { return connections_; }
  // Sleeps, but not beyond the server's stop; false when it stops.
  bool Pause(int milliseconds) const;

 private:
  void Accept();
  Handler handler_;
  std::optional<Tls> tls_;
  std::shared_ptr<void> tls_context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Answers every request of every connection in the same way.
HttpTestServer::Handler AnswerAll(
    std::function<void(ServerConnection&, const ReceivedRequest&)> answer);

// A port on which nothing listens.
int ClosedPort();

}  // namespace sluice::test
