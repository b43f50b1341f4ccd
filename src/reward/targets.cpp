#include "reward/targets.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "feedback/clicks.h"

namespace reward {
namespace {

struct Scale {
  double mean = 0, deviation = 1;
};

Scale scale_of(const feedback::SignalTable& table, std::size_t column) {
  double sum = 0, squares = 0, count = 0;
  for (const feedback::SignalRow& row : table.rows)
    if (const std::optional<double> value = row.values[column])
      sum += *value, squares += *value * *value, count += 1;
  if (count < 2) return {};
  const double mean = sum / count, variance = squares / count - mean * mean;
  return {mean, variance > 1e-12 ? std::sqrt(variance) : 1};
}

Blend::Term term_of(const feedback::SignalTable& table, const std::string& signal, double weight) {
  const Scale scale = scale_of(table, table.column(signal));
  return {signal, scale.mean, scale.deviation, weight, weight, weight};
}

double standard(const Blend::Term& term, const feedback::SignalTable& table,
                const feedback::SignalRow& row) {
  const std::optional<double> value = row.values[table.column(term.signal)];
  return value ? (*value - term.mean) / term.deviation : 0;
}

// Logistic regression of liked on a few standardised signals, by Newton's method.
std::vector<double> fit_logistic(const std::vector<std::vector<double>>& x,
                                 const std::vector<double>& y, const std::vector<double>& weights) {
  const std::size_t k = x.empty() ? 0 : x[0].size();
  std::vector<double> w(k);
  for (int step = 0; step < 25; ++step) {
    std::vector<double> gradient(k);
    std::vector<std::vector<double>> hessian(k, std::vector<double>(k + 1));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double p = logistic(std::inner_product(w.begin(), w.end(), x[i].begin(), 0.));
      for (std::size_t a = 0; a < k; ++a) {
        gradient[a] += weights[i] * (p - y[i]) * x[i][a];
        for (std::size_t b = 0; b < k; ++b)
          hessian[a][b] += weights[i] * p * (1 - p) * x[i][a] * x[i][b];
      }
    }
    for (std::size_t a = 0; a < k; ++a) {  // a ridge keeps it solvable
      hessian[a][a] += 1e-3;
      hessian[a][k] = gradient[a] + 1e-3 * w[a];
    }
    for (std::size_t a = 0; a < k; ++a)  // Gauss-Jordan; the matrix is positive definite
      for (std::size_t b = 0; b < k; ++b) {
        if (b == a) continue;
        const double factor = hessian[b][a] / hessian[a][a];
        for (std::size_t c = a; c <= k; ++c) hessian[b][c] -= factor * hessian[a][c];
      }
    double moved = 0;
    for (std::size_t a = 0; a < k; ++a) {
      const double change = hessian[a][k] / hessian[a][a];
      w[a] -= change;
      moved += std::abs(change);
    }
    if (moved < 1e-9) break;
  }
  return w;
}

Blend fit_blend(const dialogue::Corpus& corpus, const feedback::SignalTable& table,
                const std::vector<bool>& fit_on, std::uint64_t seed) {
  Blend blend;
  for (const char* signal : {"engagement", "relevance", "sentiment_shift", "sentiment"})
    blend.terms.push_back(term_of(table, signal, 0));
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  std::vector<std::int64_t> clusters;
  for (const feedback::LabelledItem& label : feedback::label_items(corpus, table)) {
    const feedback::SignalRow& row = table.rows[label.row];
    if (!label.liked || !fit_on[static_cast<std::size_t>(row.dialogue)]) continue;
    x.push_back({1});  // an intercept, not part of the blend
    for (const Blend::Term& term : blend.terms) x.back().push_back(standard(term, table, row));
    y.push_back(*label.liked ? 1 : 0);
    clusters.push_back(row.dialogue);
  }
  if (x.size() < 40)
    throw base::UsageError(
        "reward.blend = \"fitted\" needs at least 40 liked labels among the tenth of the dialogues "
        "that is held out; there are ",
        x.size());
  const std::vector<double> fitted = fit_logistic(x, y, std::vector<double>(x.size(), 1.));
  // Intervals by drawing dialogues.
  std::vector<std::vector<double>> draws(blend.terms.size());
  const std::int64_t last = *std::max_element(clusters.begin(), clusters.end());
  for (std::uint64_t resample = 0; resample < 100; ++resample) {
    base::Random random({.seed = seed, .stage = "blend", .step = resample});
    std::vector<double> drawn(static_cast<std::size_t>(last) + 1), weights;
    for (std::size_t i = 0; i < drawn.size(); ++i) drawn[random.below(drawn.size())] += 1;
    for (std::int64_t cluster : clusters)
      weights.push_back(drawn[static_cast<std::size_t>(cluster)]);
    const std::vector<double> again = fit_logistic(x, y, weights);
    for (std::size_t t = 0; t < draws.size(); ++t) draws[t].push_back(again[t + 1]);
  }
  for (std::size_t t = 0; t < draws.size(); ++t) {
    std::sort(draws[t].begin(), draws[t].end());
    blend.terms[t].weight = fitted[t + 1];
    blend.terms[t].low = draws[t][2];
    blend.terms[t].high = draws[t][97];
  }
  blend.note = base::concatenate("logistic regression of liked on ", x.size(), " held-out labels");
  return blend;
}

}  // namespace

