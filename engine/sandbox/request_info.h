// What a request's URL asks for, before any lookup. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/http_server.h"

namespace sluice::sandbox {

struct RequestInfo {
  std::string cluster;
  std::string path;  // below the cluster's prefix: /apis/apps/v1/…
  std::vector<std::string> parts;
  std::multimap<std::string, std::string> query;
  // A path below /api/v1 or /apis/G/V that names a resource.
  bool is_resource = false;
  std::string group;
  std::string version;
  std::string ns;
  std::string plural;
  std::string name;
  std::string subresource;
  // get list watch create update patch apply delete deletecollection; "get" off resources.
  std::string verb;

  std::string Query(const std::string& key) const;
  bool Has(const std::string& key) const { return query.count(key) > 0; }
  // true, 1 or an empty value, as the API server reads booleans.
  bool QueryBool(const std::string& key) const;
  bool IsWrite() const;
  bool IsDryRun() const { return Query("dryRun") == "All"; }
};

// nullopt for a target that is no path or has broken percent escapes.
std::optional<RequestInfo> ParseRequest(const HttpRequest& request);

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

}  // namespace sluice::sandbox
