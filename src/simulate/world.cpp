#include "simulate/world.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace simulate {
namespace {

const std::array<const char*, 8> kGenres = {"crime",   "comedy",  "romance",   "horror",
                                            "western", "mystery", "adventure", "fantasy"};
const std::array<const char*, 6> kMoods = {"dark", "warm", "tense", "dreamy", "quirky", "gentle"};
const std::array<const char*, 5> kEras = {"fifties", "sixties", "seventies", "eighties",
                                          "nineties"};
const std::array<const char*, 10> kPeople = {
    "Ada Moreno", "Bo Lindqvist", "Cleo Hart",  "Dario Vance", "Edith Okafor",
    "Felix Rowe", "Greta Sol",    "Hugo Marsh", "Ines Calder", "Jonas Petrov"};
const std::array<const char*, 40> kFirst = {
    "Silver",  "Last",    "Hidden", "Crimson",  "Paper",    "Winter",   "Hollow",   "Golden",
    "Distant", "Broken",  "Quiet",  "Midnight", "Amber",    "Iron",     "Velvet",   "Second",
    "Burning", "Frozen",  "Empty",  "Scarlet",  "Borrowed", "Northern", "Glass",    "Copper",
    "Ninth",   "Painted", "Salted", "Wooden",   "Drifting", "Emerald",  "Folded",   "Granite",
    "Ivory",   "Lunar",   "Marble", "Narrow",   "Opal",     "Rusty",    "Southern", "Tidal"};
const std::array<const char*, 40> kSecond = {
    "Harbor", "Lantern", "Garden",  "Station", "Mirror",  "River",   "Orchard",  "Signal",
    "Canyon", "Letter",  "Window",  "Kingdom", "Bridge",  "Forest",  "Carnival", "Island",
    "Ladder", "Comet",   "Railway", "Library", "Desert",  "Balcony", "Compass",  "Meadow",
    "Anchor", "Bazaar",  "Cellar",  "Dynamo",  "Estuary", "Ferry",   "Glacier",  "Hangar",
    "Inlet",  "Jetty",   "Kiln",    "Lagoon",  "Mill",    "Narrows", "Outpost",  "Parade"};

constexpr int kMostItems = static_cast<int>(kFirst.size() * kSecond.size());

template <class Names>
void add_attributes(std::vector<Attribute>& to, AttributeKind kind, const Names& names) {
  for (const char* name : names) to.push_back({kind, name});
}

const char* kind_name(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::genre:
      return "genre";
    case AttributeKind::mood:
      return "mood";
    case AttributeKind::era:
      return "era";
    case AttributeKind::person:
      return "person";
  }
  return "";
}

std::vector<int> of_kind(const std::vector<Attribute>& attributes, AttributeKind kind) {
  std::vector<int> out;
  for (std::size_t a = 0; a < attributes.size(); ++a)
    if (attributes[a].kind == kind) out.push_back(static_cast<int>(a));
  return out;
}

struct Tastes {  // how many attributes of a kind somebody likes, dislikes, and how much
  AttributeKind kind;
  int liked, disliked;
  double strength;
};
constexpr Tastes kTastes[] = {{AttributeKind::genre, 2, 3, 2.0},
                              {AttributeKind::mood, 2, 2, 1.0},
                              {AttributeKind::era, 1, 1, .7},
                              {AttributeKind::person, 2, 2, .9}};

void check_range(const char* name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw base::UsageError("world.", name, " is ", value, ", expected ", low, " to ", high);
}

}  // namespace

