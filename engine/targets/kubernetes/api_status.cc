#include "engine/targets/kubernetes/api_status.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/quota.h"
#include "engine/targets/kubernetes/refusal.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr size_t kMaxMessage = 1500;
constexpr size_t kMaxDetail = 4000;

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return Has(text, part); });
}

bool HasCause(const nlohmann::json& body, std::string_view reason) {
  const auto& causes = Items(At(body, "details", "causes"));
  return std::ranges::any_of(
      causes, [&](const auto& cause) { return ToText(At(cause, "reason")) == reason; });
}

std::string Words(int http_status, const nlohmann::json& body) {
  const std::string message = ToText(At(body, "message"));
  if (!message.empty()) return OneLine(message, kMaxMessage);
  return "the server answered HTTP " + std::to_string(http_status) + " without saying why";
}

constexpr std::string_view kCorrect = "correct the manifest";
constexpr std::string_view kAskWhoDenies = "change what it forbids, or ask who runs that policy";

// The content is bad: one line for people, the server's words behind it.
Error Refuse(std::string_view reason, const nlohmann::json& body, const std::string& words,
             std::string_view remedy) {
  std::string line = Summarize(body);
  if (line.empty()) line = words;
  Error error(ErrorCode::kRejected, std::string(reason),
              remedy.empty() ? line : line + "; " + std::string(remedy));
  if (line == words) return error;
  return std::move(error).WithDetail(OneLine(ToText(At(body, "message")), kMaxDetail));
}

bool IsImmutable(const nlohmann::json& body, const std::string& words) {
  const std::vector<Fault> faults = FaultsOf(body);
  return faults.empty() ? IsImmutableMessage(words)
                        : std::ranges::any_of(faults, [](const Fault& fault) {
                            return IsImmutableMessage(fault.why);
                          });
}

// 403 is missing rights, or content that an admission plugin refuses. Authorizers word it as 'User
// "x" cannot patch resource'; the RBAC registry speaks of permissions not held; owner references of
// what one "can't" do.
Error DecodeForbidden(const nlohmann::json& body, std::string words) {
  if (HasCause(body, "NamespaceTerminating") || Has(words, "because it is being terminated")) {
    return {ErrorCode::kUnavailable, std::string(kReasonNamespaceTerminating),
            words + "; wait until the namespace is gone, or find out who deletes it"};
  }
  if (Has(words, "User \"system:anonymous\"")) {
    return {
        ErrorCode::kUnauthenticated, std::string(kReasonUnauthenticated),
        words +
            "; the server did not take our credentials for anybody's, see the kubeconfig's user"};
  }
  if (Has(words, "exceeded quota") && IsFilledByOthers(words)) {
    return {ErrorCode::kUnavailable, std::string(kReasonQuotaExceeded),
            words + "; others fill it, so it is tried again: free some of it, or have it raised"};
  }
  if (HasAny(words, {"exceeded quota", "failed quota"})) {
    return Refuse(kReasonQuotaExceeded, body, words, "ask for less, or have the quota raised");
  }
  const bool is_denial = HasAny(words, {"denied the request", "denied request"});
  const bool is_rights = (Has(words, "User \"") && Has(words, "\" cannot ")) ||
                         HasAny(words, {"attempting to grant RBAC permissions", "you can't"});
  const bool is_service_account = Has(words, "error looking up service account");
  if (is_service_account)
    return {ErrorCode::kUnavailable, "ServiceAccountMissing", std::move(words)};
  if (is_denial || (!is_rights && Has(words, " is forbidden: "))) {
    return Refuse(kReasonAdmissionDenied, body, words, kAskWhoDenies);
  }
  return {ErrorCode::kPermissionDenied, std::string(kReasonForbidden),
          words + "; grant it to sluice's account (examples/rbac)"};
}

Error DecodeNotFound(const nlohmann::json& body, std::string words) {
  const std::string kind = ToText(At(body, "details", "kind"));
  const std::string name = ToText(At(body, "details", "name"));
  if (kind == "namespaces") {
    return {ErrorCode::kNotFound, std::string(kReasonNamespaceMissing),
            words + "; create the namespace, or declare it in the unit"};
  }
  if (name.empty())
    return {ErrorCode::kNotFound, std::string(kReasonTypeNotServed), std::move(words)};
  return {ErrorCode::kNotFound, std::string(kReasonObjectMissing), std::move(words)};
}

Error DecodeConflict(const nlohmann::json& body, std::string words) {
  if (const std::vector<FieldConflict> conflicts = ConflictsOf(body); !conflicts.empty()) {
    std::string text;
    for (const FieldConflict& conflict : conflicts) {
      text +=
          (text.empty() ? "" : ", ") + conflict.field + " is owned by '" + conflict.manager + "'";
    }
    return {ErrorCode::kConflict, std::string(kReasonFieldConflict),
            OneLine(text, kMaxMessage) +
                "; remove the field from Git, or take the object over with 'sluice adopt'"};
  }
  if (ToText(At(body, "reason")) == "AlreadyExists") {
    return {ErrorCode::kConflict, std::string(kReasonAlreadyExists), std::move(words)};
  }
  if (HasAny(words, {"uid mismatch", "Precondition failed: UID", "UID in precondition",
                     "UID in the precondition"})) {
    return {ErrorCode::kConflict, std::string(kReasonObjectReplaced), std::move(words)};
  }
  return {ErrorCode::kConflict, std::string(kReasonWriteRaced), std::move(words)};
}

