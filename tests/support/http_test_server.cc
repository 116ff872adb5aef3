#include "tests/support/http_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "engine/base/strings.h"

namespace sluice::test {
namespace {

template <class T, void (*F)(T*)>
struct Freer {
  void operator()(T* value) const { F(value); }
};
using X509Ptr = std::unique_ptr<X509, Freer<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;

std::string FromBio(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

BIO* ToBio(const std::string& text) {
  return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

X509Ptr ReadCertificate(const std::string& pem) {
  BIO* bio = ToBio(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  return certificate;
}

KeyPtr ReadKey(const std::string& pem) {
  BIO* bio = ToBio(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

class Connection final : public ServerConnection {
 public:
  Connection(int socket, SSL* tls) : socket_(socket), tls_(tls) {}
  ~Connection() override {
    if (tls_) {
      if (!is_reset_) SSL_shutdown(tls_);
      SSL_free(tls_);
    }
  }

  std::optional<ReceivedRequest> Read() override {
    size_t head_end = std::string::npos;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return std::nullopt;
    }
    ReceivedRequest request;
    const auto lines = Split(buffer_.substr(0, head_end), '\n');
    buffer_.erase(0, head_end + 4);
    const auto words = Split(Trim(lines.at(0)), ' ');
    request.method = words.at(0);
    request.target = words.at(1);
    for (size_t i = 1; i < lines.size(); ++i) {
      const auto colon = lines[i].find(':');
      request.headers[ToLower(lines[i].substr(0, colon))] = Trim(lines[i].substr(colon + 1));
    }
    const auto length = request.headers.find("content-length");
    const size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (buffer_.size() < size) {
      if (!Fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }

  bool Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto count = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                              : send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  bool WaitForClose() override {
    while (Fill()) {
    }
    return true;
  }

  void Reset() override {
    is_reset_ = true;
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool Fill() {
    char data[16384];
    const auto count =
        tls_ ? SSL_read(tls_, data, sizeof data) : recv(socket_, data, sizeof data, 0);
    if (count <= 0) return false;
    buffer_.append(data, static_cast<size_t>(count));
    return true;
  }

  int socket_;
  SSL* tls_;
  std::string buffer_;
  bool is_reset_ = false;
};

int Listen(int& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 256) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port = ntohs(address.sin_port);
  return listener;
}

std::shared_ptr<void> MakeContext(const HttpTestServer::Tls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  std::shared_ptr<void> owner(context, [](void* c) { SSL_CTX_free(static_cast<SSL_CTX*>(c)); });
  SSL_CTX_use_certificate(context, ReadCertificate(tls.certificate.cert_pem).get());
  SSL_CTX_use_PrivateKey(context, ReadKey(tls.certificate.key_pem).get());
  if (!tls.client_ca_pem.empty()) {
    const auto ca = ReadCertificate(tls.client_ca_pem);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return owner;
}

}  // namespace

Certificate MakeCertificate(const CertificateSpec& spec) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  X509* cert = certificate.get();
  static std::atomic<long> serial = 1;
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  X509_gmtime_adj(X509_getm_notBefore(cert), 86400L * spec.valid_from_days);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * spec.valid_to_days);
  X509_set_pubkey(cert, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(spec.name.c_str()), -1, -1, 0);
  X509Ptr issuer;
  KeyPtr issuer_key;
  if (spec.issuer) {
    issuer = ReadCertificate(spec.issuer->cert_pem);
    issuer_key = ReadKey(spec.issuer->key_pem);
  }
  X509* signer = issuer ? issuer.get() : cert;
  X509_set_issuer_name(cert, X509_get_subject_name(signer));
  if (spec.is_ca) {
    AddExtension(cert, signer, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(cert, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    const bool is_ip = spec.name.find_first_not_of("0123456789.") == std::string::npos;
    AddExtension(cert, signer, NID_subject_alt_name, (is_ip ? "IP:" : "DNS:") + spec.name);
  }
  X509_sign(cert, issuer_key ? issuer_key.get() : key.get(), EVP_sha256());
  Certificate result;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, cert);
  result.cert_pem = FromBio(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  result.key_pem = FromBio(bio);
  return result;
}

bool ServerConnection::Answer(int status, std::string_view body, const std::string& extra_headers) {
  return Write("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n" + extra_headers + "\r\n" + std::string(body));
}

HttpTestServer::HttpTestServer(Handler handler, std::optional<Tls> tls)
    : handler_(std::move(handler)), tls_(std::move(tls)) {
  signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  if (tls_) tls_context_ = MakeContext(*tls_);
  listener_ = Listen(port_);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpTestServer::~HttpTestServer() {
  is_stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  close(listener_);
}

void HttpTestServer::Accept() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    if (is_stopping_) {
      close(socket);
      return;
    }
    sockets_.push_back(socket);
    const int number = ++connections_;
    threads_.emplace_back([this, socket, number] {
      SSL* tls = nullptr;
      if (tls_context_) {
        tls = SSL_new(static_cast<SSL_CTX*>(tls_context_.get()));
        SSL_set_fd(tls, socket);
      }
      {
        Connection connection(socket, tls);
        connection.number = number;
        if (!tls || SSL_accept(tls) == 1) {
          handler_(connection);
        } else {  // closing with unread data would reset the connection and lose the alert
          shutdown(socket, SHUT_WR);
          char data[4096];
          while (recv(socket, data, sizeof data, 0) > 0) {
          }
        }
      }
      const std::lock_guard closing(mutex_);
      std::erase(sockets_, socket);
      close(socket);
    });
  }
}

std::string HttpTestServer::Url(const std::string& path) const {
  return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) + path;
}

bool HttpTestServer::Pause(int milliseconds) const {
  for (int waited = 0; waited < milliseconds && !is_stopping_; waited += 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return !is_stopping_;
}

HttpTestServer::Handler AnswerAll(
    std::function<void(ServerConnection&, const ReceivedRequest&)> answer) {
  return [answer = std::move(answer)](ServerConnection& connection) {
    while (const auto request = connection.Read()) answer(connection, *request);
  };
}

int ClosedPort() {
  int port = 0;
  close(Listen(port));
  return port;
}

}  // namespace sluice::test
