#include "evaluate/interactive.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "dialogue/converse.h"

namespace evaluate {
namespace {

constexpr int kOpeningItems = 2;

bool accepts(Answer answer) {
  return answer == Answer::accepted || answer == Answer::accepted_seen;
}

// A text and the items it names.
class Words {
 public:
  explicit Words(const dialogue::Catalogue& catalogue) : catalogue_(catalogue) {}

  // "{}" stands for the item's title.
  void add(const std::string& words, int item = -1) {
    if (!turn_.text.empty()) turn_.text += ' ';
    const std::size_t place = words.find("{}");
    if (place == std::string::npos) {
      turn_.text += words;
      return;
    }
    turn_.text += words.substr(0, place);
    const std::size_t begin = turn_.text.size();
    turn_.text += catalogue_[item].title;
    turn_.mentions.push_back({item, begin, turn_.text.size()});
    turn_.text += words.substr(place + 2);
  }
  void add(const dialogue::Turn& said) {
    if (!turn_.text.empty()) turn_.text += ' ';
    for (dialogue::Mention mention : said.mentions) {
      mention.begin += turn_.text.size();
      mention.end += turn_.text.size();
      turn_.mentions.push_back(mention);
    }
    turn_.text += said.text;
  }
  bool empty() const { return turn_.text.empty(); }
  dialogue::Turn take() { return std::move(turn_); }

