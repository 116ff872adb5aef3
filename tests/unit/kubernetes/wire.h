// A client of the API whose server is a function.
#pragma once

#include "engine/base/effects.h"
#include "engine/targets/kubernetes/client.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/kubernetes/fake_http.h"

namespace sluice::targets::kubernetes {

using namespace std::chrono_literals;

struct Wire {
  explicit Wire(FakeHttp::Answer answer,
                ClusterAccess access = {.cluster = "c", .server = "https://h/prefix", .token = "t"})
      : http(std::move(answer)),
        credentials(std::move(access), {}, clock),
        client(http, credentials, clock, effects, metrics) {}
  // With leave to write.
  WriteCall Soon(Duration time = 5min) {
    const SteadyTime end = clock.SteadyNow() + time;
    return {{end, stop.get_token()}, [end] { return end; }};
  }
  testing::FakeClock clock;
  FakeHttp http;
  Effects effects;
  Metrics metrics;
  Credentials credentials;
  Client client;
  std::stop_source stop;
};

}  // namespace sluice::targets::kubernetes
