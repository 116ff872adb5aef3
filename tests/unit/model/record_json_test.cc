#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "engine/model/record.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"

namespace sluice {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

SystemTime At(int64_t milliseconds) { return SystemTime{Duration{milliseconds}}; }

// Every member differs from its default.
Record FullRecord() {
  Record r;
  r.unit = {"prod", "checkout"};
  r.phase = Phase::kRollingBack;
  r.outcome = Outcome::kFailed;
  r.reason = "SmokeTestFailed";
  r.message = "smoke test 'up' said no:\nstatus 500 – “broken”";
  r.frozen = Frozen{"Ada <ada@example.org>", "data migration", At(1'700'000'000'123)};
  r.revision = std::string(40, 'a');
  r.fingerprint = std::string(64, 'b');
  r.release = {"sha256:1", "2026.11.3"};
  r.rollout = "r-0123456789";
  r.kind = "deploy";
  r.attempt = 2;
  r.plan = "hmac:3";
  r.engine = "e-1";
  r.started = At(1'700'000'000'000);
  r.finished = At(1'700'000'001'001);
  r.wait = {At(1'700'000'003'100),
            {{"soak", "held", "Soaking", "until 10:00", At(1'700'000'005'000)},
             {"predecessor", "open", "", "", {}}},
            Waiting{"c5", "f5", 3}};
  r.open = OpenRollout{At(1'700'000'002'010),
                       At(1'700'000'004'000),
                       {"*", "eu apps/Deployment/shop/checkout"},
                       FoundOpen{3, 1, 2}};
  r.unwell_before = {{"eu", "apps/Deployment/shop/checkout", "Unhealthy", true},
                     {"us", "/ConfigMap/shop/a", "", false}};
  r.prune_waits = true;
  r.leaving = {{"eu", {"apps", "Deployment", "shop", "operator"}, "uid-2", SystemTime{}, "", true},
               {"eu",
                {"", "ConfigMap", "shop", "old"},
                "uid-1",
                r.started.value_or(SystemTime{}),
                "being deleted, held by finalizer example.test/hold"}};
  r.pending_revert = PendingRevert{"op-1"};
  r.promote_operation = "op-2";
  r.content = "0c";
  r.failed = {{"f2", "sha256:2", "c2", "Unhealthy", "r-2", "1c"}, {"f1", "", "", "", ""}};
  r.releases = {{"sha256:2", "v2", "c2", At(1'700'000'006'500), 1h + 1ms, true},
                {"sha256:1", "", "", {}, 0ms, false}};
  r.running = RunningState{"c3", "f3", {"sha256:3", "v3"}};
  r.last_known_good =
      LastKnownGood{"c4", "f4", "r-4", {"sha256:4", "v4"}, At(1'700'000'007'000), "s4"};
  r.healthy_since = At(1'700'000'008'000);
  r.done = {{"eu", "batch/Job/shop/migrate", "5d0e9a"}};
  r.drift = {"eu apps/Deployment/shop/checkout spec.replicas"};
  r.targets["eu"] = {
      Phase::kApplying,    Outcome::kErrored, Health::kDegraded, At(1'700'000'009'000), "f5",
      "kubernetes/eu/shop"};
  r.targets["us"] = {};
  r.leftovers = {{"ap", "kubernetes/ap/shop"}};
  return r;
}

std::string RandomText(std::mt19937& random, size_t most) {
  static const std::vector<std::string> kPieces = {"a", "Z", "-",  " ",    "\"",  "\\",
                                                   "é", "…", "\n", "\x01", "\xff"};
  std::string out;
  for (size_t left = random() % (most + 1); left > 0; --left)
    out += kPieces[random() % kPieces.size()];
  return out;
}

}  // namespace

TEST_CASE("a record reads back as it was written") {
  const Record record = FullRecord();
  const auto back = ParseRecordText(FormatRecord(record));
  REQUIRE(back);
  CHECK(*back == record);
  const auto empty = ParseRecord(ToJson(Record{.unit = {"dev", "web"}}));
  REQUIRE(empty);
  CHECK(*empty == Record{.unit = {"dev", "web"}});
}

TEST_CASE("durations and times below a second survive a record") {
  Record record = FullRecord();
  record.releases[0].longest_stay = 7ms;
  record.healthy_since = At(1'700'000'008'999);
  const json written = ToJson(record);
  CHECK(written["releases"][0]["longestStay"] == "7ms");
  CHECK(written["healthySince"] == "2023-11-14T22:13:28.999Z");
  const auto back = ParseRecord(written);
  REQUIRE(back);
  CHECK(back->releases[0].longest_stay == 7ms);
  CHECK(back->healthy_since == record.healthy_since);
}

