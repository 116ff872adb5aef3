// Threads that run jobs, so that what is slow in one place holds up nobody in another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/clock.h"

namespace sluice::daemon {

// Runs jobs in the order they came, at most `width` at a time. Thread-safe.
class Lane {
 public:
  virtual ~Lane() = default;
  virtual void Run(std::function<void()> job) = 0;
  // Lets every job given so far end. Nothing may be given afterwards.
  virtual void Join() = 0;

  // For what a job waits for (time, a push, a check): runs `wait` here, while the job's place in
  // its lane is another's. Outside of a job it only runs it.
  static void Outside(const std::function<void()>& wait);

 protected:
  virtual void Leave() {}
  virtual void Return() {}
  static thread_local Lane* current;  // of the job that this thread runs
};

// Real time. A job that sleeps does so outside its lane, so that lanes bound work, not waiting.
class LaneClock final : public Clock {
 public:
  SystemTime SystemNow() const override { return real_.SystemNow(); }
  SteadyTime SteadyNow() const override { return real_.SteadyNow(); }
  bool Sleep(Duration duration, std::stop_token stop) const override;

 private:
  RealClock real_;
};

using LaneFactory = std::function<std::unique_ptr<Lane>(int width)>;

// Threads, made when there is work for them: `width`, and one for each job that waits outside.
std::unique_ptr<Lane> MakeThreadLane(int width);

// One lane for each name, made when it is first asked for. For one thread.
class Lanes {
 public:
  Lanes(LaneFactory factory, int width) : factory_(std::move(factory)), width_(width) {}
  ~Lanes() { Join(); }

  Lane& Named(const std::string& name);
  void Join();

 private:
  LaneFactory factory_;
  int width_;
  std::map<std::string, std::unique_ptr<Lane>> lanes_;
};

}  // namespace sluice::daemon
