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

namespace sluice::daemon {

// Runs jobs in the order they came, at most `width` at a time. Thread-safe.
class Lane {
 public:
  virtual ~Lane() = default;
  virtual void Run(std::function<void()> job) = 0;
  // Lets every job given so far end. Nothing may be given afterwards.
  virtual void Join() = 0;
};

using LaneFactory = std::function<std::unique_ptr<Lane>(int width)>;

// Threads, made when there is work for them.
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
