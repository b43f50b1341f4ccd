#include "evaluate/text_metrics.h"

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "metrics/bleu.h"
#include "metrics/chrf.h"
#include "metrics/diversity.h"
#include "metrics/perplexity.h"
#include "metrics/rouge.h"

namespace evaluate {
namespace {

constexpr std::size_t kBatch = 256;

// Runs of white space become one space; none at the ends.
std::string squeeze(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// `limit` of `size` numbers at even distances; all where limit is 0 or more than there are.
std::vector<std::size_t> spread(std::size_t size, std::size_t limit) {
  const std::size_t wanted = limit == 0 ? size : std::min(limit, size);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(i * size / wanted);
  return chosen;
}

// The text with one word in each item's place, white space squeezed.
std::string masked(const std::string& text, const std::vector<dialogue::Mention>& mentions) {
  std::string out;
  std::size_t done = 0;
  for (const dialogue::Mention& mention : mentions) {
    out += text.substr(done, mention.begin - done) + kMaskedItem;
    done = mention.end;
  }
  return squeeze(out + text.substr(done));
}

void score_masked(const std::vector<Response>& responses, TextScores& scores) {
  std::vector<std::string> hypotheses;
  std::vector<std::vector<std::string>> references;
  for (const Response& response : responses) {
    if (response.masked_reference.empty() && !response.reference.empty()) return;
    hypotheses.push_back(response.masked_response);
    references.push_back({response.masked_reference});
  }
  const metrics::BleuScore bleu =
      metrics::corpus_bleu(hypotheses, references, {.items = metrics::BleuItems::masked});
  scores.masked_bleu4 = bleu.score;
  scores.masked_signature = bleu.signature;
}

void score_against_references(const std::vector<Response>& responses, TextScores& scores) {
  std::vector<std::string> hypotheses, references;
  for (const Response& response : responses) {
    hypotheses.push_back(response.response);
    references.push_back(response.reference);
  }
  const metrics::ChrfScore chrf = metrics::corpus_chrf(hypotheses, references);
  scores.chrf = chrf.score;
  scores.chrf_signature = chrf.signature;
  scores.rouge_l = metrics::mean_rouge_l(hypotheses, references);
}

}  // namespace

std::vector<Response> collect_responses(dialogue::Recommender& recommender,
                                        const std::vector<Instance>& instances,
                                        const dialogue::Catalogue& catalogue,
                                        const dialogue::Sampling& sampling, std::size_t limit,
                                        base::Console& console) {
  const std::vector<std::size_t> chosen = spread(instances.size(), limit);
  base::Progress progress(console, "replies by " + recommender.name(),
                          static_cast<std::int64_t>(chosen.size()));
  std::vector<Response> responses;
  for (std::size_t first = 0; first < chosen.size(); first += kBatch) {
    const std::size_t size = std::min(kBatch, chosen.size() - first);
    std::vector<dialogue::State> states;
    for (std::size_t i = first; i < first + size; ++i) states.push_back(instances[chosen[i]].state);
    dialogue::Sampling own = sampling;
    own.stream += first;
    std::vector<dialogue::Reply> replies = dialogue::reply_to_all(recommender, states, own);
    for (std::size_t i = 0; i < size; ++i) {
      const Instance& instance = instances[chosen[first + i]];
      responses.push_back(
          {.query = instance.query,
           .prompt = transcript(instance.state.window, catalogue),
           .reference = squeeze(written_out(instance.message, catalogue)),
           .response = squeeze(replies[i].action.text),
           .action = replies[i].action,
           .masked_reference = masked(instance.message.text, instance.message.mentions),
           .masked_response = masked(replies[i].action.text, replies[i].action.mentions)});
    }
    progress.advance(static_cast<std::int64_t>(size));
  }
  progress.finish();
  return responses;
}

TextScores score_text(const std::vector<Response>& responses,
                      const std::optional<Likelihood>& likelihood) {
  std::vector<std::string> hypotheses;
  std::vector<std::vector<std::string>> references, tokens;
  std::int64_t faithful = 0;
  double length = 0;
  TextScores scores;
  for (const Response& response : responses) {
    hypotheses.push_back(response.response);
    references.push_back({response.reference});
    tokens.push_back(metrics::bleu_tokens(response.response));
    length += static_cast<double>(tokens.back().size());
    scores.recommending += response.action.recommends;
    faithful += response.action.recommends && response.action.item &&
                dialogue::names_exactly(response.action);
  }
  const metrics::BleuScore bleu = metrics::corpus_bleu(hypotheses, references);
  scores.bleu4 = bleu.score;
  scores.signature = bleu.signature;
  for (std::size_t n = 1; n <= 4; ++n)
    scores.distinct[n - 1] = metrics::distinct(tokens, n).ratio();
  scores.replies = static_cast<std::int64_t>(responses.size());
  if (!responses.empty()) scores.mean_length = length / static_cast<double>(responses.size());
  if (scores.recommending > 0)
    scores.faithfulness = static_cast<double>(faithful) / static_cast<double>(scores.recommending);
  if (likelihood && likelihood->tokens > 0) {
    scores.perplexity = metrics::perplexity(likelihood->log_probs, likelihood->tokens);
    scores.perplexity_tokens = likelihood->tokens;
    if (likelihood->bytes > 0)
      scores.bits_per_byte = metrics::bits_per_byte(likelihood->log_probs, likelihood->bytes);
  }
  score_masked(responses, scores);
  score_against_references(responses, scores);
  return scores;
}

void write_responses(const std::filesystem::path& folder, const std::string& model,
                     const std::vector<Response>& responses) {
  base::create_folder(folder);
  base::FileWriter file(folder / (model + ".responses.jsonl"));
  for (const Response& response : responses) {
    const base::Json line = {{"query", response.query},
                             {"prompt", response.prompt},
                             {"reference", response.reference},
                             {"response", response.response},
                             {"masked_reference", response.masked_reference},
                             {"masked_response", response.masked_response}};
    file.write(line.dump(-1, ' ', false, base::Json::error_handler_t::replace) + "\n");
  }
  file.commit();
}

std::string transcript(const std::vector<dialogue::Turn>& turns,
                       const dialogue::Catalogue& catalogue) {
  std::string text;
  for (const dialogue::Turn& turn : turns) {
    if (!text.empty()) text += "\n";
    text += turn.role == dialogue::Role::seeker ? "User: " : "System: ";
    text += squeeze(written_out(turn, catalogue));
  }
  return text;
}

}  // namespace evaluate
