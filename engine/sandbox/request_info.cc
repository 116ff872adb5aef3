#include "engine/sandbox/request_info.h"

#include <cctype>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string VerbOf(const HttpRequest& request, const RequestInfo& info) {
  const bool named = !info.name.empty();
  if (request.method == "GET" || request.method == "HEAD") {
    if (info.QueryBool("watch")) return "watch";
    return named || !info.is_resource ? "get" : "list";
  }
  if (request.method == "POST") return "create";
  if (request.method == "PUT") return "update";
  if (request.method == "PATCH") {
    return request.Header("content-type").rfind("application/apply-patch", 0) == 0 ? "apply"
                                                                                   : "patch";
  }
  if (request.method == "DELETE") return named ? "delete" : "deletecollection";
  return ToLower(request.method);
}

// parts: [api v1 …] or [apis G V …]; `at` is the first part behind the version.
void ReadResource(RequestInfo& info, size_t at) {
  const std::vector<std::string>& parts = info.parts;
  if (at >= parts.size()) return;
  info.is_resource = true;
  // namespaces/NS/PLURAL…, but namespaces/NS and namespaces/NS/status are the Namespace itself.
  if (parts[at] == "namespaces" && at + 2 < parts.size() && parts[at + 2] != "status" &&
      parts[at + 2] != "finalize") {
    info.ns = parts[at + 1];
    at += 2;
  }
  info.plural = parts[at];
  if (at + 1 < parts.size()) info.name = parts[at + 1];
  if (at + 2 < parts.size()) info.subresource = parts[at + 2];
}

}  // namespace

std::string RequestInfo::Query(const std::string& key) const {
  const auto it = query.find(key);
  return it == query.end() ? std::string() : it->second;
}

bool RequestInfo::QueryBool(const std::string& key) const {
  const auto it = query.find(key);
  return it != query.end() && it->second != "false" && it->second != "0";
}

bool RequestInfo::IsWrite() const {
  return verb == "create" || verb == "update" || verb == "patch" || verb == "apply" ||
         verb == "delete" || verb == "deletecollection";
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<RequestInfo> ParseRequest(const HttpRequest& request) {
  RequestInfo info;
  std::string_view target = request.target;
  if (target.empty() || target[0] != '/') return std::nullopt;
  const size_t question = target.find('?');
  if (question != std::string_view::npos) {
    for (const std::string& pair : Split(target.substr(question + 1), '&')) {
      const size_t equals = pair.find('=');
      const auto key = PercentDecode(std::string_view(pair).substr(0, equals), true);
      const auto value =
          PercentDecode(equals == std::string::npos ? std::string_view()
                                                    : std::string_view(pair).substr(equals + 1),
                        true);
      if (!key || !value) return std::nullopt;
      if (!key->empty()) info.query.emplace(*key, *value);
    }
    target = target.substr(0, question);
  }
  bool first = true;
  for (const std::string& raw : Split(target, '/')) {
    if (raw.empty()) continue;
    const auto part = PercentDecode(raw, false);
    if (!part) return std::nullopt;
    if (first) {
      info.cluster = *part;
      first = false;
      continue;
    }
    info.path += "/" + *part;
    info.parts.push_back(*part);
  }
  if (info.path.empty()) info.path = "/";
  if (info.parts.size() >= 2 && info.parts[0] == "api") {
    info.version = info.parts[1];
    ReadResource(info, 2);
  } else if (info.parts.size() >= 3 && info.parts[0] == "apis") {
    info.group = info.parts[1];
    info.version = info.parts[2];
    ReadResource(info, 3);
  }
  info.verb = VerbOf(request, info);
  return info;
}

}  // namespace sluice::sandbox
