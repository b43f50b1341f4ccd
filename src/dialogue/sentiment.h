#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "dialogue/dialogue.h"

namespace dialogue {

// The compound sentiment of some words, -1 … 1.
using SentimentFunction = std::function<double(std::string_view words)>;

// The turn's text without the items it names: titles have sentiment of their own ("Die Hard").
std::string words_without_items(const Turn& turn);

// Fills Turn::sentiment and Turn::sentences: people like one thing and dislike another in one
// breath. A sentence ends at
// ".", "!", "?", ";" or a line's end that does not stand in a mention.
void read_sentiment(Turn& turn, const SentimentFunction& scorer);

}  // namespace dialogue
