#include "feedback/signals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "dialogue/state.h"

namespace feedback {
namespace {

using dialogue::Dialogue;
using dialogue::Role;
using dialogue::Turn;

const std::vector<std::string> kNames = {
    "reply_words",  "exclamations", "reply_latency",   "dwell",      "turns_left",
    "seconds_left", "sentiment",    "sentiment_shift", "acceptance", "relevance"};
const std::array<const char*, 4> kEngagement = {"reply_words", "reply_latency", "dwell",
                                                "turns_left"};

// How people say yes to a recommendation, in lower case.
const std::array<const char*, 16> kYes = {
    "i will watch",   "i'll watch",   "i will check",       "i'll check",
    "i will have to", "i'll have to", "i will try",         "i'll try",
    "i will give",    "i'll give",    "i will look",        "i'll look",
    "sounds good",    "sounds great", "sounds like a good", "add it to my"};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Consecutive messages of one speaker, turns [begin, end).
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool empty() const { return begin == end; }
};

// The seeker's first run of messages after a turn.
Span reply_to(const Dialogue& dialogue, std::size_t turn) {
  Span span{turn + 1, 0};
  while (span.begin < dialogue.turns.size() && dialogue.turns[span.begin].role != Role::seeker)
    ++span.begin;
  span.end = span.begin;
  while (span.end < dialogue.turns.size() && dialogue.turns[span.end].role == Role::seeker)
    ++span.end;
  return span;
}

// The seeker's last run of messages before a turn.
Span words_before(const Dialogue& dialogue, std::size_t turn) {
  Span span{turn, turn};
  while (span.end > 0 && dialogue.turns[span.end - 1].role != Role::seeker) --span.end;
  span.begin = span.end;
  while (span.begin > 0 && dialogue.turns[span.begin - 1].role == Role::seeker) --span.begin;
  return span;
}

std::string words_of_span(const Dialogue& dialogue, Span span) {
  std::string words;
  for (std::size_t t = span.begin; t < span.end; ++t) {
    if (!words.empty()) words += ' ';
    words += dialogue::words_without_items(dialogue.turns[t]);
  }
  return words;
}

std::optional<double> seconds_between(const std::optional<double>& from,
                                      const std::optional<double>& to) {
  return from && to ? std::optional<double>(*to - *from) : std::nullopt;
}

std::optional<double> measured_dwell(const Dialogue& dialogue, const Turn& turn) {
  std::optional<double> seconds;
  for (const dialogue::Event& event : dialogue.events)
    if (event.type == "dwell" && event.turn == turn.id && event.value)
      seconds = seconds.value_or(0) + *event.value;
  return seconds;
}

double acceptance(const Dialogue& dialogue, const Turn& turn, const std::string& reply) {
  for (const dialogue::Event& event : dialogue.events)
    if (event.type == "accept" && event.turn == turn.id) return event.value.value_or(1);
  for (const dialogue::Event& event : dialogue.events)
    if (event.type == "rating" && event.turn == turn.id && event.value)
      return (*event.value + 1) / 2;
  if (!dialogue.events.empty()) return 0;
  const std::string words = lower(reply);
  return std::any_of(kYes.begin(), kYes.end(),
                     [&](const char* yes) { return words.find(yes) != std::string::npos; });
}

double relevance(const dialogue::Corpus& corpus, const Dialogue& dialogue, std::size_t turn,
                 const RelevanceFunction& relevance_of) {
  dialogue::StateOptions options;
  options.window = 1;
  const dialogue::State state = dialogue::state_before(dialogue, turn, options);
  Texts wanted;
  for (std::size_t t = 0; t < turn; ++t)
    if (dialogue.turns[t].role == Role::seeker)
      wanted.push_back(dialogue::words_without_items(dialogue.turns[t]));
  for (const dialogue::KnownItem& known : state.items) {
    const bool kept = known.polarity == dialogue::Polarity::liked ||
                      (known.polarity == dialogue::Polarity::unknown && known.by == Role::seeker);
    if (kept) wanted.push_back(item_text(corpus.catalogue[known.item]));
  }
  Texts offered = {dialogue::words_without_items(dialogue.turns[turn])};
  for (int item : dialogue.turns[turn].items())
    offered.push_back(item_text(corpus.catalogue[item]));
  return relevance_of(offered, wanted);
}

// A served person may answer days later: the time that passed says nothing of how long they looked.
bool was_served(const Dialogue& dialogue) { return dialogue.source == "feedback"; }

// Of dialogues with events that are parts of one conversation each turn counts in one.
bool counts_here(const Dialogue& dialogue, std::size_t turn) {
  return dialogue.events.empty() || dialogue.is_target(turn);
}

SignalRow measure_turn(const dialogue::Corpus& corpus, int index, std::size_t t,
                       const RelevanceFunction& relevance_of, const SentimentFunction& scorer) {
  const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(index)];
  const Turn& turn = dialogue.turns[t];
  const Span reply = reply_to(dialogue, t), before = words_before(dialogue, t);
  const std::string words = words_of_span(dialogue, reply);
  SignalRow row{index, static_cast<int>(t), {}, {}};
  if (!turn.mentions.empty()) row.item = turn.mentions.front().item;
  std::optional<double> reply_words, exclamations, latency, level, shift, accepted;
  std::optional<double> dwell = measured_dwell(dialogue, turn);
  if (!reply.empty()) {
    double count = 0;  // of the text as written: a title is one word or more
    for (std::size_t r = reply.begin; r < reply.end; ++r)
      count += static_cast<double>(words_of(dialogue.turns[r].text).size());
    reply_words = count;
    exclamations = static_cast<double>(std::count(words.begin(), words.end(), '!'));
    latency = seconds_between(turn.time, dialogue.turns[reply.begin].time);
    if (!dwell && !was_served(dialogue))
      dwell = seconds_between(turn.time, dialogue.turns[reply.end - 1].time);
    level = scorer(words);
    if (!before.empty()) shift = *level - scorer(words_of_span(dialogue, before));
  }
  if (!reply.empty() || !dialogue.events.empty()) accepted = acceptance(dialogue, turn, words);
  row.values = {reply_words,
                exclamations,
                latency,
                dwell,
                static_cast<double>(dialogue.turns.size() - reply.end),
                seconds_between(turn.time, dialogue.turns.back().time),
                level,
                shift,
                accepted,
                relevance(corpus, dialogue, t, relevance_of)};
  return row;
}

