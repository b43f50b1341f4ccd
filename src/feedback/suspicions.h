#pragma once

#include <string>
#include <vector>

#include "feedback/store.h"

namespace feedback {

// Why the conversations of one person may not be a person's, one list a conversation, empty where
// nothing speaks for that:
//   flood                more than 60 deliberate events (none of dwell, impression, viewable) came
//                        within a minute, over all of the person's conversations; those that had
//                        one of them
//   dwell without a look a minute or more in view, and no look ever began (activations 0): no page
//                        counts like that
//   faster than reading  three replies or more, and half of all, came faster than 15 words a second
//                        can be read
//   said by the server   an event is flagged rate_limited, or with a bot_score above .5
std::vector<std::vector<std::string>> find_suspicions(
    const std::vector<ConversationRecord>& of_one_person);

}  // namespace feedback
