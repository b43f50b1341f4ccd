#include "corpus/preferences.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace corpus {
namespace {

class PreferenceFiles : public ::testing::Test {
 protected:
  dialogue::Preferences read(const std::string& text) {
    base::write_file(file(), text);
    return read_preferences(file(), catalogue_);
  }
  std::string complaint(const std::string& text) {
    try {
      read(text);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }
  std::filesystem::path file() const { return folder_.path() / "preferences.jsonl"; }

  base::TemporaryFolder folder_;
  dialogue::Catalogue catalogue_{
      {{"a", "Heat (1995)", "movie", 1995, {}}, {"b", "It", "movie", {}, {}}}};
};

TEST_F(PreferenceFiles, PairsOfStringsAreOneMessageEach) {
  const auto read_ =
      read(R"({"prompt":"Any thriller?","chosen":"Try Heat (1995).","rejected":"No. it is late"})");
  ASSERT_EQ(read_.pairs.size(), 1u);
  const dialogue::Preference& pair = read_.pairs[0];
  ASSERT_EQ(pair.prompt.size(), 1u);
  EXPECT_EQ(pair.prompt[0].role, dialogue::Role::seeker);
  EXPECT_EQ(pair.chosen.role, dialogue::Role::recommender);
  EXPECT_EQ(pair.chosen.items(), (std::vector<int>{0}));
  EXPECT_EQ(pair.chosen.text.substr(pair.chosen.mentions[0].begin), "Heat (1995).");
  EXPECT_TRUE(pair.rejected.items().empty());  // "It" is looked for as it is written
}

TEST_F(PreferenceFiles, ConversationsKeepTheirRoles) {
  const auto read_ = read(
      R"({"prompt":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"A film?"}],"completion":[{"role":"assistant","content":"It"}],"label":false})");
  ASSERT_EQ(read_.judgements.size(), 1u);
  const dialogue::Judgement& judgement = read_.judgements[0];
  ASSERT_EQ(judgement.prompt.size(), 3u);
  EXPECT_EQ(judgement.prompt[1].role, dialogue::Role::recommender);
  EXPECT_FALSE(judgement.label);
  EXPECT_EQ(judgement.completion.items(), (std::vector<int>{1}));
  ASSERT_EQ(read_.dropped.size(), 1u);
  EXPECT_EQ(read_.dropped[0].what, "messages of the system");
}

TEST_F(PreferenceFiles, WithoutAPromptItIsWhatBothBeginWith) {
  const std::string hi = R"({"role":"user","content":"Hi"})";
  const auto read_ =
      read(R"({"chosen":[)" + hi + R"(,{"role":"assistant","content":"A"}],"rejected":[)" + hi +
           R"(,{"role":"assistant","content":"A"}]})");
  ASSERT_EQ(read_.pairs.size(), 1u);
  EXPECT_EQ(read_.pairs[0].prompt.size(), 1u);
  EXPECT_EQ(read_.pairs[0].chosen.text, "A");  // replies that are alike are replies nevertheless
}

TEST_F(PreferenceFiles, RepliesOfSeveralMessagesAreCounted) {
  const auto read_ = read(
      R"({"prompt":"Hi","completion":[{"role":"assistant","content":"A"},{"role":"assistant","content":"B"}],"label":true})");
  EXPECT_TRUE(read_.judgements.empty());
  ASSERT_EQ(read_.dropped.size(), 1u);
  EXPECT_EQ(read_.dropped[0].count, 1);
}

TEST_F(PreferenceFiles, WhatIsWrittenIsRead) {
  dialogue::Turn asks, names;
  asks.text = "Like @1 but newer?";
  asks.mentions = {{1, 5, 7}};
  names.role = dialogue::Role::recommender;
  names.text = "Sure.";
  names.mentions = {{0, 5, 5}};  // without a place
  write_preferences(file(), {{{{asks}, names, asks}}, {{{asks}, names, true}}}, catalogue_);
  const dialogue::Preferences back = read_preferences(file(), catalogue_);
  ASSERT_EQ(back.judgements.size(), 1u);
  EXPECT_TRUE(back.judgements[0].label);
  EXPECT_EQ(back.judgements[0].prompt[0].text, "Like It but newer?");
  EXPECT_EQ(back.judgements[0].prompt[0].items(), (std::vector<int>{1}));
  EXPECT_EQ(back.judgements[0].completion.text, "Sure. Heat (1995)");
  EXPECT_EQ(back.judgements[0].completion.mentions[0].begin, 6u);
  EXPECT_TRUE(back.pairs.empty());  // its rejected reply was not a recommender's
  EXPECT_EQ(back.dropped[0].count, 1);
}

TEST_F(PreferenceFiles, DamageIsRefusedWithFileAndLine) {
  const std::string whole = R"({"prompt":"a","chosen":"b","rejected":"c"})";
  for (
      const auto& [line, said] : std::vector<std::pair<std::string, std::string>>{
          {"[]", "expected an object"},
          {R"({"prompt":"a","chosen":"b"})", "expected \"chosen\" and \"rejected\""},
          {R"({"prompt":"a","completion":"b","label":"yes"})", "label"},
          {R"({"completion":"b","label":true})", "\"prompt\" is missing"},
          {R"({"prompt":3,"chosen":"b","rejected":"c"})", "neither a text nor a list"},
          {R"({"prompt":[{"role":"bot","content":"x"}],"chosen":"b","rejected":"c"})",
           "role is \"bot\""},
          {R"({"prompt":[],"chosen":"b","rejected":"c"})", "the prompt is empty"},
          {R"({"prompt":[{"role":"user","content":"x","mentions":[{"item":"z","begin":0,"end":1}]}],"chosen":"b","rejected":"c"})",
           "no item \"z\""},
          {R"({"prompt":[{"role":"user","content":"x","mentions":[{"item":"a","begin":0,"end":9}]}],"chosen":"b","rejected":"c"})",
           "outside the words"},
          {"{", ""}}) {
    const std::string found = complaint(whole + "\n" + line + "\n");
    EXPECT_NE(found.find("preferences.jsonl:2"), std::string::npos) << line << ": " << found;
    EXPECT_NE(found.find(said), std::string::npos) << line << ": " << found;
  }
}

}  // namespace
}  // namespace corpus
