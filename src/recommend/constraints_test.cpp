#include "recommend/constraints.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace recommend {
namespace {

dialogue::Item item(const char* id, int year, std::vector<std::string> genres) {
  dialogue::Item made;
  made.id = made.title = id;
  made.year = year;
  made.attributes["genre"] = std::move(genres);
  return made;
}

// Items 0 to 19 are horror of 1980 to 1999, 20 to 39 comedy of the same years.
dialogue::Catalogue catalogue() {
  std::vector<dialogue::Item> items;
  for (int i = 0; i < 40; ++i)
    items.push_back(
        item(("item " + std::to_string(i)).c_str(), 1980 + i % 20, {i < 20 ? "horror" : "comedy"}));
  return dialogue::Catalogue(items);
}

dialogue::State said(const std::string& text) {
  dialogue::Dialogue dialogue;
  dialogue.turns.emplace_back().text = text;
  return dialogue::state_before(dialogue, 1);
}

TEST(Constraints, YearsAndGenresAreReadFromTheSeekersWords) {
  const Entities entities{catalogue()};
  const auto stated = [&](const char* text) { return stated_constraints(said(text), entities); };
  EXPECT_EQ(stated("something from the 80s").first_year, 1980);
  EXPECT_EQ(stated("something from the 80's").last_year, 1989);
  EXPECT_EQ(stated("1990s please").first_year, 1990);
  EXPECT_EQ(stated("made after 2010").first_year, 2011);
  EXPECT_EQ(stated("older than 1985").last_year, 1984);
  EXPECT_FALSE(stated("I saw 2012 twice").first_year);  // a title as likely as a year
  ASSERT_EQ(stated("a Horror film").names.size(), 1u);
  EXPECT_EQ(entities.name(stated("a Horror film").names[0]), "horror");
  EXPECT_TRUE(stated("no horror please").names.empty());
}

TEST(ChooseItems, WhatDoesNotFitIsLeftOutAndFewerComeBack) {
  const dialogue::Catalogue all = catalogue();
  const Entities entities{all};
  const dialogue::State state = said("horror from the 80s");
  std::vector<float> row(40);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i);
  const Constraints constraints = stated_constraints(state, entities);
  const auto best = choose_items(row, constraints, state, all, entities, 3, 0);
  EXPECT_EQ(best, (std::vector<int>{9, 8, 7}));
  EXPECT_EQ(choose_items(row, constraints, state, all, entities, 100, 0).size(), 10u);
  Constraints impossible = constraints;
  impossible.first_year = 2050;
  EXPECT_TRUE(choose_items(row, impossible, state, all, entities, 3, .5).empty());
  EXPECT_THROW(choose_items(row, constraints, state, all, entities, 3, 2), base::UsageError);
}

TEST(ChooseItems, DiversityTakesAnotherKindSecond) {
  const dialogue::Catalogue all = catalogue();
  const Entities entities{all};
  std::vector<float> row(40, -9);
  row[0] = -1;
  row[1] = -1.1f;
  row[30] = -2;
  const dialogue::State state = said("anything");
  EXPECT_EQ(choose_items(row, {}, state, all, entities, 2, 0), (std::vector<int>{0, 1}));
  // p / p_best: .90 for item 1, like item 0; .37 for item 30, unlike: .7 * .90 - .3 < .7 * .37
  EXPECT_EQ(choose_items(row, {}, state, all, entities, 2, .5), (std::vector<int>{0, 30}));
}

}  // namespace
}  // namespace recommend
