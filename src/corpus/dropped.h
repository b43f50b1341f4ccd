#pragma once

#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

using dialogue::Dropped;

// Counts what is left out, by what it is, in order of first occurrence.
class DropCounter {
 public:
  void add(const std::string& what, std::int64_t count = 1);
  std::vector<Dropped> take() { return std::move(dropped_); }

 private:
  std::vector<Dropped> dropped_;
};

}  // namespace corpus
