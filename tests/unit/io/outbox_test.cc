#include "engine/io/outbox.h"

#include <filesystem>
#include <fstream>

#include "engine/io/files.h"
#include "tests/support/catch.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

struct Box {
  TemporaryDirectory directory = *TemporaryDirectory::Make();
  Effects effects;
  std::string path = directory.path() + "/outbox";

  Outbox Open() {
    auto outbox = Outbox::Open(path, effects);
    REQUIRE(outbox);
    return std::move(*outbox);
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    auto contents = Open().List();
    REQUIRE(contents);
    for (const auto& entry : contents->entries) texts.push_back(entry.key + "=" + entry.text);
    return texts;
  }
  std::string FileOf(const std::string& content_part) {
    const auto names = *ListDirectory(path);
    for (const auto& name : names) {
      if (name == "damaged") continue;
      if (ReadFile(path + "/" + name)->find(content_part) != std::string::npos)
        return path + "/" + name;
    }
    return "";
  }
};

void Overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

using Expected = std::vector<std::string>;

TEST_CASE_METHOD(Box, "what is put is there after a restart, in the order it was put") {
  {
    Outbox outbox = Open();
    REQUIRE(outbox.Put("prod/web", "{\"outcome\":\"Failed\"}"));
    REQUIRE(outbox.Put("dev/api", "2"));
  }
  {
    Outbox outbox = Open();
    REQUIRE(outbox.Put("a/last", "3"));
  }
  CHECK(Texts() == Expected{"prod/web={\"outcome\":\"Failed\"}", "dev/api=2", "a/last=3"});
  CHECK(effects.Counts().at("outbox-write") == 3);
}

TEST_CASE_METHOD(Box, "a second document of a key replaces the first and counts as the newest") {
  Outbox outbox = Open();
  REQUIRE(outbox.Put("a", "1"));
  REQUIRE(outbox.Put("b", "2"));
  REQUIRE(outbox.Put("a", "3"));
  CHECK(Texts() == Expected{"b=2", "a=3"});
}

TEST_CASE_METHOD(Box, "removing is final, safe to repeat, and counted once") {
  Outbox outbox = Open();
  REQUIRE(outbox.Put("a", "1"));
  REQUIRE(outbox.Remove("a"));
  REQUIRE(outbox.Remove("a"));
  REQUIRE(outbox.Remove("never there"));
  CHECK(Texts().empty());
  CHECK(effects.Counts().at("outbox-write") == 2);
}

TEST_CASE_METHOD(Box, "keys of any bytes stay apart and inside the directory") {
  Outbox outbox = Open();
  const std::vector<std::string> keys = {
      "a/b", "a_b", "../../etc/x", std::string("nul\0", 4), "\n", "Ä", std::string(200, 'k')};
  for (const auto& key : keys) REQUIRE(outbox.Put(key, "text of " + key));
  const auto contents = outbox.List();
  REQUIRE(contents);
  REQUIRE(contents->entries.size() == keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    CHECK(contents->entries[i].key == keys[i]);
    CHECK(contents->entries[i].text == "text of " + keys[i]);
  }
  CHECK_FALSE(outbox.Put("", "x"));
  CHECK_FALSE(outbox.Put(std::string(201, 'k'), "x"));
  CHECK(ListDirectory(path)->size() == keys.size());
}

TEST_CASE_METHOD(Box, "an entry cut short anywhere is set aside and reported; the others stay") {
  const std::string text = "{\"unit\":\"prod/web\",\"outcome\":\"Failed\"}";
  REQUIRE(Open().Put("prod/other", "whole"));
  REQUIRE(Open().Put("prod/web", text));
  const std::string file = FileOf(text);
  const std::string bytes = *ReadFile(file);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Overwrite(file, bytes.substr(0, size));
    const auto contents = Open().List();
    REQUIRE(contents);
    REQUIRE(contents->entries.size() == 1);
    CHECK(contents->entries[0].text == "whole");
    REQUIRE(contents->damaged.size() == 1);
    CHECK(*ReadFile(contents->damaged[0]) == bytes.substr(0, size));
    REQUIRE(RemoveTree(path + "/damaged"));
  }
  Overwrite(file, bytes);
  CHECK(Texts() == Expected{"prod/other=whole", "prod/web=" + text});
}

TEST_CASE_METHOD(Box, "no changed byte goes unnoticed") {
  REQUIRE(Open().Put("k", "verdict"));
  const std::string file = FileOf("verdict");
  const std::string bytes = *ReadFile(file);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    Overwrite(file, changed);
    const auto contents = Open().List();
    REQUIRE(contents);
    CHECK(contents->entries.empty());
    CHECK(contents->damaged.size() == 1);
    REQUIRE(RemoveTree(path + "/damaged"));
  }
}

TEST_CASE_METHOD(Box, "garbage, foreign entries and unfinished writes do not stop it") {
  REQUIRE(Open().Put("k", "1"));
  const std::string whole = *ReadFile(FileOf("1"));
  Overwrite(path + "/zeros-0000.entry", std::string(4096, '\0'));
  Overwrite(path + "/wrong-name.entry", whole);  // a copy under another name
  Overwrite(path + "/k.entry.tmp-abc", "half");
  fs::create_directory(path + "/directory.entry");
  const auto contents = Open().List();
  REQUIRE(contents);
  CHECK(contents->entries.size() == 1);
  CHECK(contents->damaged.size() == 3);
  CHECK_FALSE(fs::exists(path + "/k.entry.tmp-abc"));
  REQUIRE(Open().Put("l", "2"));
  CHECK(Texts() == Expected{"k=1", "l=2"});
  CHECK(Open().List()->damaged.size() == 3);  // reported until somebody removes them
}

TEST_CASE_METHOD(Box, "a document that cannot be written is an error, and no effect is counted") {
  Outbox outbox = Open();
  fs::remove_all(path);
  const auto status = outbox.Put("prod/web", "x");
  REQUIRE_FALSE(status);
  CHECK_THAT(status.error().message(), Catch::Contains("keeping the verdict of prod/web"));
  CHECK(effects.Counts().count("outbox-write") == 0);
}

}  // namespace
}  // namespace sluice
