// A refusal as the API server words it: an HTTP code and the parts of a meta/v1 Status.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/sandbox/json.h"

namespace sluice::sandbox {

struct ResourceType;

struct Cause {
  std::string reason;  // FieldValueInvalid, FieldManagerConflict, …
  std::string message;
  std::string field;
};

struct ApiError {
  int code = 500;
  std::string reason;  // empty where the real server gives none
  std::string message;
  std::string name;
  std::string group;
  std::string kind;  // the plural for lookups, the kind for validation, as the real server does
  std::string uid;
  std::vector<Cause> causes;
  int retry_after_seconds = 0;
};

template <class T>
using ApiResult = tl::expected<T, ApiError>;
using ApiStatus = ApiResult<void>;

Json ToStatus(const ApiError& error);

tl::unexpected<ApiError> BadRequest(std::string message);
tl::unexpected<ApiError> NotFound(const ResourceType& type, std::string_view name);
tl::unexpected<ApiError> UnknownPath();
tl::unexpected<ApiError> AlreadyExists(const ResourceType& type, std::string_view name);
// `why` follows "Operation cannot be fulfilled on deployments.apps "web": ".
tl::unexpected<ApiError> Conflict(const ResourceType& type, std::string_view name,
                                  std::string_view why);
tl::unexpected<ApiError> Forbidden(const ResourceType& type, std::string_view name,
                                   std::string_view why, std::vector<Cause> causes = {});
tl::unexpected<ApiError> Invalid(const ResourceType& type, std::string_view name,
                                 std::vector<Cause> causes);
tl::unexpected<ApiError> Internal(std::string message);

// Causes in the words of the API server's field errors.
Cause RequiredValue(std::string field, std::string_view detail = "");
Cause InvalidValue(std::string field, const Json& value, std::string_view detail);
Cause ForbiddenValue(std::string field, std::string_view detail);
Cause UnsupportedValue(std::string field, const Json& value,
                       const std::vector<std::string>& allowed);
Cause DuplicateValue(std::string field, const Json& value);

}  // namespace sluice::sandbox

#define SANDBOX_TRY_(tmp, decl, expr)                                                     \
  auto tmp = (expr);                                                                      \
  if (!tmp) return ::tl::unexpected<::sluice::sandbox::ApiError>(std::move(tmp).error()); \
  decl = std::move(*tmp)
// SLUICE_TRY and SLUICE_CHECK for ApiResult.
#define SANDBOX_TRY(decl, ...) SANDBOX_TRY_(SLUICE_CONCAT(try_, __COUNTER__), decl, (__VA_ARGS__))
#define SANDBOX_CHECK_(tmp, expr) \
  if (auto tmp = (expr); !tmp)    \
  return ::tl::unexpected<::sluice::sandbox::ApiError>(std::move(tmp).error())
#define SANDBOX_CHECK(...) SANDBOX_CHECK_(SLUICE_CONCAT(check_, __COUNTER__), (__VA_ARGS__))
