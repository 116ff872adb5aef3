// An HTTP peer that is a function, and remembers what it was asked. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/io/http_client.h"

namespace sluice::targets::kubernetes {

class FakeHttp final : public HttpClient {
 public:
  using Answer =
      std::function<Result<HttpResponse>(const HttpRequest& request, int number)>;  // number from 1
  explicit FakeHttp(Answer answer) : answer_(std::move(answer)) {}

  Result<HttpResponse> Send(const HttpRequest& request, const Call&) override {
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    return answer_(request, static_cast<int>(requests.size()));
  }
  std::vector<Result<HttpResponse>> SendAll(const std::vector<HttpRequest>& all,
                                            const Call& call) override {
    std::vector<Result<HttpResponse>> answers;
    for (const HttpRequest& request : all) answers.push_back(Send(request, call));
    return answers;
  }

  std::vector<HttpRequest> requests;

 private:
  std::mutex mutex_;
  Answer answer_;
};

inline HttpResponse Json(int status, std::string body,
                         std::multimap<std::string, std::string> headers = {}) {
  headers.emplace("content-type", "application/json");
  return {status, std::move(headers), std::move(body)};
}

inline std::string HeaderOf(const HttpRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace sluice::targets::kubernetes
