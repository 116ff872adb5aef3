#include "engine/sandbox/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sluice::sandbox {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Buffer = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr long kDay = 24 * 60 * 60;

std::string BufferText(BIO* buffer) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(buffer, &data);
  return {data, static_cast<size_t>(size)};
}

std::string KeyText(EVP_PKEY* key) {
  const Buffer buffer(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(buffer.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return BufferText(buffer.get());
}

std::string CertificateText(X509* certificate) {
  const Buffer buffer(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(buffer.get(), certificate);
  return BufferText(buffer.get());
}

void AddName(X509_NAME* name, const char* field, const char* value) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

struct Subject {
  const char* common_name;
  const char* organisation;
  const char* usage;         // extendedKeyUsage; null = an authority
  const char* alternatives;  // subjectAltName or null
};

// Signed by `issuer`, or by itself when that is null.
Certificate Issue(const Subject& subject, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30 * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  if (subject.organisation != nullptr) AddName(name, "O", subject.organisation);
  AddName(name, "CN", subject.common_name);
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  bool good = AddExtension(certificate.get(), signer, NID_subject_key_identifier, "hash");
  if (subject.usage == nullptr) {
    good = good &&
           AddExtension(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE") &&
           AddExtension(certificate.get(), signer, NID_key_usage,
                        "critical,keyCertSign,digitalSignature");
  } else {
    good = good &&
           AddExtension(certificate.get(), signer, NID_basic_constraints, "critical,CA:FALSE") &&
           AddExtension(certificate.get(), signer, NID_authority_key_identifier, "keyid") &&
           AddExtension(certificate.get(), signer, NID_ext_key_usage, subject.usage);
  }
  if (subject.alternatives != nullptr) {
    good =
        good && AddExtension(certificate.get(), signer, NID_subject_alt_name, subject.alternatives);
  }
  if (!good || X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) certificate.reset();
  return certificate;
}

}  // namespace

Result<Certificates> MakeCertificates() {
  const auto failed = [] {
    return Fail(ErrorCode::kInternal, std::string("making the sandbox's certificates: ") +
                                          ERR_error_string(ERR_get_error(), nullptr));
  };
  const Key ca_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Key server_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Key client_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  if (!ca_key || !server_key || !client_key) return failed();
  const Certificate ca =
      Issue({"sluice-sandbox-ca", nullptr, nullptr, nullptr}, ca_key.get(), nullptr, ca_key.get());
  if (!ca) return failed();
  const Certificate server =
      Issue({"sluice-sandbox", nullptr, "serverAuth", "DNS:localhost,IP:127.0.0.1"},
            server_key.get(), ca.get(), ca_key.get());
  const Certificate client =
      Issue({"sluice-sandbox-admin", "system:masters", "clientAuth", nullptr}, client_key.get(),
            ca.get(), ca_key.get());
  if (!server || !client) return failed();
  return Certificates{CertificateText(ca.get()),
                      {CertificateText(server.get()), KeyText(server_key.get())},
                      {CertificateText(client.get()), KeyText(client_key.get())}};
}

}  // namespace sluice::sandbox
