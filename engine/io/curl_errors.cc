// How a transfer that got no complete answer is told to a person: curl's codes and texts become
// Errors.
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <cstring>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/io/curl_transfer.h"

namespace sluice {
namespace {

Error MakeError(ErrorCode code, std::string_view reason, std::string message) {
  return Error(code, std::string(reason), std::move(message));
}

// The words of OpenSSL for an alert by which a server refuses the certificate we showed, or its
// absence.
bool RefusesClientCertificate(std::string_view text) {
  for (const std::string_view alert :
       {"alert certificate required", "alert bad certificate", "alert unknown ca",
        "alert certificate expired", "alert certificate unknown", "alert certificate revoked",
        "alert unsupported certificate", "alert access denied"}) {
    if (text.find(alert) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool CurlTransfer::IsSafeToRepeat() const {
  switch (request_.repeat) {
    case Repeat::kSafe:
      return true;
    case Repeat::kUnsafe:
      return false;
    case Repeat::kByMethod:
      return request_.method != "POST";
  }
  return false;
}

bool CurlTransfer::MayRepeat(CURLcode code) const {
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  return !is_repeated_ && received_ == 0 && connects == 0 && IsSafeToRepeat() &&
         (code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
}

std::string CurlTransfer::Curl(CURLcode code) const {
  const std::string_view text(error_text_.data());
  return EscapeControl(
      RedactCredentials(text.empty() ? std::string_view(curl_easy_strerror(code)) : text));
}

Error CurlTransfer::Explain(CURLcode code) const {
  const std::string what = Describe(request_) + ": ";
  const auto unavailable = [&](std::string_view reason, const std::string& text) {
    return MakeError(ErrorCode::kUnavailable, reason, what + text);
  };
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable(kReasonDnsFailed, "the host name cannot be resolved (" + Curl(code) + ")");
    case CURLE_COULDNT_CONNECT:
      if (os_error == ECONNREFUSED)
        return unavailable(kReasonConnectionFailed, "connection refused");
      return unavailable(
          kReasonConnectionFailed,
          os_error ? "cannot connect: " + ToLower(std::strerror(static_cast<int>(os_error)))
                   : Curl(code));
    case CURLE_OPERATION_TIMEDOUT:
      return unavailable(kReasonConnectionFailed, "no connection within " +
                                                      FormatDuration(request_.connect_timeout) +
                                                      " (" + Curl(code) + ")");
    case CURLE_PARTIAL_FILE:
      return unavailable(
          kReasonResponseTruncated,
          "the answer was cut off after " + std::to_string(response_.body.size()) + " bytes");
    case CURLE_WRITE_ERROR:
      if (!is_too_large_) break;
      return unavailable(
          kReasonResponseTooLarge,
          "the answer is larger than " + std::to_string(request_.max_response_bytes) + " bytes");
    case CURLE_TOO_MANY_REDIRECTS:
      return unavailable("", "more than 5 redirects");
    case CURLE_URL_MALFORMAT:
      return Error(ErrorCode::kInvalidArgument, what + Curl(code));
    case CURLE_UNSUPPORTED_PROTOCOL:  // the url's scheme is good: it is the answer, or a redirect's
      return unavailable("", "the answer is not HTTP (" + Curl(code) + ")");
    case CURLE_GOT_NOTHING:
      return unavailable(kReasonConnectionFailed,
                         "the server closed the connection without an answer");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return ExplainBroken(code);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return ExplainTls(code);
    default:
      break;
  }
  return unavailable("", Curl(code));
}

// The connection broke while the request or the answer was on its way.
Error CurlTransfer::ExplainBroken(CURLcode code) const {
  if (RefusesClientCertificate(error_text_.data())) return ExplainTls(code);
  const std::string what = Describe(request_) + ": the connection broke";
  if (received_ == 0 && request_.tls && !request_.tls->client_cert_pem.empty()) {
    // The alert that would tell is lost when the server resets the connection right behind it.
    return MakeError(
        ErrorCode::kUnavailable, kReasonConnectionFailed,
        what + " (" + Curl(code) + "); if that persists, is our client certificate valid there?");
  }
  return MakeError(
      ErrorCode::kUnavailable, received_ > 0 ? kReasonResponseTruncated : kReasonConnectionFailed,
      what + (received_ > 0 ? " in the middle of the answer" : "") + " (" + Curl(code) + ")");
}

Error CurlTransfer::ExplainTls(CURLcode code) const {
  const std::string what = Describe(request_) + ": ";
  const auto fail = [&](const std::string& text) {
    return MakeError(ErrorCode::kUnavailable, kReasonTlsFailed, what + text);
  };
  const std::string option =
      request_.tls && !request_.tls->ca_option.empty() ? request_.tls->ca_option : "the trusted CA";
  if (RefusesClientCertificate(error_text_.data())) {
    const bool has_certificate = request_.tls && !request_.tls->client_cert_pem.empty();
    return MakeError(
        ErrorCode::kUnauthenticated, kReasonTlsFailed,
        what +
            (has_certificate ? "the server refuses our client certificate; renew it ("
                             : "the server asks for a client certificate and none is set (") +
            Curl(code) + ")");
  }
  if (code == CURLE_SSL_CERTPROBLEM) {
    return MakeError(ErrorCode::kUnauthenticated, kReasonTlsFailed,
                     what + "our client certificate and key cannot be used (" + Curl(code) + ")");
  }
  if (code == CURLE_SSL_CACERT_BADFILE) return fail(option + " holds no usable certificate");
  long verdict = X509_V_OK;
  curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &verdict);
  switch (verdict) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:  // curl's start value: the chain was not judged. It compares the
                                  // names itself.
      if (code != CURLE_PEER_FAILED_VERIFICATION) {
        return MakeError(ErrorCode::kUnavailable, kReasonConnectionFailed,
                         what + "no TLS session: " + Curl(code));
      }
      return fail("the server's certificate is for another host (" + Curl(code) + ")");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fail("the server's certificate, or its CA's, has expired; it must be renewed");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fail("the server's certificate, or its CA's, is not valid yet; compare the clocks");
    default:
      return fail("the server's certificate is not signed by a CA that we trust (" +
                  std::string(X509_verify_cert_error_string(verdict)) + "); set " + option +
                  " to the CA that signed it");
  }
}

Error CurlTransfer::GaveUp(ErrorCode code, std::string_view why) const {
  curl_off_t resolved = 0, connected = 0, secured = 0;
  curl_easy_getinfo(easy_, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &secured);
  long request_bytes = 0;  // sent; the times below stay 0 on a kept-alive connection
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
  const bool is_https = request_.url.starts_with("https");
  std::string_view reason;
  std::string stage;
  if (received_ > 0) {
    stage = std::to_string(received_) + " bytes of the answer had come";
  } else if (request_bytes > 0) {
    stage = "connected, no answer came";
  } else if (resolved == 0) {
    stage = "the host name was still being resolved";
    reason = kReasonDnsFailed;
  } else if (connected == 0) {
    stage = "the connection was not made";
    reason = kReasonConnectionFailed;
  } else if (is_https && secured == 0) {
    stage = "the TLS handshake was not done";
    reason = kReasonConnectionFailed;
  } else {
    stage = "connected, the request was not sent";
  }
  return MakeError(code, reason, Describe(request_) + ": " + std::string(why) + " (" + stage + ")");
}

}  // namespace sluice
