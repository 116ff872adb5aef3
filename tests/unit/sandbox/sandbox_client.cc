#include "tests/unit/sandbox/sandbox_client.h"

#include <curl/curl.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "engine/base/strings.h"
#include "tests/support/catch.h"

namespace sluice::sandbox {
namespace {

size_t AppendText(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

curl_blob Blob(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

}  // namespace

Json Reply::json() const { return Json::parse(body, nullptr, false); }

std::string Reply::Header(const std::string& lower_case_name) const {
  for (const std::string& line : Split(headers, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && ToLower(line.substr(0, colon)) == lower_case_name) {
      return std::string(Trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return "";
}

Client::Client(const Sandbox& sandbox, Identity identity, const Sandbox* issuer)
    : sandbox_(sandbox), identity_(identity) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  std::ifstream file(sandbox.kubeconfig_path());
  const Json config = Json::parse(file);
  ca_ = *Base64Decode(
      config["clusters"][0]["cluster"]["certificate-authority-data"].get<std::string>());
  std::ifstream issued((issuer == nullptr ? sandbox : *issuer).kubeconfig_path());
  const Json user = Json::parse(issued)["users"][0]["user"];
  certificate_ = *Base64Decode(user["client-certificate-data"].get<std::string>());
  key_ = *Base64Decode(user["client-key-data"].get<std::string>());
  curl_ = curl_easy_init();
}

Client::~Client() { curl_easy_cleanup(curl_); }

Reply Client::Run(const std::string& url, const std::string& method, const std::string& body,
                  const std::vector<std::string>& headers) {
  CURL* curl = curl_;
  Reply reply;
  curl_easy_reset(curl);
  curl_blob ca = Blob(ca_), certificate = Blob(certificate_), key = Blob(key_);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "sandbox-test/1");
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
  if (identity_ == Identity::kCertificate) {
    curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, AppendText);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, AppendText);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.headers);
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  bool typed = false;
  for (const std::string& header : headers) {
    list = curl_slist_append(list, header.c_str());
    typed = typed || ToLower(header).rfind("content-type", 0) == 0;
  }
  if (!typed) list = curl_slist_append(list, "Content-Type: application/json");
  if (identity_ == Identity::kToken) {
    list = curl_slist_append(list, ("Authorization: Bearer " + sandbox_.token()).c_str());
  }
  if (!body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  const CURLcode result = curl_easy_perform(curl);
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  curl_slist_free_all(list);
  reply.code = result == CURLE_OK ? static_cast<int>(code) : 0;
  return reply;
}

Reply Client::Send(const std::string& method, const std::string& path, const std::string& body,
                   const std::vector<std::string>& headers) {
  return Run("https://127.0.0.1:" + std::to_string(sandbox_.port()) + path, method, body, headers);
}

Reply Client::Patch(const std::string& path, const Json& body, const std::string& type) {
  return Send("PATCH", path, body.dump(), {"Content-Type: application/" + type + "+json"});
}

Reply Client::Apply(const std::string& path, const Json& body, const std::string& manager,
                    bool force) {
  return Send("PATCH",
              path + (path.find('?') == std::string::npos ? "?" : "&") + "fieldManager=" + manager +
                  "&fieldValidation=Strict&force=" + (force ? "true" : "false"),
              body.dump(), {"Content-Type: application/apply-patch+yaml"});
}

Reply Client::ApplyText(const std::string& path, const std::string& body) {
  return Send("PATCH", path + "?fieldManager=sluice&fieldValidation=Strict", body,
              {"Content-Type: application/apply-patch+yaml"});
}

Reply Client::Front(const std::string& path) {
  return Run("http://127.0.0.1:" + std::to_string(sandbox_.http_port()) + path, "GET", "", {});
}

Watch::Watch(const Sandbox& sandbox, const std::string& path) {
  // The kubeconfig is read here, the transfer runs on the thread.
  std::ifstream file(sandbox.kubeconfig_path());
  const Json config = Json::parse(file);
  const std::string ca = *Base64Decode(
      config["clusters"][0]["cluster"]["certificate-authority-data"].get<std::string>());
  const std::string url = "https://127.0.0.1:" + std::to_string(sandbox.port()) + path;
  const std::string authorization = "Authorization: Bearer " + sandbox.token();
  thread_ = std::thread([this, ca, url, authorization] {
    CURL* curl = curl_easy_init();
    curl_blob blob = Blob(ca);
    curl_slist* list = curl_slist_append(nullptr, authorization.c_str());
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Watch::OnBytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Watch::OnProgress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    curl_easy_perform(curl);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    ended_ = true;
  });
}

Watch::~Watch() {
  Leave();
  thread_.join();
}

size_t Watch::OnBytes(char* data, size_t size, size_t count, void* self) {
  static_cast<Watch*>(self)->text_.With(
      [&](std::string& text) { text.append(data, size * count); });
  return size * count;
}

int Watch::OnProgress(void* self, int64_t, int64_t, int64_t, int64_t) {
  return static_cast<Watch*>(self)->stop_ ? 1 : 0;
}

std::vector<Json> Watch::Events() const {
  const std::string text = text_.With([](const std::string& all) { return all; });
  std::vector<Json> out;
  for (const std::string& line : Split(text, '\n')) {
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_discarded()) out.push_back(event);
  }
  return out;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-sandbox-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

World::World(SandboxOptions options) {
  options.dir = dir_.path();
  if (options.clusters.size() == 3) options.clusters = {"dev"};
  Result<std::unique_ptr<Sandbox>> started = Sandbox::Start(std::move(options));
  if (!started) FAIL(started.error().message());
  sandbox_ = *std::move(started);
  client_ = std::make_unique<Client>(*sandbox_);
}

bool Eventually(const std::function<bool()>& question) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (question()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return question();
}

Json Deployment(const std::string& name, const std::string& image, int replicas) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", name}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", name}}}}},
              {"spec", {{"containers", Json::array({{{"name", "main"}, {"image", image}}})}}}}}}}};
}

Json Service(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec", {{"selector", {{"app", name}}}, {"ports", Json::array({{{"port", 80}}})}}}};
}

Json ConfigMap(const std::string& name, const Json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"data", data}};
}

Json Condition(const Json& object, const std::string& type) {
  for (const Json& condition : object.value("/status/conditions"_json_pointer, Json::array())) {
    if (condition.value("type", "") == type) return condition;
  }
  return Json::object();
}

bool IsRolledOut(Client& client, const std::string& name) {
  const Json live = client.Get(kDeployments + "/" + name).json();
  const Json progressing = Condition(live, "Progressing");
  const auto number = [&](const char* pointer) {
    return live.value(Json::json_pointer(pointer), 0);
  };
  return progressing.value("reason", "") == "NewReplicaSetAvailable" &&
         number("/status/observedGeneration") == number("/metadata/generation") &&
         number("/status/updatedReplicas") == number("/spec/replicas") &&
         number("/status/replicas") == number("/spec/replicas") &&
         number("/status/availableReplicas") == number("/spec/replicas");
}

Json FieldsOf(const Json& object, const std::string& manager, const std::string& subresource) {
  for (const Json& entry : object.value("/metadata/managedFields"_json_pointer, Json::array())) {
    if (entry.value("manager", "") == manager && entry.value("subresource", "") == subresource)
      return entry["fieldsV1"];
  }
  return nullptr;
}

}  // namespace sluice::sandbox
