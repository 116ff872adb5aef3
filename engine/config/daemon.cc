#include <filesystem>

#include "engine/base/strings.h"
#include "engine/config/config.h"
#include "engine/config/kinds.h"

namespace sluice::config {
namespace {

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// git@host:path
bool IsScpLike(std::string_view url) {
  const size_t colon = url.find(':');
  const size_t at = url.find('@');
  return at != std::string_view::npos && at > 0 && colon != std::string_view::npos && at < colon &&
         colon + 1 < url.size() && url.substr(0, colon).find('/') == std::string_view::npos &&
         url[colon + 1] != ':';
}

// What is wrong with a repository's URL; "" when nothing is.
std::string CheckUrl(const std::string& url, bool allow_insecure) {
  if (url.starts_with('/') || url.starts_with("./") || url.starts_with("../")) return "";
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) {
    return IsScpLike(url) && !url.starts_with('-') ? ""
                                                   : "must be https://..., ssh://..., or a path of "
                                                     "this machine that begins with / or ./";
  }
  const std::string scheme = url.substr(0, scheme_end);
  const std::string_view rest = std::string_view(url).substr(scheme_end + 3);
  std::string_view authority = rest.substr(0, rest.find('/'));
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const bool has_password = authority.substr(0, at).find(':') != std::string_view::npos;
    if (has_password || scheme != "ssh")
      return "must not carry credentials; use usernameFile and tokenFile";
    authority = authority.substr(at + 1);
  }
  if (scheme != "https" && scheme != "ssh" && scheme != "http")
    return "must be https, ssh, or a path of this machine, not " + scheme;
  if (authority.empty() || authority.starts_with('-')) return "has no host";
  if (scheme != "http") return "";
  const size_t port = authority.starts_with('[') ? authority.find("]:") : authority.find(':');
  const std::string_view host = authority.substr(
      0, port == std::string_view::npos ? port : port + (authority.starts_with('[') ? 1 : 0));
  return IsLoopback(host) || allow_insecure
             ? ""
             : "is http to another machine: use https, or set allowInsecure: true";
}

void ReadRepository(const Node& node, RepositoryConfig& out) {
  const auto branch = [](std::string& into) {
    return [&into](const Node& n) {
      std::string name;
      if (!n.String(name)) return;
      const bool is_bad = name.starts_with('-') || name.starts_with('/') || name.ends_with('/') ||
                          name.ends_with(".lock") || name.find("..") != std::string::npos ||
                          name.find_first_of(" ~^:?*[\\") != std::string::npos;
      if (is_bad || name.starts_with("refs/")) {
        n.Problem("invalid-value", "must be a branch name, not '" + name + "'");
      } else {
        into = std::move(name);
      }
    };
  };
  const auto text = [](std::string& into) { return [&into](const Node& n) { n.String(into); }; };
  const auto read_path = [&](const Node& n) {
    std::string path;
    if (!n.String(path)) return;
    std::vector<std::string> parts;
    for (const std::string& part : Split(path, '/')) {
      if (part == "..") return n.Problem("invalid-value", "must stay inside the repository");
      if (!part.empty() && part != ".") parts.push_back(part);
    }
    if (path.starts_with('/'))
      return n.Problem("invalid-value", "must be relative to the repository's root");
    out.path = parts.empty() ? "." : Join(parts, "/");
  };
  node.Object({
      {"url", text(out.url), true},
      {"branch", branch(out.branch)},
      {"logBranch", branch(out.log_branch)},
      {"path", read_path},
      {"poll", [&](const Node& n) { n.DurationAtLeast(out.poll, 50ms); }},
      {"timeout", [&](const Node& n) { n.DurationAtLeast(out.timeout, 1s); }},
      {"usernameFile", text(out.username_file)},
      {"tokenFile", text(out.token_file)},
      {"sshKeyFile", text(out.ssh_key_file)},
      {"knownHostsFile", text(out.known_hosts_file)},
      {"caFile", text(out.ca_file)},
      {"allowInsecure", [&](const Node& n) { n.Bool(out.allow_insecure); }},
  });
  if (!node.value().is_object() || out.url.empty()) return;
  if (const std::string wrong = CheckUrl(out.url, out.allow_insecure); !wrong.empty()) {
    node.Problem("invalid-value", "has the url " + RedactCredentials(out.url) + ", which " + wrong);
  }
  if (out.branch == out.log_branch)
    node.Problem("invalid-value",
                 "needs two branches: branch and logBranch are both " + out.branch);
}

}  // namespace

