#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "dialogue/recommender.h"
#include "evaluate/instances.h"
#include "evaluate/scores.h"

namespace evaluate {

// What a recommender said where somebody had said something else.
struct Response {
  std::string query;
  std::string prompt;     // the turns that the model saw, "User: …" or "System: …", one a line
  std::string reference;  // what was really said; titles written out, white space squeezed
  std::string response;   // the same of the reply
  dialogue::Action action;
  std::string masked_reference = {};  // the two with kMaskedItem in each item's place
  std::string masked_response = {};
};
inline constexpr const char* kMaskedItem = "ITEM";

// Replies to all instances, or to `limit` of them at even distances (0: all). Stream i of the
// sampling goes to the i-th reply.
std::vector<Response> collect_responses(dialogue::Recommender& recommender,
                                        const std::vector<Instance>& instances,
                                        const dialogue::Catalogue& catalogue,
                                        const dialogue::Sampling& sampling, std::size_t limit = 0,
                                        base::Console& console = base::silent_console());

// How likely a model finds the real replies.
struct Likelihood {
  double log_probs = 0;  // the sum of natural logs
  std::int64_t tokens = 0;
  std::int64_t bytes = 0;  // of the text that the tokens spell; 0: not counted
};

// Corpus BLEU-4 with SacreBLEU's defaults; Distinct-1 to -4 and length over the tokens that BLEU
// sees (13a), so that anybody can recompute them; BLEU-4 with items masked, where the responses
// have those texts; chrF2; ROUGE-L. Bits per byte where the likelihood has bytes. A recommending
// reply is faithful where its words name the chosen item and no other.
TextScores score_text(const std::vector<Response>& responses,
                      const std::optional<Likelihood>& likelihood = std::nullopt);

// FOLDER/MODEL.responses.jsonl: {"query", "prompt", "reference", "response", "masked_reference",
// "masked_response"} a line. Whole or not at all; throws base::ResourceError.
void write_responses(const std::filesystem::path& folder, const std::string& model,
                     const std::vector<Response>& responses);

// The turns as text, "User: …" for the seeker and "System: …" for the recommender, one a line.
std::string transcript(const std::vector<dialogue::Turn>& turns,
                       const dialogue::Catalogue& catalogue);

}  // namespace evaluate
