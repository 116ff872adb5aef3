#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/io/http_client.h"
#include "engine/verify/checks.h"

namespace sluice::verify {
namespace {

constexpr size_t kMaxBodyBytes = size_t{8} << 20;
constexpr size_t kMaxShownBytes = 120;

std::string Shown(const std::string& text) {
  return "'" + (text.size() > kMaxShownBytes ? text.substr(0, kMaxShownBytes) + "..." : text) + "'";
}

// Containers by name only: what a body holds may be large, deep or secret.
std::string Shown(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text.size() > kMaxShownBytes ? text.substr(0, kMaxShownBytes) + "..." : text;
}

// What is wrong with the body, or "".
std::string JsonProblem(const HttpSmokeTest::JsonValue& expected, const std::string& body) {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (document.is_discarded())
    return "the body (" + std::to_string(body.size()) + " bytes) is not JSON";
  const std::string at = expected.path.empty() ? "the body" : expected.path;
  try {
    const nlohmann::json::json_pointer pointer(expected.path);
    if (!document.contains(pointer))
      return "the body has no " + at + ", expected " + Shown(expected.equals);
    const nlohmann::json& value = document.at(pointer);
    if (value != expected.equals)
      return at + " is " + Shown(value) + ", expected " + Shown(expected.equals);
  } catch (const nlohmann::json::exception&) {  // "/items/x" of a list
    return "the body has no " + at + ", expected " + Shown(expected.equals);
  }
  return "";
}

std::string Problem(const HttpSmokeTest& test, const HttpResponse& response) {
  if (response.status != test.status) {
    return "status " + std::to_string(response.status) + ", expected " +
           std::to_string(test.status);
  }
  for (const auto& [name, value] : test.expect_headers) {
    const auto [first, last] = response.headers.equal_range(name);
    if (first == last) return "no header '" + name + "', expected " + Shown(value);
    if (std::none_of(first, last, [&](const auto& header) { return header.second == value; })) {
      return "header '" + name + "' is " + Shown(first->second) + ", expected " + Shown(value);
    }
  }
  if (!test.contains.empty() && response.body.find(test.contains) == std::string::npos) {
    return "the body (" + std::to_string(response.body.size()) + " bytes) does not contain " +
           Shown(test.contains);
  }
  return test.json ? JsonProblem(*test.json, response.body) : "";
}

CallOutcome Judge(const Error& error) {
  // TLS that cannot be verified, and names, are not the new version's doing; nor is a body beyond
  // our cap.
  for (const std::string_view reason :
       {kReasonDnsFailed, kReasonTlsFailed, kReasonResponseTooLarge}) {
    if (error.reason() == reason) return NoVerdict(error.message());
  }
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return CannotRun(error.message());
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return SaidNo(error.message());
    default:
      return NoVerdict(error.message());
  }
}

}  // namespace

CallOutcome CheckHttp(const HttpSmokeTest& test, HttpClient& http, const Call& call) {
  HttpRequest request;
  request.url = test.url;
  request.connect_to = test.connect_to;
  request.max_response_bytes = kMaxBodyBytes;
  for (const auto& [name, value] : test.headers) request.headers.emplace_back(name, value);
  const auto response = http.Send(request, call);
  if (!response) return Judge(response.error());
  const std::string problem = Problem(test, *response);
  if (!problem.empty()) return SaidNo(Describe(request) + ": " + problem);
  return Passed(Describe(request) + ": status " + std::to_string(response->status));
}

}  // namespace sluice::verify
