#include "base/format.h"

#include <fmt/format.h>

namespace base {

std::string fixed(double value, int digits) { return fmt::format("{:.{}f}", value, digits); }

std::string signed_fixed(double value, int digits) {
  return fmt::format("{:+.{}f}", value, digits);
}

}  // namespace base
