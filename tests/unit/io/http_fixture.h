// What the tests of the HTTP client share.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "engine/io/http_client.h"
#include "tests/support/catch.h"
#include "tests/support/http_test_server.h"

namespace sluice {

inline Call In(Duration time) { return {std::chrono::steady_clock::now() + time, {}}; }

inline std::unique_ptr<HttpClient> MakeClient(CurlOptions options = {}) {
  auto client = MakeCurlHttpClient(std::move(options));
  REQUIRE(client);
  return std::move(*client);
}

}  // namespace sluice
