// One connection of the sandbox's HTTP server, plain or TLS. Only http_server.cc includes this.
#pragma once

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/strings.h"
#include "engine/sandbox/http_server.h"

namespace sluice::sandbox::connection {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr auto kHeaderTime = std::chrono::seconds(10);
constexpr auto kBodyTime = std::chrono::seconds(30);
constexpr auto kIdleTime = std::chrono::seconds(120);
constexpr auto kWriteTime = std::chrono::seconds(30);
constexpr uint32_t kHeaderLimit = 32 << 10;
constexpr size_t kStreamQueueLimit = 64 << 20;  // bytes waiting for a slow watcher

// What connections need of their server. Outlives them: the server joins its threads first.
struct Shared {
  HttpServerOptions options;
  std::optional<asio::ssl::context> tls;
  std::atomic<size_t> connections{0};
  asio::io_context context;  // last: its end destroys the connections, which use the others
};

// One connection, one request at a time. All members are touched on its strand only.
template <class Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Shared& shared, Stream stream) : shared_(shared), stream_(std::move(stream)) {
    ++shared_.connections;
  }
  ~Connection() { --shared_.connections; }
  Connection(const Connection&) = delete;

  void Start() {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->Open(); });
  }
  void Abort() {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->CloseSocket(); });
  }

 private:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  // The writing end handed to the handler; it may outlive the connection.
  class Writer final : public ResponseStream {
   public:
    explicit Writer(std::weak_ptr<Connection> connection) : connection_(std::move(connection)) {}
    bool Write(std::string chunk) override {
      const std::shared_ptr<Connection> connection = connection_.lock();
      if (closed_ || connection == nullptr) return false;
      const size_t size = chunk.size();
      if (waiting_.fetch_add(size) + size > kStreamQueueLimit) {
        closed_ = true;
        connection->Abort();
        return false;
      }
      asio::post(connection->stream_.get_executor(),
                 [connection, text = std::move(chunk)]() mutable {
                   connection->QueueChunk(std::move(text));
                 });
      return true;
    }
    void Close() override {
      const std::shared_ptr<Connection> connection = connection_.lock();
      if (connection == nullptr) return;
      asio::post(connection->stream_.get_executor(), [connection] { connection->EndStream(); });
    }
    bool closed() const override { return closed_ || connection_.expired(); }
    void MarkClosed() { closed_ = true; }
    void Sent(size_t size) { waiting_ -= size; }

   private:
    std::weak_ptr<Connection> connection_;
    std::atomic<bool> closed_{false};
    std::atomic<size_t> waiting_{0};
  };

  beast::tcp_stream& Socket() { return beast::get_lowest_layer(stream_); }

  void Open() {
    if constexpr (kTls) {
      Socket().expires_after(kHeaderTime);
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](error_code error) {
                                if (!error) self->ReadHeader();
                              });
    } else {
      ReadHeader();
    }
  }

  void ReadHeader() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(shared_.options.body_limit);
    Socket().expires_after(kIdleTime);
    // The first byte may take its time (keep-alive); the rest of the header may not.
    if (buffer_.size() > 0) Socket().expires_after(kHeaderTime);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code error, size_t) { self->OnHeader(error); });
  }

  void OnHeader(error_code error) {
    if (error == http::error::end_of_stream) return CloseSocket();
    if (error == http::error::body_limit) return RefuseLarge();
    if (error == http::error::header_limit) return Refuse(431, "request header larger than 32 KiB");
    if (error) {
      if (error.category() == http::make_error_code(http::error::bad_method).category()) {
        return Refuse(400, "malformed HTTP request");
      }
      return CloseSocket();
    }
    Socket().expires_after(kBodyTime);
    const auto expect = parser_->get().find(http::field::expect);
    if (expect != parser_->get().end() && beast::iequals(expect->value(), "100-continue")) {
      auto answer = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
      http::async_write(stream_, *answer,
                        [self = this->shared_from_this(), answer](error_code failed, size_t) {
                          if (!failed) self->ReadBody();
                        });
      return;
    }
    ReadBody();
  }

  void ReadBody() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code error, size_t) {
                       if (error == http::error::body_limit) return self->RefuseLarge();
                       if (error) return self->CloseSocket();
                       self->Handle();
                     });
  }

  void RefuseLarge() {
    Refuse(413, "Request entity too large: limit is " + std::to_string(shared_.options.body_limit));
  }

  // Answers, then drains what the client still sends, so that it sees the answer and not a reset.
  void Refuse(int status, const std::string& message) {
    HttpResponse response;
    response.status = status;
    const char* reason = status == 413 ? "RequestEntityTooLarge" : "BadRequest";
    response.headers = {{"Content-Type", "application/json"}};
    response.body =
        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
        message + R"(","reason":")" + reason + R"(","code":)" + std::to_string(status) + "}";
    keep_alive_ = false;
    drain_ = true;
    Send(std::move(response));
  }

  std::string ClientName() {
    if constexpr (kTls) {
      SSL* ssl = stream_.native_handle();
      X509* certificate = SSL_get1_peer_certificate(ssl);
      if (certificate == nullptr) return "";
      std::string name;
      if (SSL_get_verify_result(ssl) == X509_V_OK) {
        char text[256] = {};
        const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                                     NID_commonName, text, sizeof text);
        if (length > 0) name.assign(text, static_cast<size_t>(length));
      }
      X509_free(certificate);
      return name;
    }
    return "";
  }

  void Handle() {
    Socket().expires_never();
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == http::verb::head;
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) {
      request.headers.emplace_back(
          ToLower(std::string_view(field.name_string().data(), field.name_string().size())),
          std::string(field.value()));
    }
    request.body = std::move(message.body());
    request.client_name = ClientName();
    HttpResponse response = shared_.options.handle(request);
    if (response.delay.count() <= 0) return Send(std::move(response));
    auto timer = std::make_shared<asio::steady_timer>(stream_.get_executor(), response.delay);
    timer->async_wait([self = this->shared_from_this(), timer,
                       answer = std::move(response)](error_code error) mutable {
      if (!error) self->Send(std::move(answer));
    });
  }

  template <class Body>
  http::response<Body> Head(const HttpResponse& response) {
    http::response<Body> head(static_cast<http::status>(response.status), 11);
    head.set(http::field::server, "sluice-sandbox");
    for (const auto& [name, value] : response.headers) head.insert(name, value);
    head.keep_alive(keep_alive_);
    return head;
  }

  void Send(HttpResponse response) {
    Socket().expires_after(kWriteTime);
    if (response.breakage == Breakage::kBeforeAnswer) return CloseSocket();
    if (response.breakage == Breakage::kMidAnswer) return SendHalf(response);
    if (response.start_stream) return SendStream(std::move(response));
    auto answer =
        std::make_shared<http::response<http::string_body>>(Head<http::string_body>(response));
    answer->body() = std::move(response.body);
    answer->prepare_payload();
    if (head_only_) answer->body().clear();
    auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*answer);
    serializer->split(head_only_);
    const auto done = [self = this->shared_from_this(), answer, serializer](
                          error_code error, size_t) { self->AfterAnswer(error); };
    if (head_only_) {
      http::async_write_header(stream_, *serializer, done);
    } else {
      http::async_write(stream_, *serializer, done);
    }
  }

  void AfterAnswer(error_code error) {
    if (error) return CloseSocket();
    if (drain_) return Drain();
    if (!keep_alive_) return ShutDown();
    ReadHeader();
  }

  // A full header that promises more than the half body that follows.
  void SendHalf(const HttpResponse& response) {
    auto head = Head<http::string_body>(response);
    head.content_length(response.body.size() + 1);
    head.body() = response.body.substr(0, response.body.size() / 2);
    auto text = std::make_shared<std::string>();
    text->append(Text(head)).append(head.body());
    asio::async_write(
        stream_, asio::buffer(*text),
        [self = this->shared_from_this(), text](error_code, size_t) { self->CloseSocket(); });
  }

  static std::string Text(const http::response<http::string_body>& head) {
    std::string text =
        "HTTP/1.1 " + std::to_string(head.result_int()) + " " + std::string(head.reason()) + "\r\n";
    for (const auto& field : head) {
      text.append(field.name_string().data(), field.name_string().size()).append(": ");
      text.append(field.value().data(), field.value().size()).append("\r\n");
    }
    return text + "\r\n";
  }

  // Streams: header, then chunks as they come. The peer's end is noticed by a read that never
  // should return: a client does not talk while it listens to a stream.
  void SendStream(HttpResponse response) {
    keep_alive_ = false;  // the read that watches the peer cannot be taken back
    auto head =
        std::make_shared<http::response<http::empty_body>>(Head<http::empty_body>(response));
    head->chunked(true);
    auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*head);
    auto start = std::move(response.start_stream);
    http::async_write_header(stream_, *serializer,
                             [self = this->shared_from_this(), head, serializer,
                              start = std::move(start)](error_code error, size_t) {
                               if (error) return self->CloseSocket();
                               self->Socket().expires_never();
                               self->writer_ = std::make_shared<Writer>(self);
                               self->WatchPeer();
                               start(self->writer_);
                             });
  }

  void WatchPeer() {
    Socket().expires_never();
    auto byte = std::make_shared<char>();
    stream_.async_read_some(
        asio::buffer(byte.get(), 1),
        [self = this->shared_from_this(), byte](error_code, size_t) { self->CloseSocket(); });
  }

  void QueueChunk(std::string chunk) {
    if (writer_ == nullptr || ending_) return;
    chunks_.push_back(std::move(chunk));
    if (!writing_) WriteChunk();
  }

  void WriteChunk() {
    if (chunks_.empty()) {
      writing_ = false;
      if (ending_) FinishStream();
      return;
    }
    writing_ = true;
    auto chunk = std::make_shared<std::string>(std::move(chunks_.front()));
    chunks_.pop_front();
    asio::async_write(stream_, http::make_chunk(asio::buffer(*chunk)),
                      [self = this->shared_from_this(), chunk](error_code error, size_t) {
                        if (self->writer_ == nullptr) return;
                        self->writer_->Sent(chunk->size());
                        if (error) return self->CloseSocket();
                        self->WriteChunk();
                      });
  }

  void EndStream() {
    if (writer_ == nullptr || ending_) return;
    ending_ = true;
    if (!writing_) FinishStream();
  }

  void FinishStream() {
    asio::async_write(
        stream_, http::make_chunk_last(),
        [self = this->shared_from_this()](error_code, size_t) { self->CloseSocket(); });
  }

  void Drain() {
    Socket().expires_after(std::chrono::seconds(2));
    auto sink = std::make_shared<std::array<char, 16384>>();
    ReadAndDrop(sink, 64 << 20);
  }

  void ReadAndDrop(std::shared_ptr<std::array<char, 16384>> sink, int64_t budget) {
    stream_.async_read_some(asio::buffer(*sink), [self = this->shared_from_this(), sink, budget](
                                                     error_code error, size_t size) {
      if (error || budget <= 0) return self->CloseSocket();
      self->ReadAndDrop(sink, budget - static_cast<int64_t>(size));
    });
  }

  void ShutDown() {
    if constexpr (kTls) {
      Socket().expires_after(std::chrono::seconds(2));
      stream_.async_shutdown(
          [self = this->shared_from_this()](error_code) { self->CloseSocket(); });
    } else {
      CloseSocket();
    }
  }

  void CloseSocket() {
    if (writer_ != nullptr) {
      writer_->MarkClosed();
      writer_.reset();
    }
    chunks_.clear();
    error_code ignored;
    Socket().socket().shutdown(tcp::socket::shutdown_both, ignored);
    Socket().close();
  }

  Shared& shared_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::shared_ptr<Writer> writer_;
  std::deque<std::string> chunks_;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool drain_ = false;
  bool writing_ = false;
  bool ending_ = false;
};

}  // namespace sluice::sandbox::connection
