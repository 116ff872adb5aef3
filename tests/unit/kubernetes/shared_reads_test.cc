// Who lists for whom. No cluster.
#include "engine/targets/kubernetes/shared_reads.h"

#include <atomic>
#include <future>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;
using Listed = Result<std::vector<nlohmann::json>>;

// Lists one object that says how many lists there were.
struct Server {
  std::atomic<int> lists{0};
  Listed List() {
    return std::vector<nlohmann::json>{{{"metadata", {{"name", "a"}}}, {"n", ++lists}}};
  }
};

struct Asker {
  testing::FakeClock clock;
  SharedReads reads{clock};
  Server server;
  std::shared_ptr<const SharedReads::Items> Ask(Duration max_age = 0ms) {
    return reads.Ask("/api/v1/pods", max_age, {clock.SteadyNow() + 1min, {}},
                     [this] { return server.List(); });
  }
  // One more in this second is many.
  void AskOften() {
    for (int i = 0; i < 11; ++i) CHECK(Ask() == nullptr);
  }
};

}  // namespace

TEST_CASE("few read each for himself, many share a list that begins after they asked") {
  Asker asker;
  asker.AskOften();
  CHECK(asker.server.lists == 0);
  for (int n = 1; n < 4; ++n) {
    const auto items = asker.Ask();
    REQUIRE(items);
    CHECK(items->at("a").Unpack()["n"] == n);
  }
  asker.clock.Advance(10s);
  CHECK(asker.Ask() == nullptr);
}

TEST_CASE("what may be old is listed once, until it is too old") {
  Asker asker;
  asker.AskOften();
  const auto first = asker.Ask(5s);
  REQUIRE(first);
  for (int second = 0; second < 6; ++second) {
    for (int i = 0; i < 15; ++i) CHECK(asker.Ask(5s) == first);
    asker.clock.Advance(1s);
  }
  CHECK(asker.server.lists == 1);
  CHECK(asker.Ask(5s) != first);
  CHECK(asker.server.lists == 2);
}

TEST_CASE("a list that fails, or may not be made, leaves everybody to himself") {
  testing::FakeClock clock;
  SharedReads reads(clock);
  const auto [code, lists_more] = GENERATE(table<ErrorCode, bool>(
      {{ErrorCode::kUnavailable, true}, {ErrorCode::kPermissionDenied, false}}));
  int lists = 0;
  for (int i = 0; i < 14; ++i) {
    CHECK(reads.Ask("x", 0ms, {clock.SteadyNow() + 1min, {}}, [&, code = code]() -> Listed {
      ++lists;
      return Fail(code, "no");
    }) == nullptr);
  }
  CHECK(lists == (lists_more ? 3 : 1));
}

TEST_CASE("a list that ends by an exception keeps nobody waiting") {
  testing::FakeClock clock;
  SharedReads reads(clock);
  int lists = 0;
  for (int i = 0; i < 13; ++i) {
    CHECK(reads.Ask("x", 0ms, {clock.SteadyNow() + 1min, {}}, [&]() -> Listed {
      ++lists;
      throw std::bad_alloc();
    }) == nullptr);
  }
  CHECK(lists == 2);
}

TEST_CASE("who asks while a list is under way waits for the next, with all the others") {
  RealClock clock;
  SharedReads reads(clock);
  Server server;
  std::promise<void> begun, may_end;
  const auto ask = [&](const SharedReads::List& list) {
    return reads.Ask("x", 0ms, {clock.SteadyNow() + 1min, {}}, list);
  };
  const auto list = [&] { return server.List(); };
  const auto slow = [&] {
    begun.set_value();
    may_end.get_future().wait();
    return server.List();
  };
  for (int i = 0; i < 11; ++i) ask(list);
  REQUIRE(server.lists == 0);
  std::thread leader([&] { ask(slow); });
  begun.get_future().wait();
  std::vector<std::future<int>> others;
  for (int i = 0; i < 20; ++i) {
    others.push_back(std::async(std::launch::async, [&] {
      const auto items = ask(list);
      return items ? items->at("a").Unpack()["n"].get<int>() : 0;
    }));
  }
  may_end.set_value();
  leader.join();
  for (auto& other : others) CHECK(other.get() >= 2);
  CHECK(server.lists < 12);
}

}  // namespace sluice::targets::kubernetes