World::World(const WorldSettings& settings) : settings_(settings) {
  check_range("items", settings.items, 1, kMostItems);
  check_range("dialogues", settings.dialogues, 1, 1e9);
  check_range("people", settings.people, 1, 1e9);
  check_range("max_turns", settings.max_turns, 1, 1000);
  check_range("noise", settings.noise, 0, 1);
  check_range("attentive", settings.attentive, 0, 1);
  check_range("chat", settings.chat, 0, 1);
  check_range("flattery", settings.flattery, 0, 1);
  check_range("rambling", settings.rambling, 0, 1);
  check_range("manners", settings.manners, 0, 1);
  check_range("slate", settings.slate, 1, std::min(settings.items, 10));
  check_range("position_bias", settings.position_bias, 0, 10);
  check_range("click_noise", settings.click_noise, 0, 1);
  check_range("dwell_noise", settings.dwell_noise, 0, 5);
  check_range("delay", settings.delay, 0, 1);
  check_range("delay_hours", settings.delay_hours, 1e-3, 1e6);
  check_range("forms", settings.forms, 0, 1);
  add_attributes(attributes_, AttributeKind::genre, kGenres);
  add_attributes(attributes_, AttributeKind::mood, kMoods);
  add_attributes(attributes_, AttributeKind::era, kEras);
  add_attributes(attributes_, AttributeKind::person, kPeople);

  base::Random random({static_cast<std::uint64_t>(settings.seed), "simulate/world"});
  std::vector<int> titles(kMostItems);
  for (int i = 0; i < kMostItems; ++i) titles[static_cast<std::size_t>(i)] = i;
  random.shuffle(titles);
  std::vector<dialogue::Item> items;
  for (int i = 0; i < settings.items; ++i) {
    std::vector<int> own;
    for (AttributeKind kind :
         {AttributeKind::genre, AttributeKind::mood, AttributeKind::era, AttributeKind::person}) {
      const std::vector<int> choices = of_kind(attributes_, kind);
      own.push_back(choices[random.below(choices.size())]);
    }
    const auto title = static_cast<std::size_t>(titles[static_cast<std::size_t>(i)]);
    const int era = own[2] - of_kind(attributes_, AttributeKind::era).front();
    dialogue::Item item;
    item.id = "film-" + std::to_string(i + 1);
    item.year = 1950 + 10 * era + static_cast<int>(random.below(10));
    item.title = base::concatenate(kFirst[title / kSecond.size()], " ",
                                   kSecond[title % kSecond.size()], " (", *item.year, ")");
    item.domain = "movie";
    for (int a : own) {
      const Attribute& attribute = attributes_[static_cast<std::size_t>(a)];
      item.attributes[kind_name(attribute.kind)].push_back(attribute.name);
    }
    items.push_back(std::move(item));
    item_attributes_.push_back(std::move(own));
    quality_.push_back(.4 * random.normal());
    popularity_.push_back(std::exp(quality_.back() + .6 * random.normal()));
  }
  catalogue_ = dialogue::Catalogue(std::move(items));
}

Person World::person(std::uint64_t number) const {
  base::Random random({static_cast<std::uint64_t>(settings_.seed), "simulate/person", number});
  Person person;
  person.number = number;
  person.taste.resize(attributes_.size());
  for (double& taste : person.taste) taste = .15 * random.normal();
  for (const Tastes& tastes : kTastes) {
    std::vector<int> order = of_kind(attributes_, tastes.kind);
    random.shuffle(order);
    for (int i = 0; i < tastes.liked + tastes.disliked; ++i)
      person.taste[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] +=
          i < tastes.liked ? tastes.strength : -tastes.strength;
  }
  // People have seen popular films more often, and those of their taste.
  for (int item = 0; item < catalogue_.size(); ++item) {
    const double chance = .12 * popularity(item) * (.5 + liking(person, item));
    person.seen.push_back(random.chance(std::min(chance, .6)));
  }
  return person;
}

double World::liking(const Person& person, int item) const {
  double sum = quality_[static_cast<std::size_t>(item)];
  for (int a : attributes_of(item)) sum += person.taste[static_cast<std::size_t>(a)];
  return 1 / (1 + std::exp(-1.3 * sum));
}

double World::best_satisfaction(const Person& person) const {
  double best = 0;
  for (int item = 0; item < catalogue_.size(); ++item)
    best = std::max(best, true_satisfaction(*this, person, item, Novelty::first_named));
  return best;
}

double true_satisfaction(const World& world, const Person& person, int item, Novelty novelty) {
  const double liking = world.liking(person, item);
  if (novelty == Novelty::named_before) return .1 * liking;
  return person.seen[static_cast<std::size_t>(item)] ? .5 * liking : liking;
}

}  // namespace simulate
