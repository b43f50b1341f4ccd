#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

// Ids by RFC 9562, as 36 characters in lower case: "018f3c1e-9a2b-7c3d-8e4f-0123456789ab".

using UuidBytes = std::array<std::uint8_t, 16>;

// Version 4, of these random bytes; six of their bits give way to version and variant.
std::string uuid_v4(const UuidBytes& random);

// Version 7: sorts by time, milliseconds since 1970; of the random bytes the last ten count, less
// six bits.
std::string uuid_v7(std::int64_t ms, const UuidBytes& random);

// Version 8, the same for the same name: the first bytes of its SHA-256.
std::string uuid_of_name(std::string_view name);

// New ones, of the system's randomness and clock. Throw ResourceError where there is none.
std::string new_uuid_v4();
std::string new_uuid_v7();

// Whether a text is one, of any version, in lower or upper case.
bool is_uuid(std::string_view text);

}  // namespace base
