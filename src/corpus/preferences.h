#pragma once

#include <filesystem>

#include "dialogue/preferences.h"

namespace corpus {

// Reads preference data as TRL has it, JSON lines, `.xz` too: pairs with "chosen" and "rejected"
// and judgements with "completion" and "label", both with a "prompt". A text is a string or a list
// of messages {"role", "content"}; a prompt that is a string is one message of the user. Without a
// "prompt" the messages that chosen and rejected begin with alike are it. "user" is the seeker,
// "assistant" the recommender; "system" messages and completions of more than one message are left
// out and counted. Items are the catalogue's titles as they stand in the words, or a message's own
// "mentions": [{"item": id, "begin", "end"}]. Throws base::DataError, FILE:LINE, for everything
// else.
dialogue::Preferences read_preferences(const std::filesystem::path& file,
                                       const dialogue::Catalogue& catalogue);

// Writes the same, in conversational form with "mentions": the pairs, then the judgements, one a
// line. Titles are written out. Whole file or nothing; throws base::ResourceError.
void write_preferences(const std::filesystem::path& file, const dialogue::Preferences& preferences,
                       const dialogue::Catalogue& catalogue);

}  // namespace corpus
