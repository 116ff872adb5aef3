#include "engine/git/push_result.h"

#include "tests/support/catch.h"

namespace sluice::git {
namespace {

const std::vector<RefUpdate> kOne = {
    {"refs/heads/main", std::string(40, 'a'), std::string(40, 'b')}};
const std::vector<RefUpdate> kTwo = {kOne[0], {"refs/sluice/lease/x", std::string(40, 'a'), ""}};

std::string Line(char flag, const std::string& ref, const std::string& summary) {
  return std::string(1, flag) + "\t" + std::string(40, 'a') + ":" + ref + "\t" + summary + "\n";
}

struct Row {
  std::string summary, errors;
  PushOutcome outcome;
};

TEST_CASE("each answer of a server about one ref has its outcome") {
  const Row row = GENERATE(values<Row>({
      {"[rejected] (stale info)", "", PushOutcome::kRaced},
      {"[rejected] (fetch first)", "", PushOutcome::kRaced},
      {"[rejected] (non-fast-forward)", "", PushOutcome::kRaced},
      {"[remote rejected] (fetch first)", "", PushOutcome::kRaced},
      {"[remote rejected] (non-fast-forward)", "", PushOutcome::kRefused},
      {"[remote rejected] (failed to update ref)",
       "remote: error: cannot lock ref 'refs/heads/main': is at 1 but expected 2",
       PushOutcome::kRaced},
      {"[remote rejected] (failed to update ref)",
       "remote: error: Unable to create 'x.lock': File exists.", PushOutcome::kRaced},
      {"[remote rejected] (failed to update ref)",
       "remote: error: 'refs/heads/main/x' exists; cannot create 'refs/heads/main'",
       PushOutcome::kRefused},
      {"[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)", "",
       PushOutcome::kRaced},
      {"[remote rejected] (incorrect old value provided)", "", PushOutcome::kRaced},
      {"[remote rejected] (reference already exists)", "", PushOutcome::kRaced},
      {"[remote rejected] (pre-receive hook declined)", "remote: no", PushOutcome::kRefused},
      {"[remote rejected] (hook declined)", "", PushOutcome::kRefused},
      {"[remote rejected] (protected branch hook declined)",
       "remote: error: GH006: Protected branch update failed", PushOutcome::kRefused},
      {"[remote rejected] (push declined due to repository rule violations)", "",
       PushOutcome::kRefused},
      {"[remote rejected] (unpacker error)", "remote: fatal: write error: No space left on device",
       PushOutcome::kRefused},
      {"[remote rejected] (deletion prohibited)", "", PushOutcome::kRefused},
      {"[remote rejected] (branch is currently checked out)", "", PushOutcome::kRefused},
      {"[remote failure] (remote failed to report status)", "", PushOutcome::kUnknown},
  }));
  CAPTURE(row.summary);
  const std::string out = "To /x\n" + Line('!', "refs/heads/main", row.summary) + "Done\n";
  const auto result = ClassifyPush(kOne, {out, row.errors, false});
  REQUIRE(result);
  CHECK(result->outcome == row.outcome);
  CHECK_FALSE(result->message.empty());
}

TEST_CASE("every kind of update that took place is landed") {
  const char flag = GENERATE(' ', '+', '-', '*', '=');
  CHECK(
      ClassifyPush(kOne, {"To /x\n" + Line(flag, "refs/heads/main", "a..b") + "Done\n", "", false})
          ->outcome == PushOutcome::kLanded);
  // Even when the connection ended badly after the server's report.
  CHECK(ClassifyPush(kOne, {Line(flag, "refs/heads/main", "a..b"),
                            "fatal: the remote end hung up unexpectedly", true})
            ->outcome == PushOutcome::kLanded);
}

TEST_CASE("in an atomic push the ref that was the cause decides") {
  const std::string lease = Line('!', "refs/sluice/lease/x", "[rejected] (atomic push failed)");
  CHECK(ClassifyPush(kTwo,
                     {Line('!', "refs/heads/main", "[rejected] (stale info)") + lease, "", false})
            ->outcome == PushOutcome::kRaced);
  const auto refused = ClassifyPush(
      kTwo, {Line('!', "refs/heads/main", "[remote rejected] (hook declined)") +
                 Line('!', "refs/sluice/lease/x", "[remote rejected] (atomic push failure)"),
             "remote: main is protected\n", false});
  CHECK(refused->outcome == PushOutcome::kRefused);
  CHECK(refused->message == "refs/heads/main [remote rejected] (hook declined); main is protected");
  const std::string both =
      Line('!', "refs/heads/main", "[remote rejected] (atomic transaction failed)") +
      Line('!', "refs/sluice/lease/x", "[remote rejected] (atomic transaction failed)");
  CHECK(
      ClassifyPush(
          kTwo, {both, "remote: error: cannot lock ref 'refs/heads/main': is at 1 but expected 2\n",
                 false})
          ->outcome == PushOutcome::kRaced);
}

TEST_CASE("a part that landed, or a ref without a word, is unknown") {
  const std::string landed = Line(' ', "refs/heads/main", "a..b");
  CHECK(ClassifyPush(kTwo, {landed, "", false})->outcome == PushOutcome::kUnknown);
  CHECK(ClassifyPush(
            kTwo, {landed + Line('!', "refs/sluice/lease/x", "[remote rejected] (hook declined)"),
                   "", false})
            ->outcome == PushOutcome::kUnknown);
  CHECK(ClassifyPush(kOne, {"", "fatal: the remote end hung up unexpectedly", false})->outcome ==
        PushOutcome::kUnknown);
  CHECK(ClassifyPush(kOne, {"",
                            "error: RPC failed; HTTP 500 curl 22 The requested URL returned error: "
                            "500\nfatal: unable to access",
                            false})
            ->outcome == PushOutcome::kUnknown);
  CHECK(ClassifyPush(kOne, {"", "", true})->outcome == PushOutcome::kUnknown);
  CHECK(ClassifyPush(kOne, {"", "fatal: Authentication failed", true})->outcome ==
        PushOutcome::kUnknown);
  CHECK(ClassifyPush(kOne, {"", "something new", false})->outcome == PushOutcome::kUnknown);
}

TEST_CASE("what fails before the first byte is sent has no outcome") {
  const std::string errors = GENERATE(
      as<std::string>(), "fatal: unable to access 'http://h/x/': Could not resolve host: h",
      "fatal: Authentication failed for 'http://h/x/'",
      "fatal: could not read Username for 'http://h': terminal prompts disabled",
      "fatal: repository 'http://h/x/' not found",
      "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
      "Host key verification failed.\nfatal: Could not read from remote repository.",
      "fatal: the receiving end does not support --atomic push");
  CHECK_FALSE(ClassifyPush(kOne, {"", errors, false}));
}

TEST_CASE("the server's words are kept without credentials and control characters") {
  const auto result = ClassifyPush(
      kOne, {Line('!', "refs/heads/main", "[remote rejected] (pre-receive hook declined)"),
             "remote: see https://me:pass@host/x        \nremote: \x1b[31mred\x1b[0m\nerror: "
             "failed to push some refs to 'x'\n",
             false});
  REQUIRE(result);
  CHECK(result->message ==
        "refs/heads/main [remote rejected] (pre-receive hook declined); see https://***@host/x; "
        "\\x1b[31mred\\x1b[0m");
}

}  // namespace
}  // namespace sluice::git