TEST_CASE("a stay longer than a duration can say is written as the longest one") {
  Record record = FullRecord();
  record.releases[0].longest_stay = 24h * 800;
  const auto back = ParseRecord(ToJson(record));
  REQUIRE(back);
  CHECK(back->releases[0].longest_stay == 24h * 365);
}

TEST_CASE("an absent optional member is left out of a record") {
  const json written = ToJson(Record{.unit = {"dev", "web"}});
  for (const char* key : {"outcome", "frozen", "started", "finished", "healthDeadline", "wake",
                          "erroredSince", "waiting", "running", "lastKnownGood", "healthySince"}) {
    INFO(key);
    CHECK_FALSE(written.contains(key));
  }
}

TEST_CASE("a record with an unknown member is refused and the member named") {
  const std::string where = GENERATE("", "release", "frozen", "running", "lastKnownGood");
  json written = ToJson(FullRecord());
  (where.empty() ? written : written[where])["surprise"] = 1;
  const auto back = ParseRecord(written);
  REQUIRE_FALSE(back);
  CHECK(back.error().code() == ErrorCode::kCorrupted);
  CHECK_THAT(back.error().message(),
             Catch::Contains("'" + (where.empty() ? "" : where + ".") + "surprise'"));
}

TEST_CASE("a record with an unknown member in a list or a target is refused") {
  json written = ToJson(FullRecord());
  const std::string where = GENERATE("gates", "failed", "releases", "targets");
  (where == "targets" ? written[where]["eu"] : written[where][0])["surprise"] = 1;
  const auto back = ParseRecord(written);
  REQUIRE_FALSE(back);
  CHECK(back.error().code() == ErrorCode::kCorrupted);
  CHECK_THAT(back.error().message(), Catch::Contains("surprise"));
}

TEST_CASE("a record with a value outside the vocabulary is refused") {
  struct Row {
    std::string key;
    json value;
    std::string message;
  };
  const auto row = GENERATE(values<Row>({
      {"unit", "prod/../x", "'unit'"},
      {"unit", "Prod/web", "'unit'"},
      {"phase", "Sleeping", "Sleeping"},
      {"outcome", "Meh", "Meh"},
      {"attempt", -1, "'attempt'"},
      {"attempt", "2", "'attempt'"},
      {"started", "yesterday", "'started'"},
      {"started", "9999-12-31T23:59:59-01:00", "'started'"},
      {"hasWritten", 1, "'hasWritten'"},
      {"gates", json::object(), "'gates'"},
      {"drift", json::array({1}), "'drift[0]'"},
      {"targets", json::array(), "'targets'"},
      {"reason", "\x1b[31m", "'reason'"},
      {"release", "sha256:1", "'release'"},
  }));
  DYNAMIC_SECTION(row.key << " " << row.value.dump()) {
    json written = ToJson(FullRecord());
    written[row.key] = row.value;
    const auto back = ParseRecord(written);
    REQUIRE_FALSE(back);
    CHECK(back.error().code() == ErrorCode::kCorrupted);
    CHECK_THAT(back.error().message(), Catch::Contains(row.message));
  }
  CHECK_FALSE(ParseRecordText("{"));
  CHECK_FALSE(ParseRecordText("[]"));
  CHECK_FALSE(ParseRecordText("{}"));
}

TEST_CASE("a record never exceeds 16 KiB and keeps the newest of its lists") {
  std::mt19937 random(20261121);  // NOLINT: the same records every time
  int shortened = 0;
  for (int round = 0; round < 60; ++round) {
    Record record = FullRecord();
    record.message = RandomText(random, 6000);
    record.wait.gates[0].message = RandomText(random, 6000);
    record.failed.clear();
    record.releases.clear();
    record.drift.clear();
    for (size_t i = random() % 90; i > 0; --i) {
      record.failed.push_back(
          {std::to_string(i), RandomText(random, 80), std::string(40, 'c'), "Unhealthy", "r-1"});
    }
    for (size_t i = random() % 90; i > 0; --i) {
      record.releases.push_back(
          {std::to_string(i), RandomText(random, 80), std::string(40, 'c'), At(1), 5min, false});
    }
    for (size_t i = random() % 30; i > 0; --i) record.drift.push_back(RandomText(random, 500));
    const std::string text = FormatRecord(record);
    REQUIRE(text.size() <= 16 * 1024);
    const auto back = ParseRecordText(text);
    REQUIRE(back);
    REQUIRE(FormatRecord(*back) == text);
    REQUIRE(Normalized(record) == *back);
    REQUIRE(back->failed.size() <= 50);
    REQUIRE(back->releases.size() <= 50);
    REQUIRE(back->drift.size() <= 20);
    if (back->failed.size() < std::min<size_t>(record.failed.size(), 50)) ++shortened;
    for (size_t i = 0; i < back->failed.size(); ++i) {
      REQUIRE(back->failed[i].fingerprint == record.failed[i].fingerprint);
    }
    for (size_t i = 0; i < back->releases.size(); ++i)
      REQUIRE(back->releases[i].digest == record.releases[i].digest);
  }
  CHECK(shortened > 5);
}

