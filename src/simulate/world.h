#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogue/catalogue.h"

namespace simulate {

struct WorldSettings {
  int items = 120;
  int dialogues = 3000;
  int people = 1000;
  int max_turns = 8;
  double noise = .1;
  double attentive = .35;
  double chat = .2;
  double flattery = 0;
  double rambling = 0;
  double manners = 0;
  int slate = 1;
  double position_bias = 0;
  double click_noise = 0;
  double dwell_noise = .5;
  double delay = 0;
  double delay_hours = 24;
  double forms = 1;
  std::int64_t seed = 1;

  template <class F>
  void fields(F&& field) {
    field("items", items, "items in the world, 1 to 1,600");
    field("dialogues", dialogues, "dialogues that the logging recommender has had");
    field("people", people, "people who have had them");
    field("max_turns", max_turns, "recommender's turns after which a dialogue ends");
    field("noise", noise, "deviation between what people feel and what they say and do, 0 to 1");
    field("attentive", attentive, "share of logged recommendations that heed what was said");
    field("chat", chat, "share of logged turns that ask instead of recommending");
    field("flattery", flattery,
          "share of logged recommendations that begin with a compliment, after which people say "
          "nicer things");
    field(
        "rambling", rambling,
        "share of logged recommendations that take many words, over which people spend more time");
    field("manners", manners,
          "share of true satisfaction that a compliment, or ten words too many, costs");
    field("slate", slate, "items that a logged recommendation shows, in order");
    field("position_bias", position_bias,
          "people look at the item in place j, from 1, with probability j^-this, and take up what "
          "they looked at only; 0: they look at all");
    field("click_noise", click_noise,
          "share of the items looked at where taking it up or not is turned round");
    field("dwell_noise", dwell_noise, "deviation of the logarithm of dwell times");
    field(
        "delay", delay,
        "share of what was taken up that is reported later, if at all: the log is closed 24 hours "
        "after each dialogue");
    field("delay_hours", delay_hours, "until a late report, on average; exponential");
    field("forms", forms,
          "share of the forms that people fill in after a dialogue; 0: clicks only");
    field("seed", seed, "decides the world, its people and all that they do");
  }
};

enum class AttributeKind { genre, mood, era, person };

struct Attribute {
  AttributeKind kind = AttributeKind::genre;
  std::string name;  // "crime", "eighties", "Ada Moreno"; one word, or a name of two
};

// Somebody's hidden taste. Never written to a corpus.
struct Person {
  std::uint64_t number = 0;
  std::vector<double> taste;  // one an attribute; above 0: liked
  std::vector<bool> seen;     // one an item
};

// Films with attributes, all a function of the settings' seed.
class World {
 public:
  // Throws base::UsageError where a setting is out of its range.
  explicit World(const WorldSettings& settings = {});

  const WorldSettings& settings() const { return settings_; }
  const dialogue::Catalogue& catalogue() const { return catalogue_; }
  const std::vector<Attribute>& attributes() const { return attributes_; }
  // The attributes of an item, as indices into attributes().
  const std::vector<int>& attributes_of(int item) const {
    return item_attributes_[static_cast<std::size_t>(item)];
  }
  double popularity(int item) const { return popularity_[static_cast<std::size_t>(item)]; }  // > 0

  // The person of a number, always the same.
  Person person(std::uint64_t number) const;

  // How well an item suits a person, 0 … 1, seen or not.
  double liking(const Person& person, int item) const;

  // The most that one new recommendation can satisfy a person.
  double best_satisfaction(const Person& person) const;

 private:
  WorldSettings settings_;
  dialogue::Catalogue catalogue_;
  std::vector<Attribute> attributes_;
  std::vector<std::vector<int>> item_attributes_;
  std::vector<double> quality_;
  std::vector<double> popularity_;
};

// Whether an item was named in this dialogue before, by anybody.
enum class Novelty { first_named, named_before };

// What a recommendation is worth to a person, 0 … 1, the truth that policies are judged by: the
// liking, halved where the person has seen the item, and a tenth where it was named in this
// dialogue before.
double true_satisfaction(const World& world, const Person& person, int item, Novelty novelty);

}  // namespace simulate
