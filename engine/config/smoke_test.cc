#include <algorithm>
#include <charconv>

#include "engine/base/strings.h"
#include "engine/config/kinds.h"

namespace sluice::config {
namespace {

using nlohmann::json;

bool IsPort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// "host:port"; an IPv6 host stands in brackets.
bool IsAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !IsPort(text.substr(colon + 1)))
    return false;
  const std::string_view host = text.substr(0, colon);
  if (host.find_first_of(" /@?#\\") != std::string_view::npos) return false;
  return host.find(':') == std::string_view::npos || (host.starts_with('[') && host.ends_with(']'));
}

void ReadAddress(const Node& node, std::string& out) {
  std::string text;
  if (!node.String(text)) return;
  if (!IsAddress(text)) {
    node.Problem("invalid-value", "must be host:port, not '" + text + "'");
    return;
  }
  out = std::move(text);
}

void ReadUrl(const Node& node, std::string& out) {
  std::string text;
  if (!node.String(text)) return;
  const size_t scheme = text.find("://");
  const std::string name = ToLower(text.substr(0, scheme == std::string::npos ? 0 : scheme));
  if (name != "http" && name != "https") {
    node.Problem("invalid-value", "must begin with http:// or https://");
    return;
  }
  const std::string_view rest = std::string_view(text).substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    node.Problem("invalid-value", "must not carry a user name or password");
    return;
  }
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  if (authority.empty() || colon == 0 || text.find(' ') != std::string::npos ||
      (has_port && !IsPort(authority.substr(colon + 1)))) {
    node.Problem("invalid-value", "must be a URL with a host, such as http://shop.example/healthz");
    return;
  }
  out = std::move(text);
}

void ReadHeaders(const Node& node, std::map<std::string, std::string>& out, bool is_lower_case) {
  node.Map([&](const std::string& name, const Node& value) {
    std::string text;
    if (!value.String(text)) return;
    if (name.empty() ||
        name.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") !=
            std::string::npos) {
      value.Problem("invalid-value", "is no HTTP header name");
      return;
    }
    out[is_lower_case ? ToLower(name) : name] = text;
  });
}

void ReadJsonValue(const Node& node, std::optional<HttpSmokeTest::JsonValue>& out) {
  HttpSmokeTest::JsonValue value;
  const auto read_path = [&](const Node& n) {
    if (!n.String(value.path)) return;
    try {
      json::json_pointer pointer(value.path);
    } catch (const json::exception&) {
      n.Problem("invalid-value",
                "must be a JSON pointer such as /version, not '" + value.path + "'");
    }
  };
  node.Object({{"path", read_path, true},
               {"equals", [&](const Node& n) { value.equals = n.value(); }, true}});
  out = std::move(value);
}

HttpSmokeTest ReadHttp(const Node& node) {
  HttpSmokeTest http;
  node.Object({
      {"url", [&](const Node& n) { ReadUrl(n, http.url); }, true},
      {"connectTo", [&](const Node& n) { ReadAddress(n, http.connect_to); }},
      {"status", [&](const Node& n) { n.Int(http.status, 100, 599); }},
      {"headers", [&](const Node& n) { ReadHeaders(n, http.headers, false); }},
      {"expectHeaders", [&](const Node& n) { ReadHeaders(n, http.expect_headers, true); }},
      {"contains", [&](const Node& n) { n.String(http.contains); }},
      {"json", [&](const Node& n) { ReadJsonValue(n, http.json); }},
  });
  return http;
}

// A path below the unit's directory: no "..", not absolute.
bool IsInside(std::string_view path) {
  if (path.starts_with('/')) return false;
  for (const std::string& part : Split(path, '/')) {
    if (part == "..") return false;
  }
  return true;
}

CommandSmokeTest ReadCommand(const Node& node) {
  CommandSmokeTest command;
  const auto read_run = [&](const Node& list) {
    list.List([&](const Node& item) {
      std::string word;
      if (item.value().is_string() && item.value().get_ref<const std::string&>().empty() &&
          !command.run.empty()) {
        command.run.emplace_back();
      } else if (item.String(word)) {
        command.run.push_back(word);
      }
    });
    if (!list.value().is_array()) return;
    if (list.value().empty()) {
      list.Problem("invalid-value", "must name a command");
    } else if (!command.run.empty() && command.run[0].find('/') != std::string::npos &&
               !IsInside(command.run[0])) {
      list.Problem("invalid-value", "'" + command.run[0] +
                                        "' must be a file of the application's directory such as "
                                        "./check.sh, or a program's bare name");
    }
  };
  node.Object({{"run", read_run, true}});
  return command;
}

TaskSmokeTest ReadTask(const Node& node, const TargetKind& kind) {
  TaskSmokeTest task{&kind, ""};
  const auto read_manifest = [&](const Node& n) {
    std::string path;
    if (!n.String(path)) return;
    const bool is_yaml =
        path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
    if (!IsInside(path) || !is_yaml) {
      n.Problem("invalid-value",
                "'" + path + "' must be a YAML or JSON file of the application's directory");
      return;
    }
    task.manifest = std::move(path);
  };
  node.Object({{"manifest", read_manifest, true}});
  return task;
}

}  // namespace

SmokeTest ReadSmokeTest(const Node& node, const TargetKinds& kinds) {
  SmokeTest test;
  int checks = 0;
  const auto check = [&](auto read) {
    return [&test, &checks, read](const Node& n) {
      ++checks;
      test.check = read(n);
    };
  };
  std::vector<Field> fields = {
      {"name", [&](const Node& n) { n.Label(test.name); }, true},
      {"http", check(ReadHttp)},
      {"tcp",
       [&](const Node& n) {
         ++checks;
         TcpSmokeTest tcp;
         n.Object({{"address", [&](const Node& a) { ReadAddress(a, tcp.address); }, true}});
         test.check = tcp;
       }},
      {"command", check(ReadCommand)},
      {"timeout", [&](const Node& n) { n.DurationAtLeast(test.timeout, 100ms); }},
      {"retries", [&](const Node& n) { n.Int(test.retries, 0, 1000); }},
      {"interval", [&](const Node& n) { n.DurationAtLeast(test.interval, 0ms); }},
      {"samples", [&](const Node& n) { n.Int(test.samples, 1, 1000); }},
      {"required", [&](const Node& n) { n.Int(test.required, 1, 1000); }},
  };
  std::vector<std::string_view> not_yet = {"task", "analysis"};
  std::string known = "http, tcp, command";
  for (const TargetKind* kind : kinds) {
    const std::string_view word = kind->TaskOfTests().word;
    fields.push_back({word, check([kind](const Node& n) { return ReadTask(n, *kind); })});
    std::erase(not_yet, word);
    known += ", " + std::string(word);
  }
  node.Object(fields, not_yet);
  if (!node.value().is_object()) return test;
  const bool is_told = std::ranges::any_of(
      not_yet, [&](std::string_view word) { return node.value().contains(std::string(word)); });
  if (checks == 0 && !is_told) node.Problem("missing-field", "needs one of " + known);
  if (checks > 1) node.Problem("invalid-value", "must have only one of " + known);
  if (test.required > test.samples) {
    node.Problem("invalid-value", "requires " + std::to_string(test.required) + " of " +
                                      std::to_string(test.samples) +
                                      " samples; raise samples or lower required");
  }
  return test;
}

}  // namespace sluice::config
