#include "engine/sandbox/http_server.h"

#include <thread>

#include "engine/base/strings.h"
#include "engine/sandbox/http_connection.h"

namespace sluice::sandbox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using connection::Connection;
using connection::Shared;
using connection::TlsStream;
using tcp = asio::ip::tcp;

using PlainConnection = Connection<beast::tcp_stream>;
using TlsConnection = Connection<TlsStream>;

class Server final : public HttpServer {
 public:
  explicit Server(HttpServerOptions options) : acceptor_(shared_.context) {
    shared_.options = std::move(options);
  }
  ~Server() override { Stop(); }

  Status Listen() {
    try {
      if (!shared_.options.tls.certificate_pem.empty()) SetUpTls();
      const tcp::endpoint endpoint(asio::ip::address_v4::loopback(),
                                   static_cast<uint16_t>(shared_.options.port));
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(asio::socket_base::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen(1024);
      port_ = acceptor_.local_endpoint().port();
    } catch (const std::exception& e) {
      return Fail(ErrorCode::kUnavailable,
                  "listening on 127.0.0.1:" + std::to_string(shared_.options.port) + ": " +
                      e.what() + "; choose another port or 0 for any");
    }
    Accept();
    for (int i = 0; i < shared_.options.threads; ++i) {
      threads_.emplace_back([this] { shared_.context.run(); });
    }
    return {};
  }

  int port() const override { return port_; }

  void Stop() override {
    if (stopped_.exchange(true)) return;
    asio::post(shared_.context, [this] {
      error_code ignored;
      acceptor_.close(ignored);
    });
    shared_.context.stop();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void SetUpTls() {
    const TlsFiles& files = shared_.options.tls;
    asio::ssl::context& tls = shared_.tls.emplace(asio::ssl::context::tls_server);
    tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                    asio::ssl::context::no_tlsv1_1);
    tls.use_certificate_chain(asio::buffer(files.certificate_pem));
    tls.use_private_key(asio::buffer(files.key_pem), asio::ssl::context::pem);
    tls.add_certificate_authority(asio::buffer(files.client_ca_pem));
    // Asked for, not required: a bearer token does as well, and a bad certificate is answered 401.
    tls.set_verify_mode(asio::ssl::verify_peer);
    tls.set_verify_callback([](bool, asio::ssl::verify_context&) { return true; });
    SSL_CTX_set_mode(tls.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(
        tls.native_handle(),
        [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
           unsigned int size, void*) {
          static const unsigned char kHttp11[] = "\x08http/1.1";
          const int found = SSL_select_next_proto(const_cast<unsigned char**>(out), length, kHttp11,
                                                  9, offered, size);
          return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
        },
        nullptr);
    static const unsigned char kContext[] = "sluice-sandbox";
    SSL_CTX_set_session_id_context(tls.native_handle(), kContext, sizeof kContext - 1);
  }

  void Accept() {
    acceptor_.async_accept(asio::make_strand(shared_.context),
                           [this](error_code error, tcp::socket socket) {
                             if (error == asio::error::operation_aborted || !acceptor_.is_open())
                               return;
                             if (!error && shared_.connections < shared_.options.connection_limit)
                               Serve(std::move(socket));
                             Accept();
                           });
  }

  void Serve(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (shared_.tls) {
      std::make_shared<TlsConnection>(shared_, TlsStream(std::move(socket), *shared_.tls))->Start();
    } else {
      std::make_shared<PlainConnection>(shared_, beast::tcp_stream(std::move(socket)))->Start();
    }
  }

  Shared shared_;
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::string_view HttpRequest::Header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  SLUICE_CHECK(server->Listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace sluice::sandbox
