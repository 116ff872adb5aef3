#include "engine/daemon/lane.h"

#include <atomic>
#include <future>

#include "tests/support/catch.h"

namespace sluice::daemon {

TEST_CASE("a job that waits outside gives its place to another, and has it back before new ones") {
  const auto lane = MakeThreadLane(1);
  std::promise<void> other_came;
  std::string order;  // one place: the jobs are never at work together
  std::promise<void> all_done;
  lane->Run([&] {
    order += "a";
    Lane::Outside([&] { other_came.get_future().wait(); });
    order += "c";
  });
  lane->Run([&] {
    order += "b";
    other_came.set_value();
  });
  lane->Run([&] { all_done.set_value(); });
  all_done.get_future().wait();
  lane->Join();
  CHECK(order == "abc");
}

TEST_CASE("as many jobs as a lane is wide are at work, however many wait") {
  const auto lane = MakeThreadLane(2);
  std::atomic<int> waiting{0};
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> at_work{0}, most{0};
  constexpr int kJobs = 50;
  std::promise<void> all_wait;
  for (int i = 0; i < kJobs; ++i) {
    lane->Run([&] {
      const int now = ++at_work;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      --at_work;
      Lane::Outside([&] {
        if (++waiting == kJobs) all_wait.set_value();
        released.wait();
      });
    });
  }
  all_wait.get_future().wait();
  release.set_value();
  lane->Join();
  CHECK(most <= 2);
}

TEST_CASE("outside of a lane a wait is only run") {
  bool has_run = false;
  Lane::Outside([&] { has_run = true; });
  CHECK(has_run);
}

}  // namespace sluice::daemon
