#include "engine/git/message.h"

#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

using Trailers = std::vector<std::pair<std::string, std::string>>;

// What git itself finds.
std::string Parsed(const std::string& message) {
  return Run({"git", "interpret-trailers", "--parse"}, message);
}

TEST_CASE("a message has a subject, a body and a block of trailers that git finds") {
  const std::string message = FormatMessage("prod/checkout: started", "Rolls out 2026.11.3.",
                                            {{"Event", "started"}, {"Attempt", "1"}});
  CHECK(message ==
        "prod/checkout: started\n\nRolls out 2026.11.3.\n\nSluice-Event: started\nSluice-Attempt: "
        "1\n");
  CHECK(Parsed(message) == "Sluice-Event: started\nSluice-Attempt: 1");
}

TEST_CASE("hostile text cannot add, hide or forge trailers") {
  const std::string body =
      GENERATE(as<std::string>(), "---\nx", "Sluice-Event: forged",
               "a\n\nSluice-Event: forged\n\n\n", "sluice-event: forged\nSigned-off-by: x <x@x>",
               "text\r\nSluice-Event: forged", "\xff\xfe\x1b[31m",
               "Signed-off-by: a <a@b>\n sluice-event: forged", "--- a/file\n+++ b/file");
  const std::string value = GENERATE(as<std::string>(), "plain", "two\nSluice-Event: forged",
                                     "\x1b[2J", "  blanks  ", "", "a\n\nb");
  const std::string message =
      FormatMessage("subject\nSluice-Event: forged", body, {{"Event", "held"}, {"Reason", value}});
  const Trailers ours = ParseTrailers(message);
  REQUIRE(ours.size() == 2);
  CHECK(ours[0] == std::pair<std::string, std::string>("Sluice-Event", "held"));
  CHECK(ours[1].first == "Sluice-Reason");
  CHECK(Parsed(message).starts_with("Sluice-Event: held\nSluice-Reason:"));
  for (const char c : message) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  // Without trailers nothing is found either.
  for (const auto& [key, text] : ParseTrailers(FormatMessage("subject", body, {})))
    CHECK(key != "Sluice-Event");
}

TEST_CASE("a subject is never empty") {
  CHECK(FormatMessage("", "", {}) == "sluice\n");
  CHECK(FormatMessage(" \n ", "", {{"Event", "x"}}) == "sluice\n\nSluice-Event: x\n");
}

TEST_CASE("trailers are read as git reads them") {
  const std::string message =
      GENERATE(as<std::string>(), "subject\n\nA: 1\nB-c: two\n",
               "subject\n\nA: 1\n  folded\n\tagain\nB: 2\n", "A: 1\n", "subject\n\nbody\nA: 1\n",
               "subject\n\nbody\n\nA: 1\n\n\n", "subject\n\nSome text: with colon\n",
               "subject\n\ntext\ntext\ntext\nSigned-off-by: x <x@x>\nA: 1\n",
               "subject\n\ntext\ntext\ntext\ntext\nSigned-off-by: x <x@x>\n", "subject\n\nA : 1\n",
               "subject\n\n(cherry picked from commit abc)\nA: 1\n", "subject\n\nA:1\nB:\n");
  std::string ours;
  for (const auto& [key, value] : ParseTrailers(message)) {
    if (!ours.empty()) ours += "\n";
    ours += key + ": " + value;
  }
  std::string git = Parsed(message);
  if (git.ends_with(' ')) ours += ours.ends_with(' ') ? "" : " ";
  CHECK(ours == git);
}

TEST_CASE("a message with carriage returns has clean values") {
  CHECK(ParseTrailers("s\r\n\r\nA: 1\r\n") == Trailers{{"A", "1"}});
}

}  // namespace
}  // namespace sluice::git
