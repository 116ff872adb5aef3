#include "engine/git/ls_refs.h"

#include "tests/support/catch.h"

namespace sluice::git {
namespace {

const std::string kId(40, 'a');
const std::vector<std::string> kRefs = {"refs/heads/main", "refs/sluice/lease/log"};

std::string Packet(const std::string& text) {
  char length[5];
  std::snprintf(length, sizeof length, "%04x", static_cast<unsigned>(text.size() + 4));
  return length + text;
}

TEST_CASE("the request names the refs as prefixes") {
  CHECK(MakeLsRefsRequest({"refs/heads/main"}) ==
        "0014command=ls-refs\n0017object-format=sha1\n0001001fref-prefix refs/heads/main\n0000");
}

TEST_CASE("exactly the wanted refs are taken from an answer") {
  const std::string body = Packet(kId + " refs/heads/main\n") +
                           Packet(kId + " refs/heads/main-two\n") +
                           Packet("unborn HEAD symref-target:refs/heads/x\n") +
                           Packet(kId + " refs/sluice/lease/log peeled:" + kId) + "0000";
  const auto refs = ParseLsRefs(body, kRefs);
  REQUIRE(refs);
  CHECK(*refs == std::map<std::string, std::string>{{"refs/heads/main", kId},
                                                    {"refs/sluice/lease/log", kId}});
  CHECK(ParseLsRefs("0000", kRefs).value().empty());
}

TEST_CASE("an answer that is cut short or something else is an error, never an empty list") {
  const std::string good = Packet(kId + " refs/heads/main\n");
  const std::string body =
      GENERATE_COPY(as<std::string>(), "", good, good.substr(0, 20), good + "00", "<html>", "0003",
                    "fffff", "000g0000", Packet("HEAD\n") + "0000",
                    Packet("zzz refs/heads/main\n") + "0000", good + "0001" + good);
  CAPTURE(body);
  const auto refs = ParseLsRefs(body, kRefs);
  REQUIRE_FALSE(refs);
  CHECK(refs.error().code() == ErrorCode::kCorrupted);
}

TEST_CASE("the server's own error is passed on") {
  const auto refs = ParseLsRefs(Packet("ERR access\x1b[31m denied\n"), kRefs);
  REQUIRE_FALSE(refs);
  CHECK(refs.error().code() == ErrorCode::kRejected);
  CHECK(refs.error().message().find("access\\x1b[31m denied") != std::string::npos);
}

TEST_CASE("capabilities tell version 2 from the rest") {
  const std::string v2 = Packet("# service=git-upload-pack\n") + "0000" + Packet("version 2\n") +
                         Packet("agent=git/2.39.5\n") + Packet("ls-refs=unborn\n") +
                         Packet("object-format=sha256\n") + "0000";
  CHECK(ParseCapabilities(v2).has_v2_ls_refs);
  CHECK(ParseCapabilities(v2).object_format == "sha256");
  CHECK_FALSE(ParseCapabilities(Packet("# service=git-upload-pack\n") + "0000" +
                                Packet(kId + " HEAD\n") + "0000")
                  .has_v2_ls_refs);
  CHECK_FALSE(ParseCapabilities("<html>ls-refs</html>").has_v2_ls_refs);
  CHECK_FALSE(ParseCapabilities("").has_v2_ls_refs);
  CHECK_FALSE(ParseCapabilities(Packet("version 2\n") + Packet("fetch\n") + "0000").has_v2_ls_refs);
}

TEST_CASE("ls-remote's lines are matched by whole names") {
  const std::string text = kId + "\trefs/heads/main\n" + kId +
                           "\trefs/heads/x/refs/heads/main\nwarning: x\n" +
                           "abc\trefs/sluice/lease/log\n";
  CHECK(ParseLsRemote(text, kRefs) == std::map<std::string, std::string>{{"refs/heads/main", kId}});
}

}  // namespace
}  // namespace sluice::git
