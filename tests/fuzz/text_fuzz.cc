// The small text functions that see hostile bytes: none may crash, and each keeps its promise.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/model/object_ref.h"
#include "engine/model/unit.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);

  for (const char c : sluice::EscapeControl(text)) Require(static_cast<unsigned char>(c) >= 0x20);
  Require(sluice::Base64Decode(sluice::Base64Encode(text)) == std::string(text));
  (void)sluice::Base64Decode(text);
  (void)sluice::RedactCredentials(text);
  Require(sluice::Tail(text, 16).size() <= 16);
  if (sluice::IsValidUtf8(text)) Require(sluice::IsValidUtf8(sluice::Tail(text, 16)));

  if (const auto time = sluice::ParseTime(text)) {
    const auto again = sluice::ParseTime(sluice::FormatTime(*time));
    Require(again.has_value());
    Require(*again <= *time);
  }
  if (const auto duration = sluice::ParseDuration(text)) {
    const auto again = sluice::ParseDuration(sluice::FormatDuration(*duration));
    Require(again.has_value() && *again == *duration);
  }
  if (const auto unit = sluice::ParseUnitId(text)) Require(sluice::ToString(*unit) == text);
  (void)sluice::ParseInventoryLine(text);
  return 0;
}
