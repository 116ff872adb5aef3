#include "engine/sandbox/api_error.h"

#include <nlohmann/json.hpp>

#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {
namespace {

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string QualifiedPlural(const ResourceType& type) {
  return type.group.empty() ? type.plural : type.plural + "." + type.group;
}

ApiError About(const ResourceType& type, int code, std::string reason, std::string_view name) {
  ApiError error;
  error.code = code;
  error.reason = std::move(reason);
  error.name = name;
  error.group = type.group;
  error.kind = type.plural;
  return error;
}

}  // namespace

Json ToStatus(const ApiError& error) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", error.message}, {"code", error.code}};
  if (!error.reason.empty()) status["reason"] = error.reason;
  Json details = Json::object();
  if (!error.name.empty()) details["name"] = error.name;
  if (!error.group.empty()) details["group"] = error.group;
  if (!error.kind.empty()) details["kind"] = error.kind;
  if (!error.uid.empty()) details["uid"] = error.uid;
  for (const Cause& cause : error.causes) {
    Json item = {{"reason", cause.reason}, {"message", cause.message}};
    if (!cause.field.empty()) item["field"] = cause.field;
    details["causes"].push_back(std::move(item));
  }
  if (error.retry_after_seconds > 0) details["retryAfterSeconds"] = error.retry_after_seconds;
  if (!details.empty()) status["details"] = std::move(details);
  return status;
}

tl::unexpected<ApiError> BadRequest(std::string message) {
  ApiError error;
  error.code = 400;
  error.reason = "BadRequest";
  error.message = std::move(message);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> NotFound(const ResourceType& type, std::string_view name) {
  ApiError error = About(type, 404, "NotFound", name);
  error.message = QualifiedPlural(type) + " " + Quoted(name) + " not found";
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> UnknownPath() {
  ApiError error;
  error.code = 404;
  error.reason = "NotFound";
  error.message = "the server could not find the requested resource";
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> AlreadyExists(const ResourceType& type, std::string_view name) {
  ApiError error = About(type, 409, "AlreadyExists", name);
  error.message = QualifiedPlural(type) + " " + Quoted(name) + " already exists";
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> Conflict(const ResourceType& type, std::string_view name,
                                  std::string_view why) {
  ApiError error = About(type, 409, "Conflict", name);
  error.message = "Operation cannot be fulfilled on " + QualifiedPlural(type) + " " + Quoted(name) +
                  ": " + std::string(why);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> Forbidden(const ResourceType& type, std::string_view name,
                                   std::string_view why, std::vector<Cause> causes) {
  ApiError error = About(type, 403, "Forbidden", name);
  error.message = QualifiedPlural(type) + " " + Quoted(name) + " is forbidden: " + std::string(why);
  error.causes = std::move(causes);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> Invalid(const ResourceType& type, std::string_view name,
                                 std::vector<Cause> causes) {
  ApiError error = About(type, 422, "Invalid", name);
  error.kind = type.kind;
  error.message = (type.group.empty() ? type.kind : type.kind + "." + type.group) + " " +
                  Quoted(name) + " is invalid: ";
  std::string text;
  for (const Cause& cause : causes) {
    text += (text.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  error.message += causes.size() == 1 ? text : "[" + text + "]";
  error.causes = std::move(causes);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ApiError> Internal(std::string message) {
  ApiError error;
  error.code = 500;
  error.message = std::move(message);
  return tl::unexpected(std::move(error));
}

Cause RequiredValue(std::string field, std::string_view detail) {
  std::string message = "Required value";
  if (!detail.empty()) message += ": " + std::string(detail);
  return {"FieldValueRequired", std::move(message), std::move(field)};
}

Cause InvalidValue(std::string field, const Json& value, std::string_view detail) {
  return {"FieldValueInvalid", "Invalid value: " + Dump(value) + ": " + std::string(detail),
          std::move(field)};
}

Cause ForbiddenValue(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", "Forbidden: " + std::string(detail), std::move(field)};
}

Cause UnsupportedValue(std::string field, const Json& value,
                       const std::vector<std::string>& allowed) {
  std::string list;
  for (const std::string& word : allowed) list += (list.empty() ? "" : ", ") + Quoted(word);
  return {"FieldValueNotSupported",
          "Unsupported value: " + Dump(value) + ": supported values: " + list, std::move(field)};
}

Cause DuplicateValue(std::string field, const Json& value) {
  return {"FieldValueDuplicate", "Duplicate value: " + Dump(value), std::move(field)};
}

}  // namespace sluice::sandbox
