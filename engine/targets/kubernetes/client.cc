#include "engine/targets/kubernetes/client.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr int kMaxAttempts = 8;
// Without Retry-After a server error is given fewer chances: it is often there to stay (a broken
// webhook).
constexpr int kMaxUnaskedAttempts = 4;
constexpr Duration kFirstPause = 200ms;
constexpr Duration kLongestPause = 10s;
constexpr size_t kMaxTold = 1000;
// The API server ends a write itself after 34 s, a read after 60 s.
constexpr Duration kIdleTimeout = 65s;

bool IsWrite(Verb verb) {
  return verb == Verb::kPatch || verb == Verb::kCreate || verb == Verb::kDelete;
}

Duration Jitter(Duration pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(0.75, 1.25);
  return Duration(static_cast<int64_t>(static_cast<double>(pause.count()) * factor(random)));
}

// Seconds of Retry-After; the API server never sends a date.
std::optional<Duration> RetryAfter(const HttpResponse& response) {
  const std::string text = response.Header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// How long to wait before the next attempt; nullopt when the answer is final.
std::optional<Duration> PauseAfter(const ApiRequest& request, const HttpResponse& response,
                                   const ApiAnswer& answer, int attempt) {
  const bool is_throttled = response.status == 429;
  if (!is_throttled && response.status < 500) return std::nullopt;
  const auto asked = RetryAfter(response);
  if (attempt >= (asked || is_throttled ? kMaxAttempts : kMaxUnaskedAttempts)) return std::nullopt;
  if (!is_throttled && !IsRetryable(DecodeFailure(answer.status, answer.body).code()))
    return std::nullopt;
  // A create whose fate is unknown must not be sent twice by us; a throttled one was not processed.
  if (!is_throttled && request.verb == Verb::kCreate) return std::nullopt;
  const Duration own = std::min(kFirstPause * (1 << std::min(attempt - 1, 10)), kLongestPause);
  return asked ? std::max(*asked, Duration(0)) + Jitter(50ms) : Jitter(own);
}

std::optional<Duration> PauseAfter(const ApiRequest& request, const Error& error, int attempt) {
  const bool may_pass =
      error.reason() == kReasonConnectionFailed || error.reason() == kReasonResponseTruncated;
  if (!may_pass || request.verb == Verb::kCreate || attempt >= kMaxUnaskedAttempts)
    return std::nullopt;
  return Jitter(kFirstPause * (1 << (attempt - 1)));
}

// Names the cluster, and the next move where only a person can make it.
Error Unanswered(const std::string& cluster, const Error& error) {
  if (error.reason() == kReasonLeaseLate || error.code() == ErrorCode::kHeldElsewhere) return error;
  if (error.reason() != kReasonConnectionFailed && error.reason() != kReasonDnsFailed)
    return error.With(cluster);
  return {error.code(), error.reason(),
          cluster + ": " + error.message() +
              "; is the API server up, and is the cluster's `server` in the kubeconfig right?"};
}

// Warning headers look like: 299 - "text with \"quotes\"".
std::string WarningText(const std::string& header) {
  const size_t start = header.find('"');
  const size_t end = header.rfind('"');
  if (start == end) return OneLine(header);
  std::string text;
  for (size_t i = start + 1; i < end; ++i) {
    if (header[i] == '\\' && i + 1 < end) ++i;
    text += header[i];
  }
  return OneLine(text);
}

}  // namespace

std::string_view ToString(Verb verb) {
  switch (verb) {
    case Verb::kGet:
      return "get";
    case Verb::kList:
      return "list";
    case Verb::kWatch:
      return "watch";
    case Verb::kPatch:
      return "patch";
    case Verb::kDryRun:
      return "dryrun";
    case Verb::kCreate:
      return "create";
    case Verb::kDelete:
      return "delete";
  }
  return "get";
}

