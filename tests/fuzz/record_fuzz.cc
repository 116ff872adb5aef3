// What is read from the log branch, which others may push to: no bytes may crash a reader, and what
// was read is written back so that it reads the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/deploylog/log_format.h"
#include "engine/model/record.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);

  if (const auto record = ParseRecordText(text)) {
    const std::string written = FormatRecord(*record);
    const auto again = ParseRecordText(written);
    Require(again.has_value());
    Require(FormatRecord(*again) == written);
    Require(Normalized(*record) == *again);
  }
  if (const auto inventory = deploylog::ParseInventory(text)) {
    const auto again = deploylog::ParseInventory(deploylog::FormatInventory(*inventory));
    Require(again.has_value() && *again == *inventory);
  }
  if (const auto request = deploylog::ParseRequest(text)) {
    const std::string written = deploylog::FormatRequest(*request);
    const auto again = deploylog::ParseRequest(written);
    Require(again.has_value() && deploylog::FormatRequest(*again) == written);
  }
  if (const auto initialised = deploylog::ParseInitialised(text)) {
    const std::string written = deploylog::FormatInitialised(*initialised);
    const auto again = deploylog::ParseInitialised(written);
    Require(again.has_value() && deploylog::FormatInitialised(*again) == written);
  }
  return 0;
}
