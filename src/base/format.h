#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

// A number with so many digits after the point: fixed(3.14159, 2) is "3.14". "nan" and "inf" as
// they are.
std::string fixed(double value, int digits);

// The same with a sign in front, "+1.20".
std::string signed_fixed(double value, int digits);

// Text of an unknown file as a message may show it: in double quotes, control characters as \x1b,
// and what is longer than `limit` bytes cut with "…".
std::string in_quotes(std::string_view text, std::size_t limit = 80);

}  // namespace base