std::string PercentEncode(std::string_view text) {
  // As a path segment these would lead elsewhere.
  if (text == ".") return "%2E";
  if (text == "..") return "%2E%2E";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

Status ToStatus(const ApiAnswer& answer) {
  if (answer.IsSuccess() || answer.status == 304) return {};
  return Fail(DecodeFailure(answer.status, answer.body));
}

Result<HttpResponse> Client::SendOnce(const ApiRequest& request, const Auth& auth, const Call& call,
                                      Permission permission) {
  HttpRequest http;
  http.method = request.method;
  http.url = credentials_.access().server + request.path;
  for (size_t i = 0; i < request.query.size(); ++i) {
    const auto& [name, value] = request.query[i];
    http.url += (i == 0 ? "?" : "&") + PercentEncode(name) + "=" + PercentEncode(value);
  }
  http.headers = auth.headers;
  http.headers.emplace_back("Accept", request.accept);
  if (!request.content_type.empty())
    http.headers.emplace_back("Content-Type", request.content_type);
  if (!request.if_none_match.empty())
    http.headers.emplace_back("If-None-Match", request.if_none_match);
  http.body = request.body;
  http.tls = auth.tls;
  http.proxy = credentials_.access().proxy;
  http.idle_timeout = kIdleTimeout;
  http.max_response_bytes = size_t{256} << 20;
  http.repeat = request.verb == Verb::kCreate ? Repeat::kUnsafe : Repeat::kSafe;
  if (IsWrite(request.verb)) return SendWrite(request, http, call, permission);
  metrics_.CountRequest(std::string(ToString(request.verb)));
  return http_.Send(http, call);
}

Result<HttpResponse> Client::SendWrite(const ApiRequest& request, const HttpRequest& http,
                                       const Call& call, Permission permission) {
  if (permission == nullptr || !*permission)
    return Fail(ErrorCode::kInternal, request.what + ": a write that nobody permits");
  SLUICE_TRY(const SteadyTime end, (*permission)());
  metrics_.CountRequest(std::string(ToString(request.verb)));
  auto response = http_.Send(http, {std::min(call.deadline, end), call.stop});
  // An answer that was lost may stand for a write that took place.
  effects_.Done(EffectKind::kLiveWrite, std::string(ToString(request.verb)) + " " + request.what);
  const bool is_cut_off =
      !response && end < call.deadline && response.error().code() == ErrorCode::kDeadlineExceeded;
  if (!is_cut_off) return response;
  return Fail(ErrorCode::kUnavailable, std::string(kReasonLeaseLate),
              request.what + ": no answer came while this engine might write; whether it took " +
                  "place is seen when the lease on the deploy log is renewed");
}

ApiAnswer Client::Decode(const ApiRequest& request, const HttpResponse& response) {
  ApiAnswer answer;
  answer.status = response.status;
  answer.content_type = response.Header("content-type");
  answer.etag = response.Header("etag");
  answer.body = nlohmann::json::parse(response.body, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  const auto [first, last] = response.headers.equal_range("warning");
  for (auto it = first; it != last; ++it) answer.warnings.push_back(WarningText(it->second));
  log::Debug("api_request", {{"target", credentials_.access().context},
                             {"verb", ToString(request.verb)},
                             {"object", request.what},
                             {"status", response.status},
                             {"audit_id", response.Header("audit-id")}});
  for (const std::string& warning : answer.warnings) {
    // Every dry run of the same object brings the same warning again.
    const bool is_new = told_.With([&](auto& told) {
      return told.size() < kMaxTold && told.insert(request.what + "\n" + warning).second;
    });
    if (!is_new) continue;
    log::Warn("api_warning", {{"target", credentials_.access().context},
                              {"object", request.what},
                              {"warning", warning}});
  }
  return answer;
}

Result<ApiAnswer> Client::Send(const ApiRequest& request, const Call& call) {
  return SendOften(request, call, nullptr);
}

Result<ApiAnswer> Client::Write(const ApiRequest& request, const WriteCall& call) {
  return SendOften(request, call, &call.may_write);
}

Result<ApiAnswer> Client::SendOften(const ApiRequest& request, const Call& call,
                                    Permission permission) {
  bool is_renewed = false;
  for (int attempt = 1;; ++attempt) {
    SLUICE_TRY(const Auth auth, credentials_.Get(call));
    auto response = SendOnce(request, auth, call, permission);
    std::optional<Duration> pause;
    std::optional<ApiAnswer> answer;
    if (!response) {
      if (response.error().code() == ErrorCode::kUnauthenticated && !is_renewed &&
          credentials_.Renew(auth)) {
        is_renewed = true;
        continue;
      }
      pause = PauseAfter(request, response.error(), attempt);
      if (!pause) return Fail(Unanswered(Name(), response.error()));
    } else {
      const bool is_unauthenticated = response->status == 401;
      answer = Decode(request, *response);
      if (is_unauthenticated && !is_renewed && credentials_.Renew(auth)) {
        is_renewed = true;
        continue;
      }
      const bool is_cut = answer->IsSuccess() && answer->body.is_null();
      if (is_cut) {
        // Success is a complete JSON value, never the status alone.
        response =
            Fail(ErrorCode::kUnavailable, std::string(kReasonResponseTruncated),
                 request.what + ": the answer is not JSON; is this a Kubernetes API server?");
        pause = PauseAfter(request, response.error(), attempt);
        if (!pause) return Fail(Unanswered(Name(), response.error()));
      } else {
        pause = PauseAfter(request, *response, *answer, attempt);
        if (!pause) return std::move(*answer);
      }
    }
    // When the time does not suffice for another attempt the caller learns what came, not that time
    // is up.
    const bool has_time = clock_.SteadyNow() + *pause < call.deadline;
    if (!has_time || !clock_.Sleep(*pause, call.stop)) {
      if (call.stop.stop_requested())
        return Fail(ErrorCode::kCancelled, request.what + ": stopped while waiting to retry");
      if (!response) return Fail(Unanswered(Name(), response.error()));
      return std::move(*answer);
    }
  }
}

Result<nlohmann::json> Client::Read(const ApiRequest& request, const Call& call) {
  SLUICE_TRY(ApiAnswer answer, Send(request, call));
  if (auto status = ToStatus(answer); !status) {
    return Fail(std::move(status).error().With(Name() + ": " + request.what));
  }
  return std::move(answer.body);
}

}  // namespace sluice::targets::kubernetes
