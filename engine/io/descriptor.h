// A file descriptor that is closed with the object. Move-only.
#pragma once

#include <unistd.h>

#include <utility>

namespace sluice {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }  // negative: none
  // The caller closes it from now on.
  int release() { return std::exchange(fd_, -1); }
  void reset() { *this = Descriptor(); }

 private:
  int fd_;
};

}  // namespace sluice