TEST_CASE("control characters cannot enter a record") {
  Record record = FullRecord();
  record.message = "red \x1b[31m and\nblue \xff";
  const auto back = ParseRecord(ToJson(record));
  REQUIRE(back);
  CHECK(back->message == "red \\x1b[31m and\nblue \xef\xbf\xbd");
}

namespace {

// Every member of `value` is described, and every described member is there.
void CheckAgreement(const json& schema, const json& value, const json& root,
                    const std::string& where) {
  const json& resolved =
      schema.contains("$ref")
          ? root.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1)))
          : schema;
  INFO(where);
  if (value.is_object() && resolved.contains("properties")) {
    REQUIRE(resolved.value("additionalProperties", json(true)) == json(false));
    for (const auto& [key, member] : value.items()) {
      INFO(key);
      REQUIRE(resolved["properties"].contains(key));
      CheckAgreement(resolved["properties"][key], member, root, where + "." + key);
    }
    for (const auto& [key, unused] : resolved["properties"].items()) {
      INFO("described but not written: " << key);
      CHECK(value.contains(key));
    }
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      CheckAgreement(resolved.at("additionalProperties"), member, root, where + "." + key);
      break;
    }
  } else if (value.is_array()) {
    REQUIRE(resolved["type"] == "array");
    CheckAgreement(resolved["items"], value[0], root, where + "[0]");
  } else {
    const std::string type = value.is_string()    ? "string"
                             : value.is_boolean() ? "boolean"
                                                  : "integer";
    CHECK(resolved["type"] == type);
    if (resolved.contains("enum")) {
      CHECK(std::ranges::find(resolved["enum"], value) != resolved["enum"].end());
    }
  }
}

json Schema(const std::string& name) {
  std::ifstream file(test::SourceDirectory() + "/manifests-schema/" + name);
  REQUIRE(file);
  return json::parse(file);
}

}  // namespace

TEST_CASE("the record's schema describes exactly what is written") {
  const json schema = Schema("record.json");
  CheckAgreement(schema, ToJson(FullRecord()), schema, "record");
  const json minimal = ToJson(Record{.unit = {"dev", "web"}});
  for (const json& key : schema["required"]) CHECK(minimal.contains(key.get<std::string>()));
}

TEST_CASE("the schema of status describes a record and what is desired") {
  const json schema = Schema("status.json");
  json status = ToJson(FullRecord());
  status["desired"] = {{"revision", "c"}, {"fingerprint", "f"}};
  json properties = schema["items"]["properties"];
  for (const auto& [key, value] : status.items()) {
    INFO(key);
    CHECK(properties.contains(key));
  }
  CHECK(schema["definitions"] == Schema("record.json")["definitions"]);
  const json record = Schema("record.json");
  for (const auto& [key, value] : record["properties"].items()) {
    INFO(key);
    CHECK(properties[key] == value);
  }
}

TEST_CASE("an event's trailers become members in lowerCamelCase") {
  Event event;
  event.kind = EventKind::kReverted;
  event.summary = "prod/checkout: reverted";
  event.commit = std::string(40, 'a');
  event.author = "sluice <sluice@example.org>";
  event.time = At(1'700'000'000'000);
  event.trailers = {{"Environment", "prod"}, {"Application", "checkout"}, {"Plan-Digest", "p"},
                    {"Attempt", "2"},        {"Reverts", "c1"},           {"Reverts", "c2"},
                    {"Event", "reverted"}};
  CHECK(ToJson(event) == json::parse(R"({"commit": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "time": "2023-11-14T22:13:20Z", "by": "sluice <sluice@example.org>", "event": "reverted",
    "unit": "prod/checkout", "environment": "prod", "application": "checkout", "planDigest": "p", "attempt": 2,
    "reverts": ["c1", "c2"], "summary": "prod/checkout: reverted"})"));
  const json schema = Schema("log.json");
  const json written = ToJson(event);
  for (const auto& [key, value] : written.items()) {
    INFO(key);
    REQUIRE(schema["items"]["properties"].contains(key));
  }
  std::set<std::string> kinds;
  for (const json& kind : schema["items"]["properties"]["event"]["enum"])
    kinds.insert(kind.get<std::string>());
  for (int kind = 0; kind <= static_cast<int>(EventKind::kRequest); ++kind) {
    CHECK(kinds.contains(std::string(ToString(static_cast<EventKind>(kind)))));
  }
  CHECK(kinds.size() == static_cast<size_t>(EventKind::kRequest) + 1);
}

}  // namespace sluice
