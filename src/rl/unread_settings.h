#pragma once

#include "rl/settings.h"

namespace rl {

// Throws base::UsageError where a setting is not as it is by default though the algorithm does not
// read it: whoever set it believes that it does something. Settings of the loop (steps, KL, items)
// are read by all.
void refuse_unread(const RlSettings& settings);

}  // namespace rl
