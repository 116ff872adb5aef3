#include "tests/support/e2e/kube_api.h"

#include <curl/curl.h>
#include <yaml-cpp/yaml.h>

#include <memory>
#include <stdexcept>

#include "engine/base/strings.h"

namespace sluice::e2e {
namespace {

size_t Collect(char* data, size_t size, size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

curl_blob Blob(const std::string& bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
}

YAML::Node Named(const YAML::Node& list, const std::string& name) {
  for (const auto& entry : list) {
    if (entry["name"].as<std::string>() == name) return entry;
  }
  throw std::runtime_error("kubeconfig has no entry '" + name + "'");
}

std::string Decoded(const YAML::Node& node) {
  return node ? Base64Decode(node.as<std::string>()).value_or("") : std::string();
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Handle NewHandle(const std::string& url, HttpAnswer& answer) {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!is_ready) throw std::runtime_error("curl_global_init failed");
  Handle curl(curl_easy_init(), &curl_easy_cleanup);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 30L);
  return curl;
}

}  // namespace

nlohmann::json HttpAnswer::Json() const {
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

HttpAnswer HttpGet(const std::string& url) {
  HttpAnswer answer;
  const Handle curl = NewHandle(url, answer);
  if (curl_easy_perform(curl.get()) != CURLE_OK) return answer;
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

KubeApi::KubeApi(const std::string& kubeconfig, const std::string& context) {
  const YAML::Node config = YAML::LoadFile(kubeconfig);
  const YAML::Node chosen = Named(config["contexts"], context)["context"];
  const YAML::Node cluster =
      Named(config["clusters"], chosen["cluster"].as<std::string>())["cluster"];
  const YAML::Node user = Named(config["users"], chosen["user"].as<std::string>())["user"];
  server_ = cluster["server"].as<std::string>();
  ca_ = Decoded(cluster["certificate-authority-data"]);
  cert_ = Decoded(user["client-certificate-data"]);
  key_ = Decoded(user["client-key-data"]);
  if (user["token"]) token_ = user["token"].as<std::string>();
}

HttpAnswer KubeApi::Request(const std::string& method, const std::string& path,
                            const std::string& body, const std::string& content_type) const {
  HttpAnswer answer;
  const Handle curl = NewHandle(server_ + path, answer);
  if (!ca_.empty()) {
    curl_blob ca = Blob(ca_);
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO_BLOB, &ca);
  }
  if (!cert_.empty()) {
    curl_blob cert = Blob(cert_), key = Blob(key_);
    curl_easy_setopt(curl.get(), CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(curl.get(), CURLOPT_SSLCERT_BLOB, &cert);
    curl_easy_setopt(curl.get(), CURLOPT_SSLKEYTYPE, "PEM");
    curl_easy_setopt(curl.get(), CURLOPT_SSLKEY_BLOB, &key);
  }
  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  if (!token_.empty())
    headers = curl_slist_append(headers, ("Authorization: Bearer " + token_).c_str());
  if (!body.empty()) {
    headers = curl_slist_append(headers, ("Content-Type: " + content_type).c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, body.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  const CURLcode code = curl_easy_perform(curl.get());
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    throw std::runtime_error(method + " " + server_ + path + ": " + curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

nlohmann::json KubeApi::Get(const std::string& path) const {
  const HttpAnswer answer = Request("GET", path);
  if (answer.status == 404) return nullptr;
  if (answer.status != 200) {
    throw std::runtime_error("GET " + path + ": " + std::to_string(answer.status) + " " +
                             answer.body);
  }
  return answer.Json();
}

nlohmann::json KubeApi::List(const std::string& path) const {
  const nlohmann::json list = Get(path);
  return list.is_null() ? nlohmann::json::array() : list.at("items");
}

HttpAnswer KubeApi::Apply(const std::string& path, const nlohmann::json& object,
                          const std::string& manager, bool force) const {
  return Request("PATCH", path + "?fieldManager=" + manager + (force ? "&force=true" : ""),
                 object.dump(), "application/apply-patch+yaml");
}

HttpAnswer KubeApi::Delete(const std::string& path) const { return Request("DELETE", path); }

}  // namespace sluice::e2e
