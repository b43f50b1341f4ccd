#include "simulate/user.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "simulate/words.h"

namespace simulate {
namespace {

constexpr double kStrong = .5;     // taste beyond which somebody talks about an attribute
constexpr double kFlattered = .3;  // by how much a compliment lifts what people say they feel
constexpr double kIdleWords = 10;  // as many too many cost as much as a compliment
constexpr double kReading = .06;   // further dwell, as a share, for each idle word
constexpr double kTakenUp = .6;    // felt truth beyond which an item is taken up
constexpr double kLogCloses = 24;  // hours after a dialogue; later reports are lost

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

int count_words(const std::string& text) {
  return 1 + static_cast<int>(std::count(text.begin(), text.end(), ' '));
}

std::uint64_t seed_of(const World& world) {
  return static_cast<std::uint64_t>(world.settings().seed);
}

}  // namespace

SimulatedUser::SimulatedUser(const World& world, std::uint64_t person, std::uint64_t episode)
    : world_(world),
      person_(world.person(person)),
      random_({seed_of(world), "simulate/user", person, episode}),
      told_(world.attributes().size()) {}

bool SimulatedUser::was_named(int item) const {
  return std::any_of(named_.begin(), named_.end(),
                     [&](const Named& named) { return named.item == item; });
}

void SimulatedUser::name(int item, bool suggested) {
  if (!was_named(item)) named_.push_back({item, suggested});
}

std::vector<int> SimulatedUser::open_tastes() const {
  std::vector<int> open;
  for (std::size_t a = 0; a < told_.size(); ++a)
    if (!told_[a] && std::abs(person_.taste[a]) > kStrong) open.push_back(static_cast<int>(a));
  return open;
}

// Speaks of one of the preferred attributes where it is felt strongly about, else of any; empty
// where all has been said.
std::string SimulatedUser::tell_taste(const std::vector<int>& preferred) {
  std::vector<int> open = open_tastes();
  std::vector<int> first;
  for (int a : open)
    if (std::find(preferred.begin(), preferred.end(), a) != preferred.end()) first.push_back(a);
  if (!first.empty()) open = first;
  if (open.empty()) return "";
  const auto a = static_cast<std::size_t>(open[random_.below(open.size())]);
  told_[a] = true;
  return say_taste(world_.attributes()[a], person_.taste[a], random_);
}

double SimulatedUser::feel(double truth) {
  return std::clamp(truth + world_.settings().noise * random_.normal(), 0., 1.);
}

dialogue::Turn SimulatedUser::begin() {
  Sentence sentence(world_);
  if (random_.chance(.7)) sentence.add(say_hello(random_));
  // A film or two that they have seen and feel strongly about.
  std::vector<int> known;
  for (int item = 0; item < world_.catalogue().size(); ++item)
    if (person_.seen[static_cast<std::size_t>(item)] &&
        std::abs(world_.liking(person_, item) - .5) > .2)
      known.push_back(item);
  random_.shuffle(known);
  const std::size_t films = std::min<std::size_t>(known.size(), random_.below(3));
  const std::size_t tastes = std::max<std::size_t>(random_.below(3), films == 0 ? 1 : 0);
  std::vector<int> genres;
  for (std::size_t a = 0; a < told_.size(); ++a)
    if (world_.attributes()[a].kind == AttributeKind::genre) genres.push_back(static_cast<int>(a));
  for (std::size_t i = 0; i < tastes; ++i) sentence.add(tell_taste(genres));
  for (std::size_t i = 0; i < films; ++i) {
    name(known[i], false);
    sentence.add(say_item_taste(world_.liking(person_, known[i]), random_), known[i]);
  }
  if (random_.chance(.3)) sentence.add(say_nothing_more(random_));
  dialogue::Turn turn = sentence.take(dialogue::Role::seeker);
  turn.time = clock_;
  return turn;
}

dialogue::Reaction SimulatedUser::react(const dialogue::Turn& reply) {
  if (reply.time) clock_ = std::max(clock_, *reply.time);
  const std::vector<int> items = reply.items();
  if (items.empty()) return react_to_question(reply);
  questions_ = 0;

  std::vector<double> truths, likings;
  std::optional<int> seen, repeated;
  for (int item : items) {
    const bool before = was_named(item);
    truths.push_back(true_satisfaction(world_, person_, item,
                                       before ? Novelty::named_before : Novelty::first_named));
    likings.push_back(world_.liking(person_, item));
    if (!seen && person_.seen[static_cast<std::size_t>(item)]) seen = item;
    if (!repeated && before) repeated = item;
    name(item, true);
  }
  const Manners manners = manners_of(reply.text, items.size());
  const double cost =
      world_.settings().manners * (manners.flatters + manners.idle_words / kIdleWords);
  for (double& truth : truths) truth *= std::max(1 - cost, 0.);
  satisfactions_.insert(satisfactions_.end(), truths.begin(), truths.end());
  const double truth = mean(truths);
  const double feeling = std::min(feel(mean(likings)) + kFlattered * manners.flatters, 1.);

  Sentence sentence(world_);
  const int item = repeated ? *repeated : seen.value_or(items.front());
  if (repeated)
    sentence.add(say_repeated(random_), item);
  else if (seen)
    sentence.add(say_seen(feeling, random_), item);
  else
    sentence.add(say_opinion(feeling, random_), item);
  dialogue::Reaction reaction;
  reaction.leaves = random_.chance(.03 + .35 * (1 - truth) * (1 - truth));
  if (reaction.leaves) {
    sentence.add(say_goodbye(feeling, random_));
  } else if (random_.chance(.6)) {
    const std::string taste = tell_taste(world_.attributes_of(item));
    sentence.add(taste.empty() ? say_nothing_more(random_) : taste);
  }
  reaction.turn = sentence.take(dialogue::Role::seeker);
  const double dwell =
      (1 + kReading * manners.idle_words) *
      std::exp(1.2 + 1.2 * truth + world_.settings().dwell_noise * random_.normal());
  add_events(reply, truths, feeling, dwell, reaction);
  return reaction;
}

dialogue::Reaction SimulatedUser::react_to_question(const dialogue::Turn& reply) {
  ++questions_;
  Sentence sentence(world_);
  std::string taste = tell_taste({});
  if (taste.empty()) {
    sentence.add(say_nothing_more(random_));
  } else {
    sentence.add(taste);
    if (random_.chance(.4) && !(taste = tell_taste({})).empty()) sentence.add(taste);
  }
  dialogue::Reaction reaction;
  reaction.leaves = questions_ > 2 && random_.chance(.5);
  reaction.turn = sentence.take(dialogue::Role::seeker);
  add_events(reply, {}, .5, std::exp(1 + .4 * random_.normal()), reaction);
  return reaction;
}

// Without bias, noise and delay nothing is drawn for them: a world stays what it was before it had
// them.
bool SimulatedUser::takes_up(std::size_t place, double truth) {
  const WorldSettings& settings = world_.settings();
  const double looks = std::pow(static_cast<double>(place + 1), -settings.position_bias);
  if (looks < 1 && !random_.chance(looks)) return false;
  const bool wants = feel(truth) > kTakenUp;
  return settings.click_noise > 0 && random_.chance(settings.click_noise) ? !wants : wants;
}

std::optional<double> SimulatedUser::report_time() {
  const WorldSettings& settings = world_.settings();
  if (settings.delay <= 0 || !random_.chance(settings.delay)) return clock_;
  const double hours = -settings.delay_hours * std::log(1 - random_.uniform());
  return hours > kLogCloses ? std::nullopt : std::optional(clock_ + 3600 * hours);
}

// truths: one an item of the reply.
void SimulatedUser::add_events(const dialogue::Turn& reply, const std::vector<double>& truths,
                               double feeling, double dwell, dialogue::Reaction& reaction) {
  const std::vector<int> items = reply.items();
  const auto add_at = [&](double time, const char* type, int item, std::optional<double> value) {
    const std::string id = item < 0 ? "" : world_.catalogue()[item].id;
    reaction.events.push_back({type, reply.id, id, time, value});
  };
  const auto add = [&](const char* type, int item, std::optional<double> value) {
    add_at(clock_, type, item, value);
  };
  for (int item : items) add("impression", item, std::nullopt);
  // Typing takes .4 seconds a word.
  clock_ += dwell + .4 * count_words(reaction.turn->text);
  reaction.turn->time = clock_;
  add("dwell", items.empty() ? -1 : items.front(), dwell);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (takes_up(i, truths[i]))
      if (const std::optional<double> time = report_time()) add_at(*time, "accept", items[i], 1);
  if (!items.empty() && random_.chance(.2)) add("rating", items.front(), feeling > .5 ? 1 : -1);
  if (reaction.leaves) add("session_end", -1, std::nullopt);
}

double SimulatedUser::satisfaction() const { return mean(satisfactions_); }

std::vector<dialogue::Label> SimulatedUser::fill_form(double noise) {
  std::vector<dialogue::Label> form;
  if (world_.settings().forms < 1 && !random_.chance(world_.settings().forms)) return form;
  for (const Named& named : named_) {
    dialogue::Label label;
    label.item = named.item;
    label.suggested = named.suggested;
    const bool seen = person_.seen[static_cast<std::size_t>(named.item)];
    label.seen = random_.chance(.3 * noise) ? !seen : seen;
    const double liking = world_.liking(person_, named.item) + noise * random_.normal();
    if (!random_.chance(.1)) label.liked = liking > .5;
    form.push_back(label);
  }
  return form;
}

std::vector<dialogue::Label> SimulatedUser::seeker_form() {
  return fill_form(world_.settings().noise);
}

std::vector<dialogue::Label> SimulatedUser::recommender_form() {
  return fill_form(std::min(1., 3 * world_.settings().noise));
}

}  // namespace simulate
