#include "engine/targets/kubernetes/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace sluice::targets::kubernetes {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Bio Open(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

Certificate ReadNext(BIO* bio) {
  return {PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), &X509_free};
}

}  // namespace

Status CheckCertificates(const std::string& pem) {
  const Bio bio = Open(pem);
  int count = 0;
  while (ReadNext(bio.get())) ++count;
  // The loop ends with "no start line" at the end of the text, and with anything else in a broken
  // block.
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0 && is_end) {
    return Fail(ErrorCode::kInvalidConfig,
                "no certificate in it; it must be PEM text (-----BEGIN CERTIFICATE-----)");
  }
  if (!is_end) {
    return Fail(ErrorCode::kInvalidConfig, "certificate " + std::to_string(count + 1) +
                                               " in it is damaged; copy the PEM text again");
  }
  return {};
}

std::optional<SystemTime> ExpiryOf(const std::string& pem) {
  const Bio bio = Open(pem);
  const Certificate certificate = ReadNext(bio.get());
  ERR_clear_error();
  if (!certificate) return std::nullopt;
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) return std::nullopt;
  return std::chrono::time_point_cast<Duration>(
      std::chrono::system_clock::from_time_t(timegm(&parts)));
}

}  // namespace sluice::targets::kubernetes
