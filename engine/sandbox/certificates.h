// A throw-away certificate authority for the sandbox's TLS, made afresh at each start.
#pragma once

#include <string>

#include "engine/base/error.h"

namespace sluice::sandbox {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

struct Certificates {
  std::string ca_pem;
  KeyPair server;  // for localhost and 127.0.0.1
  KeyPair client;  // CN=sluice-sandbox-admin, O=system:masters
};

Result<Certificates> MakeCertificates();

}  // namespace sluice::sandbox
