// Digests, as lower-case hex.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

std::string Sha256Hex(std::string_view bytes);
std::string HmacSha256Hex(std::string_view key, std::string_view bytes);
// The id Git gives a blob of these bytes.
std::string GitBlobId(std::string_view bytes);
// Lower-case hex of `bytes` random bytes from the operating system.
std::string RandomHex(size_t bytes);

}  // namespace sluice