const char* head_name(Head head) {
  switch (head) {
    case Head::engagement:
      return "engagement";
    case Head::relevance:
      return "relevance";
    case Head::sentiment_shift:
      return "sentiment_shift";
    case Head::blend:
      return "blend";
    case Head::liked:
      return "liked";
    case Head::useful:
      return "useful";
  }
  return "";
}

Blend make_blend(const BlendSettings& settings, const dialogue::Corpus& corpus,
                 const feedback::SignalTable& table,
                 const std::vector<feedback::SignalValidity>& validity,
                 const std::vector<bool>& fit_on, std::uint64_t seed) {
  if (settings.blend == "fitted") return fit_blend(corpus, table, fit_on, seed);
  Blend blend;
  if (settings.blend == "paper") {
    blend.terms = {term_of(table, "engagement", settings.alpha),
                   term_of(table, "relevance", settings.beta),
                   term_of(table, "sentiment_shift", settings.gamma)};
    blend.note = "alpha, beta and gamma as given";
    return blend;
  }
  if (settings.blend != "valid")
    throw base::UsageError("reward.blend is \"", settings.blend,
                           "\", expected valid, paper or fitted");
  for (const feedback::SignalValidity& signal : validity)
    if (signal.validated) blend.terms.push_back(term_of(table, signal.name, 1));
  blend.note = "mean of the signals that proved valid";
  if (blend.terms.empty()) {
    blend.terms.push_back(term_of(table, "acceptance", 1));
    blend.note = "no signal proved valid: acceptance alone, not validated";
  }
  for (Blend::Term& term : blend.terms)
    term.weight = term.low = term.high = 1. / static_cast<double>(blend.terms.size());
  return blend;
}

std::optional<double> blend_of(const Blend& blend, const feedback::SignalTable& table,
                               const feedback::SignalRow& row) {
  double sum = 0;
  bool known = false;
  for (const Blend::Term& term : blend.terms) {
    known = known || row.values[table.column(term.signal)].has_value();
    sum += term.weight * standard(term, table, row);
  }
  return known ? std::optional(sum) : std::nullopt;
}

std::vector<Outcome> collect_outcomes(const dialogue::Corpus& corpus,
                                      const feedback::SignalTable& table, const Blend& blend,
                                      const Reader& reader, double reader_weight) {
  const std::size_t sentiment = table.column("sentiment"), acceptance = table.column("acceptance");
  std::vector<Outcome> outcomes;
  for (const feedback::SignalRow& row : table.rows) {
    if (!row.item || !row.values[sentiment]) continue;  // no item, or nobody replied
    const dialogue::Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(row.dialogue)];
    Outcome shared;
    shared.dialogue = row.dialogue;
    shared.turn = row.turn;
    const auto set = [&](Outcome& outcome, Head head, std::optional<double> value, double weight) {
      if (!value) return;
      outcome.targets[static_cast<std::size_t>(head)] = *value;
      outcome.weights[static_cast<std::size_t>(head)] = weight;
    };
    for (Head head : {Head::engagement, Head::relevance, Head::sentiment_shift})
      set(shared, head, row.values[table.column(head_name(head))], 1);
    const std::optional<double> read_liked = reader.liked(dialogue, row.turn),
                                read_seen = reader.seen(dialogue, row.turn);
    const auto turn = static_cast<std::size_t>(row.turn);
    const bool several = dialogue.turns[turn].items().size() > 1;
    // What is named already is never recommended again.
    for (int item : dialogue.new_items(turn)) {
      Outcome outcome = shared;
      outcome.item = item;
      feedback::SignalRow own = row;
      if (several)
        if (const auto taken = feedback::taken_up(dialogue, turn, item, corpus.catalogue))
          own.values[acceptance] = taken;
      set(outcome, Head::blend, blend_of(blend, table, own), 1);
      const dialogue::Label* label = dialogue.seeker_label(item);
      if (label && label->liked) outcome.liked = *label->liked;
      if (label && label->liked && (label->seen || !*label->liked))
        outcome.useful = *label->liked && !label->seen.value_or(true);
      if (outcome.liked)
        set(outcome, Head::liked, *outcome.liked ? 1. : 0., 1);
      else if (read_liked)
        set(outcome, Head::liked, read_liked, reader_weight);
      else
        set(outcome, Head::liked, own.values[acceptance], reader_weight);
      if (outcome.useful)
        set(outcome, Head::useful, *outcome.useful ? 1. : 0., 1);
      else if (read_liked && read_seen)
        set(outcome, Head::useful, *read_liked * (1 - *read_seen), reader_weight);
      else if (!read_liked)
        set(outcome, Head::useful, own.values[acceptance], reader_weight);
      outcomes.push_back(outcome);
    }
  }
  return outcomes;
}

}  // namespace reward
