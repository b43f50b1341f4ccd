#include "simulate/play.h"

#include <algorithm>

#include "base/error.h"

namespace simulate {
namespace {

// One user's side of a dialogue that is going on.
struct Live {
  Episode episode;
  SimulatedUser user;
  bool talks = true;
  int replies = 0;
};

void add_turn(dialogue::Dialogue& dialogue, dialogue::Turn turn, const PlayOptions& options) {
  turn.id = std::to_string(dialogue.turns.size());
  if (turn.role == dialogue::Role::seeker && options.sentiment)
    dialogue::read_sentiment(turn, options.sentiment);
  dialogue.turns.push_back(std::move(turn));
}

Live begin(const World& world, const PlayOptions& options, int number, const std::string& name) {
  const auto episode = static_cast<std::uint64_t>(number);
  std::uint64_t person = base::random_key({options.seed, "simulate/episode", episode});
  if (options.people > 0) person %= static_cast<std::uint64_t>(options.people);
  // The seed is part of the user's stream, so that one person never says the same twice.
  Live live{
      {}, SimulatedUser(world, person, base::random_key({options.seed, "u", episode})), true, 0};
  dialogue::Dialogue& dialogue = live.episode.dialogue;
  dialogue.id = base::concatenate(name, "-", options.seed, "-", number + 1);
  dialogue.seeker = base::concatenate("person-", person);
  dialogue.recommender = name;
  dialogue.order = number;
  dialogue.source = "simulated";
  add_turn(dialogue, live.user.begin(), options);
  return live;
}

void take_reply(Live& live, dialogue::Reply reply, const World& world, const PlayOptions& options) {
  dialogue::Dialogue& dialogue = live.episode.dialogue;
  dialogue::Turn turn = to_turn(reply.action, world.catalogue());
  // A reply takes one second and a tenth of one a word.
  turn.time = dialogue.turns.back().time.value_or(0) + 1 +
              .1 * static_cast<double>(std::count(turn.text.begin(), turn.text.end(), ' '));
  add_turn(dialogue, std::move(turn), options);
  live.episode.decisions.push_back(std::move(reply.decision));
  dialogue::Reaction reaction = live.user.react(dialogue.turns.back());
  if (reaction.turn) add_turn(dialogue, std::move(*reaction.turn), options);
  dialogue.events.insert(dialogue.events.end(), reaction.events.begin(), reaction.events.end());
  live.talks = !reaction.leaves && ++live.replies < options.max_turns;
}

Episode finish(Live live) {
  live.episode.satisfaction = live.user.satisfaction();
  live.episode.satisfactions = live.user.satisfactions();
  live.episode.dialogue.seeker_labels = live.user.seeker_form();
  live.episode.dialogue.recommender_labels = live.user.recommender_form();
  return std::move(live.episode);
}

void play_batch(dialogue::Recommender& recommender, const World& world, const PlayOptions& options,
                int first, int size, std::vector<Episode>& episodes) {
  std::vector<Live> lives;
  for (int i = first; i < first + size; ++i)
    lives.push_back(begin(world, options, i, recommender.name()));
  for (int turn = 0; turn < options.max_turns; ++turn) {
    std::vector<dialogue::State> states;
    std::vector<Live*> talking;
    for (Live& live : lives) {
      if (!live.talks) continue;
      const dialogue::Dialogue& dialogue = live.episode.dialogue;
      states.push_back(dialogue::state_before(dialogue, dialogue.turns.size(), options.state));
      talking.push_back(&live);
    }
    if (states.empty()) break;
    dialogue::Sampling sampling = options.sampling;
    sampling.seed = options.seed;
    sampling.stream = static_cast<std::uint64_t>(turn) << 32 | static_cast<std::uint64_t>(first);
    std::vector<dialogue::Reply> replies = dialogue::reply_to_all(recommender, states, sampling);
    for (std::size_t i = 0; i < talking.size(); ++i)
      take_reply(*talking[i], std::move(replies[i]), world, options);
  }
  for (Live& live : lives) episodes.push_back(finish(std::move(live)));
}

}  // namespace

dialogue::Turn to_turn(const dialogue::Action& action, const dialogue::Catalogue& catalogue) {
  dialogue::Turn turn;
  turn.role = dialogue::Role::recommender;
  turn.text = action.text;
  turn.mentions = action.mentions;
  const std::vector<int> named = turn.items();
  if (!action.item || std::find(named.begin(), named.end(), *action.item) != named.end())
    return turn;
  const std::string& title = catalogue[*action.item].title;
  const std::string front = title + (turn.text.empty() ? "" : ". ");
  for (dialogue::Mention& mention : turn.mentions) {
    mention.begin += front.size();
    mention.end += front.size();
  }
  turn.text = front + turn.text;
  turn.mentions.insert(turn.mentions.begin(), {*action.item, 0, title.size()});
  return turn;
}

std::vector<Episode> play(dialogue::Recommender& recommender, const World& world,
                          const PlayOptions& options) {
  base::check(options.batch > 0, "play: a batch of ", options.batch);
  std::vector<Episode> episodes;
  for (int first = 0; first < options.episodes; first += options.batch)
    play_batch(recommender, world, options, first,
               std::min(options.batch, options.episodes - first), episodes);
  return episodes;
}

double mean_satisfaction(const std::vector<Episode>& episodes) {
  double sum = 0;
  for (const Episode& episode : episodes) sum += episode.satisfaction;
  return episodes.empty() ? 0 : sum / static_cast<double>(episodes.size());
}

dialogue::Corpus make_corpus(const World& world, const Behaviour& behaviour) {
  LoggingRecommender recommender(world, behaviour);
  PlayOptions options;
  options.episodes = world.settings().dialogues;
  options.max_turns = world.settings().max_turns;
  options.people = world.settings().people;
  options.seed = static_cast<std::uint64_t>(world.settings().seed);
  dialogue::Corpus corpus;
  corpus.catalogue = world.catalogue();
  for (Episode& episode : play(recommender, world, options))
    corpus.dialogues.push_back(std::move(episode.dialogue));
  return corpus;
}

dialogue::Corpus make_corpus(const World& world) {
  return make_corpus(world, logging_behaviour(world.settings()));
}

}  // namespace simulate
