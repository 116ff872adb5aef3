#include "engine/targets/kubernetes/parallel.h"

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace sluice::targets::kubernetes {

TEST_CASE("a batch goes on while it moves, and is given up when it does not") {
  testing::FakeClock clock;
  const Call batch{clock.SteadyNow() + std::chrono::seconds(60), {}};
  Progress progress(clock, batch);
  CHECK(progress.Bound(batch).deadline == batch.deadline);
  clock.Advance(std::chrono::seconds(50));
  progress.Note();
  CHECK(progress.Bound(batch).deadline == clock.SteadyNow() + std::chrono::seconds(60));
  clock.Advance(std::chrono::seconds(61));
  CHECK(progress.Bound(batch).deadline < clock.SteadyNow());
}

}  // namespace sluice::targets::kubernetes
