// The Kubernetes API as a test sees it: plain requests with a kubeconfig's credentials, independent
// of the engine.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::e2e {

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
  nlohmann::json Json() const;  // null when the body is no JSON
};

// A GET without credentials. Throws nothing: status 0 when there was no answer.
HttpAnswer HttpGet(const std::string& url);

class KubeApi {
 public:
  // A context of a kubeconfig with client-certificate-data/client-key-data or a token.
  KubeApi(const std::string& kubeconfig, const std::string& context);

  HttpAnswer Request(const std::string& method, const std::string& path,
                     const std::string& body = "",
                     const std::string& content_type = "application/json") const;
  // null for 404; throws for any other answer than 200.
  nlohmann::json Get(const std::string& path) const;
  // The objects of a list.
  nlohmann::json List(const std::string& path) const;
  // Server-side apply as another manager than ours, without force unless asked.
  HttpAnswer Apply(const std::string& path, const nlohmann::json& object,
                   const std::string& manager, bool force = false) const;
  HttpAnswer Delete(const std::string& path) const;

 private:
  std::string server_, ca_, cert_, key_, token_;
};

}  // namespace sluice::e2e
