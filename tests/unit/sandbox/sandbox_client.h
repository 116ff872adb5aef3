// A sandbox in a directory of its own, and an HTTP client that knows it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/sandbox/sandbox.h"

namespace sluice::sandbox {

using Json = nlohmann::json;

struct Reply {
  int code = 0;  // 0 = no answer
  std::string body;
  std::string headers;  // lower case names
  Json json() const;    // discarded value when the body is no JSON
  std::string Header(const std::string& lower_case_name) const;
  std::string reason() const { return json().value("reason", ""); }
  std::string message() const { return json().value("message", ""); }
};

// One keep-alive connection; one thread at a time.
class Client {
 public:
  enum class Identity { kCertificate, kToken, kNobody };
  // `issuer`: whose certificate to show; that of the sandbox itself unless named.
  explicit Client(const Sandbox& sandbox, Identity identity = Identity::kCertificate,
                  const Sandbox* issuer = nullptr);
  ~Client();
  Client(const Client&) = delete;

  // `path` begins with the cluster: "/dev/api/v1/namespaces".
  Reply Send(const std::string& method, const std::string& path, const std::string& body = "",
             const std::vector<std::string>& headers = {});
  Reply Get(const std::string& path, const std::vector<std::string>& headers = {}) {
    return Send("GET", path, "", headers);
  }
  Reply Post(const std::string& path, const Json& body) { return Send("POST", path, body.dump()); }
  Reply Put(const std::string& path, const Json& body) { return Send("PUT", path, body.dump()); }
  Reply Delete(const std::string& path, const Json& options = nullptr) {
    return Send("DELETE", path, options.is_null() ? "" : options.dump());
  }
  Reply Patch(const std::string& path, const Json& body, const std::string& type);
  // Server-side apply as `manager`.
  Reply Apply(const std::string& path, const Json& body, const std::string& manager = "sluice",
              bool force = false);
  Reply ApplyText(const std::string& path, const std::string& body);
  // Plain HTTP to the front.
  Reply Front(const std::string& path);

 private:
  Reply Run(const std::string& url, const std::string& method, const std::string& body,
            const std::vector<std::string>& headers);
  const Sandbox& sandbox_;
  Identity identity_;
  std::string ca_, certificate_, key_;
  void* curl_;
};

// A watch on a thread of its own; ends with the object.
class Watch {
 public:
  Watch(const Sandbox& sandbox, const std::string& path);
  ~Watch();
  std::vector<Json> Events() const;
  bool ended() const { return ended_; }
  // Begins to close, within a second.
  void Leave() { stop_ = true; }

 private:
  static size_t OnBytes(char* data, size_t size, size_t count, void* self);
  static int OnProgress(void* self, int64_t, int64_t, int64_t, int64_t);
  Guarded<std::string> text_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// A directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One sandbox with one cluster, "dev", and quick timings.
class World {
 public:
  explicit World(SandboxOptions options = {});
  Sandbox& sandbox() { return *sandbox_; }
  Client& client() { return *client_; }

 private:
  TemporaryDirectory dir_;
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<Client> client_;
};

// Asks every few milliseconds until the answer is yes; false after 20 s.
bool Eventually(const std::function<bool()>& question);

// Documents with sensible contents, in namespace default.
Json Deployment(const std::string& name, const std::string& image, int replicas = 1);
Json Service(const std::string& name);
Json ConfigMap(const std::string& name, const Json& data = {{"key", "value"}});
inline const std::string kDeployments = "/dev/apis/apps/v1/namespaces/default/deployments";
inline const std::string kServices = "/dev/api/v1/namespaces/default/services";
inline const std::string kConfigMaps = "/dev/api/v1/namespaces/default/configmaps";
inline const std::string kPods = "/dev/api/v1/namespaces/default/pods";

// status.conditions[type] of an object, or {}.
Json Condition(const Json& object, const std::string& type);
bool IsRolledOut(Client& client, const std::string& name);
// The FieldsV1 of a manager's entry, or null.
Json FieldsOf(const Json& object, const std::string& manager, const std::string& subresource = "");

}  // namespace sluice::sandbox
