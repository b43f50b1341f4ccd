#pragma once

#include <string>

namespace base {

// A number with so many digits after the point: fixed(3.14159, 2) is "3.14". "nan" and "inf" as
// they are.
std::string fixed(double value, int digits);

// The same with a sign in front, "+1.20".
std::string signed_fixed(double value, int digits);

}  // namespace base
