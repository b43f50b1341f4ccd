#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// Moments are milliseconds since 1970, UTC.

// Now, by the machine's clock. Only for programs; what is tested takes the time as an argument.
std::int64_t now_ms();

// RFC 3339: "2026-11-25T09:30:00.250Z", with or without a fraction (cut to milliseconds), with "Z"
// or an offset, "T" or "t" between. Nothing where the text is anything else, names a day that does
// not exist, or is not of the years 1970 to 9999. A leap second counts as the second after it.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

// "2026-11-25T09:30:00.250Z"; always three decimals. For 1970 to 9999.
std::string format_rfc3339(std::int64_t ms);

}  // namespace base