 private:
  const dialogue::Catalogue& catalogue_;
  dialogue::Turn turn_;  // a seeker's
};

const char* words_of(Answer answer) {
  switch (answer) {
    case Answer::accepted:
      return "{} sounds good, I will watch it.";
    case Answer::accepted_seen:
      return "I have seen {} and liked it.";
    case Answer::rejected:
      return "{} is not for me.";
    case Answer::seen:
      return "I have seen {} already.";
    case Answer::repeated:
      return "We had {} already.";
    case Answer::unknown:
      return "I have not heard of {}.";
  }
  throw base::Error(base::ErrorKind::internal, "no such answer");
}

// Whether there is something to find: a liked item that the first words do not name.
bool is_playable(const dialogue::Dialogue& dialogue, const dialogue::Catalogue& catalogue) {
  FormUser user(dialogue, catalogue);
  const std::vector<int> named = user.begin().items();
  return std::any_of(dialogue.seeker_labels.begin(), dialogue.seeker_labels.end(),
                     [&](const dialogue::Label& label) {
                       return label.liked.value_or(false) &&
                              std::find(named.begin(), named.end(), label.item) == named.end();
                     });
}

FormEpisode finish(dialogue::Conversation talk, const FormUser& user, std::int64_t source) {
  const auto replies = static_cast<int>(talk.decisions.size());
  return {source, std::move(talk.dialogue), user.answers(),
          talk.left ? std::optional(replies) : std::nullopt};  // they leave once they accept
}

// ---- scores ----

// Values and the dialogue of each.
struct Rows {
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  void add(double value, const FormEpisode& episode) {
    values.push_back(value);
    clusters.push_back(episode.source);
  }
};

std::optional<Estimate> estimate(const Rows& rows, const metrics::BootstrapOptions& options) {
  const auto interval = metrics::bootstrap_mean(rows.values, rows.clusters, options);
  if (!interval) return std::nullopt;
  return Estimate{interval->estimate, interval->low, interval->high,
                  static_cast<std::int64_t>(interval->rows)};
}

double worth(Answer answer) {
  return answer == Answer::accepted ? 1 : answer == Answer::accepted_seen ? .5 : 0;
}

Rows successes(const FormGame& game) {
  Rows rows;
  for (const FormEpisode& episode : game.episodes)
    rows.add(episode.success.has_value() ? 1 : 0, episode);
  return rows;
}

}  // namespace

FormUser::FormUser(const dialogue::Dialogue& dialogue, const dialogue::Catalogue& catalogue)
    : dialogue_(dialogue), catalogue_(catalogue) {}

bool FormUser::was_named(int item) const {
  return std::find(named_.begin(), named_.end(), item) != named_.end();
}

Answer FormUser::judge(int item) const {
  if (was_named(item)) return Answer::repeated;
  const dialogue::Label* label = dialogue_.seeker_label(item);
  if (!label) return Answer::unknown;
  if (label->liked)
    return !*label->liked                ? Answer::rejected
           : label->seen.value_or(false) ? Answer::accepted_seen
                                         : Answer::accepted;
  return label->seen.value_or(false) ? Answer::seen : Answer::unknown;
}

std::optional<int> FormUser::own_liking() const {
  for (const dialogue::Label& label : dialogue_.seeker_labels)
    if (label.liked.value_or(false) && !label.suggested.value_or(true) && !was_named(label.item))
      return label.item;
  return std::nullopt;
}

dialogue::Turn FormUser::begin() {
  named_.clear();
  answers_.clear();
  Words words(catalogue_);
  for (const dialogue::Turn& turn : dialogue_.turns) {
    if (turn.role == dialogue::Role::recommender && !turn.mentions.empty()) break;
    if (turn.role == dialogue::Role::seeker && !turn.text.empty()) words.add(turn);
  }
  if (words.empty()) {
    words.add("Hello!");
    for (int i = 0; i < kOpeningItems; ++i) {
      const std::optional<int> item = own_liking();
      if (!item) break;
      words.add("I liked {}.", *item);
      named_.push_back(*item);
    }
  }
  dialogue::Turn turn = words.take();
  named_ = turn.items();
  return turn;
}

dialogue::Reaction FormUser::react(const dialogue::Turn& reply) {
  Words words(catalogue_);
  dialogue::Reaction reaction;
  for (const int item : reply.items()) {
    const Answer answer = judge(item);
    answers_.push_back(answer);
    named_.push_back(item);
    words.add(words_of(answer), item);
    if (!accepts(answer)) continue;
    reaction.leaves = true;
    reaction.events.push_back({"accept", reply.id, catalogue_[item].id, reply.time, 1});
  }
  if (words.empty()) {
    const std::optional<int> item = own_liking();
    if (item) {
      words.add("I also liked {}.", *item);
      named_.push_back(*item);
    } else {
      words.add("I am open to anything like that.");
    }
  }
  reaction.turn = words.take();
  return reaction;
}

FormGame play_forms(dialogue::Recommender& recommender,
                    const std::vector<const dialogue::Dialogue*>& dialogues,
                    const dialogue::Catalogue& catalogue, const InteractiveOptions& options) {
  base::check(options.batch > 0, "play_forms: a batch of ", options.batch);
  std::vector<std::size_t> playable;
  const std::vector<std::int64_t> conversations = number_conversations(dialogues);
  for (std::size_t d = 0; d < dialogues.size(); ++d)
    if (conversations[d] == static_cast<std::int64_t>(d) && is_playable(*dialogues[d], catalogue))
      playable.push_back(d);
  const std::size_t wanted =
      options.limit == 0 ? playable.size() : std::min(options.limit, playable.size());
  const auto batch = static_cast<std::size_t>(options.batch);
  const dialogue::ConverseOptions converse{options.max_turns, options.state, options.sampling,
                                           options.sentiment};
  FormGame game{recommender.name(), {}};
  for (std::size_t first = 0; first < wanted; first += batch) {
    std::vector<std::unique_ptr<FormUser>> users;
    std::vector<dialogue::Conversation> talks;
    for (std::size_t i = first; i < std::min(wanted, first + batch); ++i) {
      const dialogue::Dialogue& source = *dialogues[playable[i * playable.size() / wanted]];
      dialogue::Dialogue played;
      played.id = game.model + "-" + source.id;
      played.seeker = source.seeker;
      played.recommender = game.model;
      played.source = "interactive";
      users.push_back(std::make_unique<FormUser>(source, catalogue));
      talks.push_back(dialogue::begin(std::move(played), *users.back(), converse));
    }
    dialogue::converse(recommender, catalogue, talks, first, converse);
    for (std::size_t i = 0; i < talks.size(); ++i) {
      const std::size_t source = playable[(first + i) * playable.size() / wanted];
      game.episodes.push_back(
          finish(std::move(talks[i]), *users[i], static_cast<std::int64_t>(source)));
    }
  }
  return game;
}

std::vector<FormGame> play_forms(const std::vector<dialogue::Recommender*>& recommenders,
                                 const std::vector<const dialogue::Dialogue*>& dialogues,
                                 const dialogue::Catalogue& catalogue,
                                 const InteractiveOptions& options) {
  std::vector<FormGame> games;
  for (dialogue::Recommender* recommender : recommenders)
    games.push_back(play_forms(*recommender, dialogues, catalogue, options));
  return games;
}

InteractiveScores score_forms(const FormGame& game, const metrics::BootstrapOptions& options) {
  base::check(!game.episodes.empty(), game.model, " talked with nobody");
  Rows turns, satisfaction, unknown;
  for (const FormEpisode& episode : game.episodes) {
    if (episode.success) turns.add(*episode.success, episode);
    for (const Answer answer : episode.answers) {
      unknown.add(answer == Answer::unknown ? 1 : 0, episode);
      if (answer != Answer::unknown) satisfaction.add(worth(answer), episode);
    }
  }
  InteractiveScores scores;
  scores.dialogues = static_cast<std::int64_t>(game.episodes.size());
  scores.success = *estimate(successes(game), options);
  scores.turns = estimate(turns, options);
  scores.satisfaction = estimate(satisfaction, options);
  scores.unknown = estimate(unknown, options);
  return scores;
}

Comparison compare_forms(const FormGame& game, const FormGame& against,
                         const metrics::BootstrapOptions& options) {
  const Rows first = successes(game), second = successes(against);
  base::check(first.clusters == second.clusters, game.model, " and ", against.model,
              " met different people");
  Comparison row = compare_values(first.values, second.values, first.clusters, options);
  row.protocol = "interactive";
  row.metric = "success";
  row.model = game.model;
  row.against = against.model;
  return row;
}

}  // namespace evaluate
