#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/base/strings.h"
#include "engine/sandbox/http_server.h"
#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

// Sends raw bytes to a port of this machine and returns all that comes back.
std::string Exchange(int port, const std::string& bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  shutdown(fd, SHUT_WR);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    out.append(buffer, static_cast<size_t>(n));
  close(fd);
  return out;
}

TEST_CASE("the kubeconfig names one context for each cluster") {
  SandboxOptions options;
  options.clusters = {"dev", "prod"};
  World world(std::move(options));
  std::ifstream file(world.sandbox().kubeconfig_path());
  const Json config = Json::parse(file);
  CHECK(config["current-context"] == "dev");
  REQUIRE(config["contexts"].size() == 2);
  CHECK(config["contexts"][1]["name"] == "prod");
  CHECK(config["clusters"][1]["cluster"]["server"] ==
        "https://127.0.0.1:" + std::to_string(world.sandbox().port()) + "/prod");
  const auto permissions = std::filesystem::status(world.sandbox().kubeconfig_path()).permissions();
  CHECK((permissions & std::filesystem::perms::others_read) == std::filesystem::perms::none);
}

TEST_CASE("writes are appended to the audit log as JSON lines") {
  World world;
  world.client().Apply(kConfigMaps + "/c?dryRun=All", ConfigMap("c"));
  const std::string dir =
      std::filesystem::path(world.sandbox().kubeconfig_path()).parent_path().string();
  std::ifstream file(dir + "/audit.log");
  std::string line;
  REQUIRE(std::getline(file, line));
  const Json record = Json::parse(line);
  CHECK(record["verb"] == "apply");
  CHECK(record["dryRun"] == true);
  CHECK(record["fieldManager"] == "sluice");
}

TEST_CASE("options that make no sense are refused by name") {
  TemporaryDirectory dir;
  SandboxOptions options;
  options.dir = dir.path();
  SECTION("a cluster that cannot be in a URL") {
    options.clusters = {"Dev Cluster"};
    CHECK(Sandbox::Start(options).error().message().find("'Dev Cluster' is not a DNS label") !=
          std::string::npos);
  }
  SECTION("a cluster named twice") {
    options.clusters = {"dev", "dev"};
    CHECK(Sandbox::Start(options).error().message().find("named twice") != std::string::npos);
  }
  SECTION("no cluster") {
    options.clusters = {};
    CHECK(Sandbox::Start(options).error().code() == ErrorCode::kInvalidArgument);
  }
  SECTION("a port in use") {
    World other;
    options.port = other.sandbox().port();
    CHECK(Sandbox::Start(options).error().message().find("choose another port") !=
          std::string::npos);
  }
}

TEST_CASE("a body over 3 MiB is a 413 the client can read") {
  World world;
  const Reply reply =
      world.client().Post(kConfigMaps, ConfigMap("c", {{"a", std::string(4 << 20, 'x')}}));
  CHECK(reply.code == 413);
  CHECK(reply.json()["reason"] == "RequestEntityTooLarge");
  CHECK(world.client().Get(kConfigMaps).code == 200);
}

TEST_CASE("bytes that are no request do not disturb the others") {
  World world;
  const int port = world.sandbox().http_port();
  CHECK(Exchange(port, "nonsense\r\n\r\n").find("HTTP/1.1 200") == std::string::npos);
  CHECK(Exchange(port, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100000, 'a') + "\r\n\r\n")
            .find("431") != std::string::npos);
  CHECK(Exchange(port, "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .find("HTTP/1.1 400") == 0);
  CHECK(Exchange(world.sandbox().port(), "GET / HTTP/1.1\r\n\r\n")
            .empty());  // plain text on the TLS port
  CHECK(world.client().Get(kConfigMaps).code == 200);
}

TEST_CASE("hostile documents are answered, never fatal") {
  World world;
  Client& client = world.client();
  const std::string body = GENERATE(
      as<std::string>(), "", "[]", "null", "{\"metadata\":7}", "{\"metadata\":{\"name\":7}}",
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":[]}",
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"labels\":7}}",
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\","
      "\"ownerReferences\":[7]}}",
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"finalizers\":{}"
      "}}",
      std::string(5000, '['), "\xff\xfe");
  for (const char* method : {"POST", "PUT"}) {
    const Reply reply =
        client.Send(method, method[1] == 'O' ? kConfigMaps : kConfigMaps + "/c", body);
    CHECK(reply.code >= 400);
    CHECK(reply.json()["kind"] == "Status");
  }
  for (const char* type :
       {"apply-patch+yaml", "merge-patch+json", "json-patch+json", "strategic-merge-patch+json"}) {
    const Reply reply = client.Send("PATCH", kConfigMaps + "/c?fieldManager=x", body,
                                    {std::string("Content-Type: application/") + type});
    CHECK(reply.code >= 400);
  }
  CHECK(client.Get(kConfigMaps).code == 200);
}

TEST_CASE("a sandbox can be stopped twice and leaves its port free") {
  TemporaryDirectory dir;
  SandboxOptions options;
  options.dir = dir.path();
  auto first = Sandbox::Start(options);
  REQUIRE(first);
  options.port = (*first)->port();
  (*first)->Stop();
  (*first)->Stop();
  first->reset();
  CHECK(Sandbox::Start(options));
}

}  // namespace
}  // namespace sluice::sandbox
