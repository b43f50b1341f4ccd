#include "corpus/dropped.h"

#include <algorithm>

namespace corpus {

void DropCounter::add(const std::string& what, std::int64_t count) {
  if (count == 0) return;
  const auto known = std::find_if(dropped_.begin(), dropped_.end(),
                                  [&](const Dropped& d) { return d.what == what; });
  if (known == dropped_.end())
    dropped_.push_back({what, count});
  else
    known->count += count;
}

}  // namespace corpus
