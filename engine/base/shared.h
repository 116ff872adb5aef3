// A value whose copies share one object until one of them is edited.
#pragma once

#include <memory>
#include <utility>

namespace sluice {

// Reading is safe from any thread; editing is for the thread that owns this copy.
template <class T>
class Shared {
 public:
  Shared() : value_(std::make_shared<T>()) {}
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}  // NOLINT: as the value itself

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  // For changing it: other copies keep what they have.
  T& Edit() {
    if (value_.use_count() != 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  // One object, so certainly equal.
  bool IsSame(const Shared& other) const { return value_ == other.value_; }
  friend bool operator==(const Shared& a, const Shared& b) {
    return a.IsSame(b) || *a.value_ == *b.value_;
  }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace sluice