DaemonConfig ReadDaemon(Source& source) {
  DaemonConfig daemon;
  daemon.identity.name = "sluice";
  daemon.identity.email = "sluice@localhost";
  const auto text = [](std::string& into) { return [&into](const Node& n) { n.String(into); }; };
  const auto read_signing = [&](const Node& node) {
    node.Object({{"format",
                  [&](const Node& n) {
                    n.Enum<std::string>(daemon.signing.format, {{"ssh", "ssh"}, {"gpg", "gpg"}});
                  },
                  true},
                 {"keyFile", text(daemon.signing.key_file), true}});
  };
  const auto read_log = [&](const Node& node) {
    node.Object(
        {{"format",
          [&](const Node& n) {
            n.Enum<std::string>(daemon.log_format, {{"logfmt", "logfmt"}, {"json", "json"}});
          }},
         {"level", [&](const Node& n) {
            n.Enum<std::string>(
                daemon.log_level,
                {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}});
          }}});
  };
  const auto read_allow_list = [&](const Node& node) {
    node.List([&](const Node& item) {
      std::string command;
      if (item.String(command)) daemon.exec_allow_list.push_back(command);
    });
  };
  daemon.name = ReadKind(source, "Daemon", "", [&](const Node& spec) {
    spec.Object(
        {
            {"repository", [&](const Node& n) { ReadRepository(n, daemon.repository); }, true},
            {"kubeconfig", text(daemon.kubeconfig)},
            {"dataDir", text(daemon.data_dir), true},
            {"identity",
             [&](const Node& n) {
               n.Object({{"name", text(daemon.identity.name), true},
                         {"email", text(daemon.identity.email), true}});
             }},
            {"signing", read_signing},
            {"allowCommands", [&](const Node& n) { n.Bool(daemon.allow_commands); }},
            {"workers", [&](const Node& n) { n.Int(daemon.workers, 1, 256); }},
            {"log", read_log},
            {"hmacKeyFile", text(daemon.hmac_key_file)},
            {"execAllowList", read_allow_list},
        },
        {"api", "webhook", "webhooks", "metrics", "dashboard", "notifications", "forge"});
  });
  return daemon;
}

Result<DaemonConfig> ParseDaemonConfig(const std::string& text, const std::string& file) {
  const yaml::Parsed parsed = yaml::Parse(text, file);
  Diagnostics problems;
  DaemonConfig daemon;
  if (const yaml::Document* document = OnlyDocument(parsed, file, "Daemon", problems)) {
    Source source{file, *document, problems};
    daemon = ReadDaemon(source);
  }
  if (!problems.empty()) {
    std::vector<std::string> lines;
    for (const Diagnostic& problem : problems) lines.push_back(ToString(problem));
    return Fail(ErrorCode::kInvalidConfig, Join(lines, "\n"));
  }
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  const auto resolve = [&](std::string& path) {
    if (!path.empty() && !path.starts_with('/')) path = (folder / path).lexically_normal().string();
  };
  for (std::string* path : {&daemon.kubeconfig, &daemon.data_dir, &daemon.hmac_key_file,
                            &daemon.repository.username_file, &daemon.repository.token_file,
                            &daemon.repository.ssh_key_file, &daemon.repository.known_hosts_file,
                            &daemon.repository.ca_file}) {
    resolve(*path);
  }
  // A gpg key may be named by its id or fingerprint instead of a file.
  if (daemon.signing.format == "ssh" || daemon.signing.key_file.find('/') != std::string::npos)
    resolve(daemon.signing.key_file);
  if (daemon.repository.url.starts_with('.')) resolve(daemon.repository.url);
  return daemon;
}

}  // namespace sluice::config
