#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "feedback/store.h"

namespace feedback {

// How long a turn was looked at.
struct Dwell {
  double visible_ms = 0;         // in view, the window in front, the person active
  double after_ms = 0;           // of these, after the turn was complete
  std::int64_t activations = 0;  // how often a look at it began
};

// By turn. Snapshots are cumulative: of those of one page and turn the largest counts, pages add
// up. So neither loss nor repetition nor order matters, as long as the last one arrives.
std::map<std::string, Dwell> merge_dwell(const std::vector<StoredEvent>& events);

// How long the words take to read: four a second, and a second to begin.
double reading_seconds(std::string_view text);

// Seconds after the turn was complete, as if it had twenty words: in proportion to the time that it
// takes to read, at most five times that. What is longer, somebody fell asleep in.
double usual_dwell_seconds(const Dwell& dwell, std::string_view text);
// The dwell that gives so many of them, up to the limit.
Dwell dwell_of_usual_seconds(double seconds, std::string_view text);

}  // namespace feedback
