#pragma once

#include <array>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "feedback/signals.h"
#include "feedback/validity.h"
#include "reward/reader.h"

namespace reward {

// What a predictor has a head for.
enum class Head { engagement, relevance, sentiment_shift, blend, liked, useful };
inline constexpr int kHeads = 6;
const char* head_name(Head head);
inline bool is_probability(Head head) { return head == Head::liked || head == Head::useful; }

// One recommended item and what came of it.
struct Outcome {
  int dialogue = 0;  // index in the corpus
  int turn = 0;
  int item = 0;
  std::array<double, kHeads>
      targets{};  // standard scores; liked and useful (liked and not seen before): 0 … 1
  std::array<double, kHeads> weights{};  // 0: unknown; a form counts 1, a reader's estimate less
  std::optional<bool> liked, useful;     // what the form says
};

struct BlendSettings {
  std::string blend = "valid";
  double alpha = 1, beta = 1, gamma = 1;

  template <class F>
  void fields(F&& field) {
    field("blend", blend,
          "valid (mean of the validated signals), paper (alpha, beta, gamma) or fitted (to the "
          "liked labels)");
    field("alpha", alpha, "weight of engagement in the paper's blend");
    field("beta", beta, "weight of relevance in the paper's blend");
    field("gamma", gamma, "weight of sentiment shift in the paper's blend");
  }
};

// A weighted sum of standardised signals.
struct Blend {
  struct Term {
    std::string signal;
    double mean = 0, deviation = 1;  // over the training rows
    double weight = 0;
    double low = 0, high = 0;  // 95 % of a fitted weight; equal to weight where it was given
  };
  std::vector<Term> terms;
  std::string note;  // how it came about, in words
};

// Makes the blend that the settings ask for. `table` holds the composites beside the signals;
// `fit_on`: the dialogues whose labels a fitted blend may use. With no validated signal, "valid"
// falls back to the acceptance signal and says so.
Blend make_blend(const BlendSettings& settings, const dialogue::Corpus& corpus,
                 const feedback::SignalTable& table,
                 const std::vector<feedback::SignalValidity>& validity,
                 const std::vector<bool>& fit_on, std::uint64_t seed);

// The blend of a row; nothing where none of its signals is known.
std::optional<double> blend_of(const Blend& blend, const feedback::SignalTable& table,
                               const feedback::SignalRow& row);

// One outcome for each item of each recommender's turn that somebody replied to; form first, reader
// otherwise, at weight `reader_weight`. Without reader and form, liked is the acceptance signal
// where it is known. Where a turn shows several items and events say which were taken up
// (feedback::taken_up), the acceptance signal is each item's own.
std::vector<Outcome> collect_outcomes(const dialogue::Corpus& corpus,
                                      const feedback::SignalTable& table, const Blend& blend,
                                      const Reader& reader, double reader_weight);

}  // namespace reward
