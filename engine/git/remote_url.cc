#include "engine/git/remote_url.h"

#include <algorithm>

#include "engine/base/strings.h"

namespace sluice::git {
namespace {

tl::unexpected<Error> Refuse(const std::string& why) {
  return Fail(ErrorCode::kInvalidConfig,
              "repository.url " + why +
                  "; give https://host/path, ssh://user@host/path, user@host:path or an "
                  "absolute path of this machine");
}

bool IsLoopback(std::string host) {
  if (host.starts_with('[')) host = host.substr(1, host.find(']') - 1);
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

struct Authority {
  std::string user, host, port;
  bool has_user = false;
  bool has_password = false;
};

Authority ParseAuthority(std::string_view text) {
  Authority out;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    out.has_user = true;
    out.user = text.substr(0, at);
    out.has_password = out.user.find(':') != std::string::npos;
    text.remove_prefix(at + 1);
  }
  const auto bracket = text.find(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  out.host = text.substr(0, colon);
  if (colon != std::string_view::npos) out.port = text.substr(colon + 1);
  return out;
}

// A host or user that starts with '-' would be an option of ssh.
Status CheckAuthority(const Authority& authority, const std::string& shown) {
  if (authority.host.empty()) return Refuse("'" + shown + "' has no host");
  if (authority.host.starts_with('-') || authority.user.starts_with('-')) {
    return Refuse("'" + shown + "' has a host or user that starts with '-'");
  }
  if (authority.has_password) {
    return Refuse("'" + shown + "' has a password in it; put it into repository.tokenFile");
  }
  if (authority.port.find_first_not_of("0123456789") != std::string::npos ||
      authority.port.size() > 5) {
    return Refuse("'" + shown + "' has the port '" + authority.port + "'");
  }
  return {};
}

Result<RemoteUrl> ParseWithScheme(const std::string& url, const std::string& shown,
                                  PlainHttp plain_http) {
  const auto end = url.find("://");
  const std::string scheme = ToLower(std::string_view(url).substr(0, end));
  const std::string_view rest = std::string_view(url).substr(end + 3);
  const Authority authority = ParseAuthority(rest.substr(0, rest.find_first_of("/?#")));
  RemoteUrl out;
  out.text = url;
  out.protocol = scheme;
  if (scheme == "file")
    return Refuse("'" + shown + "' has the scheme 'file'; a path is given without it");
  if (scheme != "https" && scheme != "http" && scheme != "ssh")
    return Refuse("'" + shown + "' has the scheme '" + scheme + "'");
  SLUICE_CHECK(CheckAuthority(authority, shown));
  out.is_loopback = IsLoopback(authority.host);
  if (scheme == "ssh") {
    out.kind = RemoteUrl::Kind::kSsh;
    return out;
  }
  out.kind = RemoteUrl::Kind::kHttp;
  if (authority.has_user) {
    return Refuse("'" + shown +
                  "' has a user in it; put it into repository.usernameFile and the token into "
                  "repository.tokenFile");
  }
  if (url.find_first_of("?#") != std::string::npos)
    return Refuse("'" + shown + "' has a query or fragment");
  if (scheme == "http" && !out.is_loopback && plain_http == PlainHttp::kLoopbackOnly) {
    return Refuse("'" + shown + "' is not encrypted; use https, or set repository.allowInsecure");
  }
  out.origin =
      scheme + "://" + authority.host + (authority.port.empty() ? "" : ":" + authority.port) + "/";
  return out;
}

}  // namespace

Result<RemoteUrl> ParseRemoteUrl(const std::string& url, PlainHttp plain_http) {
  if (url.empty()) return Refuse("is empty");
  const std::string shown = RedactCredentials(EscapeControl(url));
  if (shown.size() > 2000) return Refuse("is longer than 2000 bytes");
  const bool is_plain_text =
      std::ranges::all_of(url, [](unsigned char c) { return c > 0x20 && c != 0x7F; });
  if (!is_plain_text && !url.starts_with('/'))
    return Refuse("'" + shown + "' has blanks or control characters");
  if (url.starts_with('-')) return Refuse("'" + shown + "' starts with '-'");
  if (url.starts_with('/')) {
    if (url.find_first_of("\n\r") != std::string::npos)
      return Refuse("'" + shown + "' has control characters");
    RemoteUrl out;
    out.text = url;
    out.protocol = "file";
    return out;
  }
  // "ext::", "fd::" and the like run a program of their choice.
  const auto colon = url.find(':');
  if (colon != std::string::npos && url.substr(colon).starts_with("::")) {
    return Refuse("'" + shown + "' names a transport helper");
  }
  if (url.find("://") != std::string::npos) return ParseWithScheme(url, shown, plain_http);
  const auto slash = url.find('/');
  if (colon == std::string::npos || colon > slash || colon == 0) {
    return Refuse("'" + shown + "' is a relative path");
  }
  // user@host:path
  const auto at = url.rfind('@', colon);
  Authority authority;
  authority.user = at == std::string::npos ? "" : url.substr(0, at);
  authority.host = url.substr(at == std::string::npos ? 0 : at + 1,
                              colon - (at == std::string::npos ? 0 : at + 1));
  if (colon + 1 == url.size()) return Refuse("'" + shown + "' has no path after the host");
  if (url.find('@', colon) != std::string::npos && at == std::string::npos) {
    return Refuse("'***" + url.substr(url.rfind('@')) +
                  "' has a password in it; ssh uses repository.sshKeyFile");
  }
  SLUICE_CHECK(CheckAuthority(authority, shown));
  RemoteUrl out;
  out.kind = RemoteUrl::Kind::kSsh;
  out.text = url;
  out.protocol = "ssh";
  out.is_loopback = IsLoopback(authority.host);
  return out;
}

bool IsFullRefName(std::string_view name) {
  if (!name.starts_with("refs/") || name.size() < 6 || name.size() > 500) return false;
  if (name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos)
    return false;
  for (const unsigned char c : name) {
    if (c <= 0x20 || c == 0x7F ||
        std::string_view("~^:?*[\\").find(static_cast<char>(c)) != std::string_view::npos)
      return false;
  }
  for (const std::string& part : Split(name, '/')) {
    if (part.empty() || part.starts_with('.') || part.ends_with('.') || part.ends_with(".lock"))
      return false;
  }
  return true;
}

}  // namespace sluice::git