std::vector<std::optional<double>> values_of(const SignalTable& table, const std::string& name) {
  const std::size_t column = table.column(name);
  std::vector<std::optional<double>> values;
  for (const SignalRow& row : table.rows) values.push_back(row.values[column]);
  return values;
}

}  // namespace

dialogue::Corpus with_sentiment(dialogue::Corpus corpus, const SentimentFunction& scorer) {
  for (Dialogue& dialogue : corpus.dialogues)
    for (Turn& turn : dialogue.turns)
      if (turn.role == Role::seeker) dialogue::read_sentiment(turn, scorer);
  return corpus;
}

std::size_t SignalTable::column(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  base::check(found != names.end(), "there is no signal ", name);
  return static_cast<std::size_t>(found - names.begin());
}

SignalTable measure_signals(const dialogue::Corpus& corpus, const std::vector<int>& dialogues,
                            const RelevanceFunction& relevance_of,
                            const SentimentFunction& scorer) {
  SignalTable table;
  table.names = kNames;
  for (int index : dialogues) {
    const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(index)];
    for (std::size_t t = 0; t < dialogue.turns.size(); ++t)
      if (dialogue.turns[t].role == Role::recommender && counts_here(dialogue, t))
        table.rows.push_back(measure_turn(corpus, index, t, relevance_of, scorer));
  }
  return table;
}

SignalTable measure_signals(const dialogue::Corpus& corpus, const RelevanceFunction& relevance_of,
                            const SentimentFunction& scorer) {
  std::vector<int> all(corpus.dialogues.size());
  std::iota(all.begin(), all.end(), 0);
  return measure_signals(corpus, all, relevance_of, scorer);
}

Composites::Scale Composites::fit(const std::string& name,
                                  const std::vector<std::optional<double>>& values) {
  double count = 0, sum = 0, squares = 0;
  for (const auto& value : values)
    if (value) count += 1, sum += *value;
  const double mean = count > 0 ? sum / count : 0;
  for (const auto& value : values)
    if (value) squares += (*value - mean) * (*value - mean);
  const double deviation = count > 0 ? std::sqrt(squares / count) : 0;
  return {name, mean, deviation > 1e-12 ? deviation : 1};
}

Composites::Composites(const SignalTable& training) {
  for (const char* name : kEngagement) parts_.push_back(fit(name, values_of(training, name)));
  std::vector<std::optional<double>> engagement;
  for (const SignalRow& row : training.rows) engagement.push_back(raw_engagement(training, row));
  engagement_ = fit("engagement", engagement);
  relevance_ = fit("relevance", values_of(training, "relevance"));
  sentiment_shift_ = fit("sentiment_shift", values_of(training, "sentiment_shift"));
}

Composites Composites::from_json(const base::Json& json, const std::string& where) {
  const auto read = [&](const std::string& name) {
    const auto scale = base::require<std::vector<double>>(json, name, where);
    if (scale.size() != 2 || !(scale[1] > 0))
      throw base::DataError(where, ": \"", name, "\" is no [mean, deviation]");
    return Scale{name, scale[0], scale[1]};
  };
  Composites composites;
  for (const char* name : kEngagement) composites.parts_.push_back(read(name));
  composites.engagement_ = read("engagement");
  composites.relevance_ = read("relevance");
  composites.sentiment_shift_ = read("sentiment_shift");
  return composites;
}

base::Json Composites::to_json() const {
  base::Json json = base::Json::object();
  for (const Scale& part : parts_) json[part.name] = {part.mean, part.deviation};
  for (const Scale* scale : {&engagement_, &relevance_, &sentiment_shift_})
    json[scale->name] = {scale->mean, scale->deviation};
  return json;
}

std::optional<double> Composites::standard(const SignalTable& table, const SignalRow& row,
                                           const Scale& scale) const {
  const std::optional<double>& value = row.values[table.column(scale.name)];
  return value ? std::optional<double>((*value - scale.mean) / scale.deviation) : std::nullopt;
}

std::optional<double> Composites::raw_engagement(const SignalTable& table,
                                                 const SignalRow& row) const {
  double sum = 0;
  int known = 0;
  for (const Scale& part : parts_)
    if (const auto value = standard(table, row, part)) sum += *value, ++known;
  return known ? std::optional<double>(sum / known) : std::nullopt;
}

SignalTable Composites::apply(const SignalTable& table) const {
  SignalTable out;
  out.names = {"engagement", "relevance", "sentiment_shift"};
  for (const SignalRow& row : table.rows) {
    std::optional<double> engagement = raw_engagement(table, row);
    if (engagement) engagement = (*engagement - engagement_.mean) / engagement_.deviation;
    out.rows.push_back(
        {row.dialogue,
         row.turn,
         row.item,
         {engagement, standard(table, row, relevance_), standard(table, row, sentiment_shift_)}});
  }
  return out;
}

}  // namespace feedback
