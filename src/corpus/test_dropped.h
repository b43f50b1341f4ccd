#pragma once

#include <string>

#include "dialogue/dialogue.h"

namespace corpus::test {

// How many were dropped for what begins so; 0 where nothing was.
inline std::int64_t count(const std::vector<dialogue::Dropped>& dropped, const std::string& start) {
  for (const dialogue::Dropped& entry : dropped)
    if (entry.what.starts_with(start)) return entry.count;
  return 0;
}

}  // namespace corpus::test
