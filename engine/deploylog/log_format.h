// What the log branch's files and commits look like. Pure; for the .cc files of this module only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/deploylog/deploy_log.h"

namespace sluice::deploylog {

inline constexpr std::string_view kLogFile = "log.json";
inline constexpr std::string_view kRequests = kRequestsDirectory;
inline constexpr int64_t kMaxRecordBytes = 64 << 10;  // four times what is written
inline constexpr int64_t kMaxRequestBytes = 16 << 10;
inline constexpr int64_t kMaxListBytes = 16 << 20;  // log.json, inventories

std::string RecordPath(const UnitId& unit);
std::string InventoryPath(const UnitId& unit);
std::string CreatedPath(const UnitId& unit);
std::string GoodPath(const UnitId& unit);
std::string RequestPath(const std::string& id);
// "prod", "checkout.json" -> prod/checkout; nullopt for names that are not ours.
std::optional<UnitId> UnitOfRecord(std::string_view environment, std::string_view file);
std::optional<std::string> IdOfRequest(std::string_view file);
bool IsRequestId(std::string_view id);
bool IsRequestVerb(std::string_view verb);

std::string FormatInventory(const Inventory& inventory);
Result<Inventory> ParseInventory(std::string_view text);

std::string FormatInitialised(const Initialised& initialised);
Result<Initialised> ParseInitialised(std::string_view text);

// Verb, unit, reason, objects; who and when are the commit's.
std::string FormatRequest(const Request& request);
Result<Request> ParseRequest(std::string_view text);

// nullopt for a commit without an event of ours.
std::optional<Event> EventOf(const git::Commit& commit);
// The engine that wrote a commit of the log; "" for none.
std::string EngineOf(const git::Commit& commit);
std::string FormatPerson(const git::Person& person);
// For messages.
std::string Short(const std::string& commit);

}  // namespace sluice::deploylog