// A content error that server-side apply finds before validation is no Status error and comes out
// as 500.
bool IsSchemaFailure(std::string_view words) {
  return HasAny(
      words, {"failed to create typed", "field not declared in schema", "duplicate entries for key",
              "failed to convert new object", "errors:\n  ."});
}

Error DecodeServerError(int http_status, const nlohmann::json& body, std::string words) {
  if (http_status == 500 && IsSchemaFailure(words))
    return Refuse(kReasonContentRejected, body, words, kCorrect);
  if (HasAny(words,
             {"failed calling webhook", "failed to call webhook", "conversion webhook for"})) {
    return {ErrorCode::kUnavailable, std::string(kReasonWebhookUnavailable), std::move(words)};
  }
  return {ErrorCode::kUnavailable, std::string(kReasonServerError), std::move(words)};
}

}  // namespace

std::vector<FieldConflict> ConflictsOf(const nlohmann::json& status_body) {
  std::vector<FieldConflict> conflicts;
  for (const nlohmann::json& cause : Items(At(status_body, "details", "causes"))) {
    if (ToText(At(cause, "reason")) != "FieldManagerConflict") continue;
    // conflict with "kube-controller-manager" with subresource "scale" using apps/v1 at 2026-…
    std::string manager = ToText(At(cause, "message"));
    const size_t start = manager.find('"');
    const size_t end = start == std::string::npos ? start : manager.find('"', start + 1);
    if (end != std::string::npos) manager = manager.substr(start + 1, end - start - 1);
    conflicts.push_back({ToText(At(cause, "field")), OneLine(manager)});
  }
  return conflicts;
}

bool IsOfOlderShare(const nlohmann::json& status_body) {
  return ToText(At(status_body, "kind")) == "Status" &&
         Has(ToText(At(status_body, "message")), "to last applied version");
}

Error WithoutValues(const Error& error, const nlohmann::json& status_body) {
  if (error.code() != ErrorCode::kRejected || error.reason() == kReasonQuotaExceeded) return error;
  std::vector<std::string> fields;
  std::vector<std::string> immutable;
  for (const Fault& fault : FaultsOf(status_body)) {
    if (!fault.field.empty()) fields.push_back(fault.field);
    // A rule of this kind quotes no value.
    if (IsImmutableMessage(fault.why)) immutable.push_back(fault.field + ": " + fault.why);
  }
  if (error.reason() == kReasonImmutableField && !immutable.empty())
    return {error.code(), error.reason(), Join(immutable, "; ")};
  return {error.code(), error.reason(),
          "the server refuses the Secret" + (fields.empty() ? "" : " for " + Join(fields, ", ")) +
              "; its words are withheld, for they may quote values; see 'kubectl apply "
              "--server-side --dry-run=server'"};
}

Error DecodeFailure(int http_status, const nlohmann::json& body) {
  std::string words = Words(http_status, body);
  switch (http_status) {
    case 401:
      return {ErrorCode::kUnauthenticated, std::string(kReasonUnauthenticated),
              "the server does not accept our credentials (401 " + words +
                  "); renew them in the kubeconfig"};
    case 403:
      return DecodeForbidden(body, std::move(words));
    case 404:
      return DecodeNotFound(body, std::move(words));
    case 408:
      return {ErrorCode::kUnavailable, std::string(kReasonServerError), std::move(words)};
    case 409:
      return DecodeConflict(body, std::move(words));
    case 410:
      return {ErrorCode::kUnavailable, std::string(kReasonExpired), std::move(words)};
    case 413:
      return Refuse(
          kReasonContentRejected, body, words,
          "the API server takes 3 MiB at most, etcd about 1.5 MiB: make the object smaller");
    case 429:
      return {ErrorCode::kRateLimited, std::string(kReasonThrottled), std::move(words)};
    default:
      break;
  }
  if (http_status >= 500) return DecodeServerError(http_status, body, std::move(words));
  if (ToText(At(body, "kind")) != "Status") {
    // Not the API server: a proxy in front of it. Its refusal says nothing about the content.
    return {ErrorCode::kUnavailable, std::string(kReasonServerError),
            "HTTP " + std::to_string(http_status) +
                " that did not come from the Kubernetes API; check the "
                "kubeconfig's server and proxy-url"};
  }
  if (Has(words, "does not support dry run")) {
    return {ErrorCode::kRejected, std::string(kReasonDryRunUnsupported), std::move(words)};
  }
  if (HasAny(words, {"denied the request", "denied request"}))
    return Refuse(kReasonAdmissionDenied, body, words, kAskWhoDenies);
  // What to do about it depends on the object (replace.cc), and is said with the plan.
  if (http_status == 422 && IsImmutable(body, words))
    return Refuse(kReasonImmutableField, body, words, "");
  return Refuse(kReasonContentRejected, body, words, kCorrect);
}

}  // namespace sluice::targets::kubernetes
