// One request on one curl handle: how a request becomes curl options, and how curl's verdict
// becomes an Error. Private to engine/io; used on the client's I/O thread only.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <string>

#include "engine/io/http_client.h"

namespace sluice {

class CurlTransfer {
 public:
  // The request must outlive the transfer.
  CurlTransfer(CURL* easy, const HttpRequest& request, const CurlOptions& options);
  CurlTransfer(const CurlTransfer&) = delete;
  ~CurlTransfer();

  // Sets every option; kInvalidArgument for what cannot be a request.
  Status Prepare();
  // Clears what came, for a second attempt on a new connection.
  void PrepareAgain();

  CURL* easy() const { return easy_; }
  const HttpRequest& request() const { return request_; }
  HttpResponse& response() { return response_; }
  SteadyTime last_activity() const { return last_activity_; }

  // True when the connection was an old one that turned out dead, and sending again can do no harm.
  bool MayRepeat(CURLcode code) const;
  // The error of a transfer that curl ended.
  Error Explain(CURLcode code) const;
  // The error of a transfer that we end; the text says how far it had come.
  Error GaveUp(ErrorCode code, std::string_view why) const;

 private:
  static size_t WriteCallback(char* data, size_t size, size_t count, void* self);
  static size_t HeaderCallback(char* data, size_t size, size_t count, void* self);
  static int SocketOptionsCallback(void* self, curl_socket_t socket, curlsocktype purpose);
  Status SetUrl();
  Status SetHeaders();
  void SetMethod();
  void SetTls();
  void TakeHeaderLine(std::string_view line);
  Error ExplainBroken(CURLcode code) const;
  Error ExplainTls(CURLcode code) const;
  bool IsSafeToRepeat() const;
  std::string Curl(CURLcode code) const;

  CURL* const easy_;
  const HttpRequest& request_;
  const CurlOptions& options_;
  HttpResponse response_;
  std::string host_header_;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  SteadyTime last_activity_;
  int64_t received_ = 0;  // bytes of head and body
  bool is_too_large_ = false;
  bool is_repeated_ = false;
};

}  // namespace sluice
