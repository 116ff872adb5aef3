#include "engine/sandbox/webhooks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/sandbox/selectors.h"

namespace sluice::sandbox {
namespace {

constexpr const char* kConfigurations[] = {
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io"};

bool Names(const Json& list, const std::string& value) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Json& item) { return item == "*" || item == value; });
}

// "pods", "pods/status", "*", "*/*", "pods/*", "*/status".
bool NamesResource(const Json& list, const std::string& plural, const std::string& subresource) {
  return std::any_of(list.begin(), list.end(), [&](const Json& item) {
    const std::string text = item.get<std::string>();
    const size_t slash = text.find('/');
    const std::string resource = text.substr(0, slash);
    const std::string sub = slash == std::string::npos ? "" : text.substr(slash + 1);
    return (resource == "*" || resource == plural) &&
           (sub == subresource || (slash != std::string::npos && sub == "*"));
  });
}

bool IsAsked(const Store& store, const Json& webhook, const ResourceType& type, const Json& object,
             const std::string& operation, const std::string& subresource) {
  const Json& rules = ArrayAt(webhook, {"rules"});
  const bool is_ruled = std::any_of(rules.begin(), rules.end(), [&](const Json& rule) {
    const std::string scope = TextAt(rule, {"scope"});
    const bool in_scope =
        scope.empty() || scope == "*" || (scope == "Namespaced") == type.namespaced;
    return in_scope && Names(ArrayAt(rule, {"apiGroups"}), type.group) &&
           Names(ArrayAt(rule, {"apiVersions"}), type.version) &&
           Names(ArrayAt(rule, {"operations"}), operation) &&
           NamesResource(ArrayAt(rule, {"resources"}), type.plural, subresource);
  });
  if (!is_ruled) return false;
  if (!MatchesSelector(ObjectAt(webhook, {"objectSelector"}),
                       ObjectAt(object, {"metadata", "labels"})))
    return false;
  if (!type.namespaced) return true;
  const ObjectPtr ns = store.Get("namespaces", "", NamespaceOf(object));
  return ns == nullptr || MatchesSelector(ObjectAt(webhook, {"namespaceSelector"}),
                                          ObjectAt(*ns, {"metadata", "labels"}));
}

// Where it would have been called, and what came of it.
std::string Failure(const Store& store, const Json& webhook) {
  const std::string url = TextAt(webhook, {"clientConfig", "url"});
  if (!url.empty()) return "failed to call webhook: Post \"" + url + "\": connection refused";
  const std::string ns = TextAt(webhook, {"clientConfig", "service", "namespace"});
  const std::string name = TextAt(webhook, {"clientConfig", "service", "name"});
  const std::string port = std::to_string(IntAt(webhook, {"clientConfig", "service", "port"}, 443));
  const std::string called = "failed to call webhook: Post \"https://" + name + "." + ns +
                             ".svc:" + port + TextAt(webhook, {"clientConfig", "service", "path"}) +
                             "?timeout=" + std::to_string(IntAt(webhook, {"timeoutSeconds"}, 10)) +
                             "s\": ";
  const ObjectPtr service = store.Get("services", ns, name);
  if (service == nullptr) return called + "service \"" + name + "\" not found";
  return called + "dial tcp " + TextAt(*service, {"spec", "clusterIP"}) + ":" + port +
         ": connect: connection refused";
}

}  // namespace

ApiStatus AskWebhooks(const Store& store, const ResourceType& type, const Json& object,
                      std::string_view operation, std::string_view subresource) {
  // Nobody is asked about the configurations themselves, or a broken one could not be mended.
  if (type.group == "admissionregistration.k8s.io") return {};
  for (const char* kind : kConfigurations) {
    for (const ObjectPtr& configuration : store.List(kind, "")) {
      for (const Json& webhook : ArrayAt(*configuration, {"webhooks"})) {
        if (TextAt(webhook, {"failurePolicy"}) == "Ignore" ||
            !IsAsked(store, webhook, type, object, std::string(operation),
                     std::string(subresource)))
          continue;
        auto error = Internal("Internal error occurred: failed calling webhook \"" +
                              TextAt(webhook, {"name"}) + "\": " + Failure(store, webhook));
        error.value().reason = "InternalError";
        return error;
      }
    }
  }
  return {};
}

}  // namespace sluice::sandbox
