#include "text/rules_json.h"

#include <functional>

#include <gtest/gtest.h>

namespace text {
namespace {

using base::Json;

std::string error_after(const std::function<void(Json&)>& change) {
  Json root = gpt2_rules_json();
  change(root);
  try {
    read_rules(root, "tokenizer.json");
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "no error";
}

void expect_refused(const std::string& part, const std::function<void(Json&)>& change) {
  const std::string message = error_after(change);
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
}

Json sequence(const char* key, Json parts) {
  return {{"type", "Sequence"}, {key, std::move(parts)}};
}

TEST(RulesJson, GivesBackThePartsThatItRead) {
  EXPECT_EQ(read_rules(gpt2_rules_json(), ""), Rules{});
  Json root = gpt2_rules_json();
  root["normalizer"] = {{"type", "NFC"}};
  root["model"]["ignore_merges"] = true;
  root["padding"] = {{"strategy", "BatchLongest"}};
  const Rules rules = read_rules(root, "");
  EXPECT_TRUE(rules.whole_words_first);
  EXPECT_EQ(rules.normalizer, std::vector<NormalizerStep>{NfcNormalizer{}});
  EXPECT_EQ(rules_json(rules), root);
}

TEST(RulesJson, StepsOfASequenceComeInOrder) {
  Json root = gpt2_rules_json();
  Json bytes = root["pre_tokenizer"];
  bytes["add_prefix_space"] = true;
  root["pre_tokenizer"] = sequence(
      "pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, std::move(bytes)});
  EXPECT_EQ(read_rules(root, "").cuts, (std::vector{Cut::digits, Cut::prefix_space, Cut::gpt2}));
}

TEST(RulesJson, SpecialTokensOfSeveralProcessorsStandAroundOneAnother) {
  Json root = gpt2_rules_json();
  const Json inner = {{"type", "BertProcessing"}, {"sep", {"]", 2}}, {"cls", {"[", 1}}};
  const Json outer = {{"type", "TemplateProcessing"},
                      {"single",
                       {{{"SpecialToken", {{"id", "<"}, {"type_id", 0}}}},
                        {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
                      {"special_tokens", {{"<", {{"id", "<"}, {"ids", {3, 4}}}}}}};
  root["post_processor"] = sequence("processors", {inner, outer});
  const Rules rules = read_rules(root, "");
  EXPECT_EQ(rules.before, (std::vector<int>{3, 4, 1}));
  EXPECT_EQ(rules.after, (std::vector<int>{2}));
}

TEST(RulesJson, WhatWouldGiveOtherIdsIsRefusedByName) {
  expect_refused("model.type is \"Unigram\"", [](Json& r) { r["model"]["type"] = "Unigram"; });
  expect_refused("model.type is \"WordLevel\"", [](Json& r) { r["model"]["type"] = "WordLevel"; });
  expect_refused("byte_fallback is true", [](Json& r) { r["model"]["byte_fallback"] = true; });
  expect_refused("dropout is set", [](Json& r) { r["model"]["dropout"] = 0.1; });
  expect_refused("end_of_word_suffix", [](Json& r) { r["model"]["end_of_word_suffix"] = "</w>"; });
  expect_refused("normalizer is {\"type\":\"NFKC\"}", [](Json& r) {
    r["normalizer"] = {{"type", "NFKC"}};
  });
  expect_refused("normalizer.normalizers[1] is {\"type\":\"Lowercase\"}", [](Json& r) {
    r["normalizer"] = sequence("normalizers", {{{"type", "NFC"}}, {{"type", "Lowercase"}}});
  });
  expect_refused("pre_tokenizer is {\"type\":\"Metaspace\"}", [](Json& r) {
    r["pre_tokenizer"] = {{"type", "Metaspace"}};
  });
  expect_refused("post_processor is", [](Json& r) { r["post_processor"] = {{"type", "Other"}}; });
  expect_refused("decoder is {\"type\":\"Metaspace\"}", [](Json& r) {
    r["decoder"] = {{"type", "Metaspace"}};
  });
  expect_refused("version is \"2.0\"", [](Json& r) { r["version"] = "2.0"; });
}

TEST(RulesJson, AnUnknownPatternIsRefusedByName) {
  const auto with_split = [](const char* regex, const char* behavior) {
    return [=](Json& root) {
      const Json split = {{"type", "Split"},
                          {"pattern", {{"Regex", regex}}},
                          {"behavior", behavior},
                          {"invert", false}};
      root["pre_tokenizer"] = sequence("pretokenizers", {split, root["pre_tokenizer"]});
    };
  };
  expect_refused("pretokenizers[0].pattern is {\"Regex\":\"\\\\w+\"}",
                 with_split("\\w+", "Isolated"));
  expect_refused("behavior Isolated", with_split("\\w+", "Removed"));
}

TEST(RulesJson, WrongTypesAreRefusedWithTheirPlace) {
  expect_refused("normalizer is 7", [](Json& r) { r["normalizer"] = 7; });
  expect_refused("\"type\" is missing", [](Json& r) { r["normalizer"] = Json::object(); });
  expect_refused("pre_tokenizer is null", [](Json& r) { r.erase("pre_tokenizer"); });
  expect_refused("pre_tokenizer.pretokenizers is no list",
                 [](Json& r) { r["pre_tokenizer"] = sequence("pretokenizers", 3); });
  expect_refused("add_prefix_space", [](Json& r) { r["pre_tokenizer"]["add_prefix_space"] = 1; });
  expect_refused("has 17 steps", [](Json& r) {
    r["normalizer"] = sequence("normalizers", Json(17, {{"type", "NFC"}}));
  });
  expect_refused("sep is [1,2]", [](Json& r) {
    r["post_processor"] = {{"type", "BertProcessing"}, {"cls", {"[", 1}}, {"sep", {1, 2}}};
  });
  expect_refused("\"[CLS]\" is missing", [](Json& r) {
    r["post_processor"] = {{"type", "TemplateProcessing"},
                           {"single", {{{"SpecialToken", {{"id", "[CLS]"}}}}}}};
  });
  expect_refused("names the text 0 times", [](Json& r) {
    r["post_processor"] = {{"type", "TemplateProcessing"}, {"single", Json::array()}};
  });
  expect_refused("max_input_chars_per_word is 100000", [](Json& r) {
    r["model"] = {{"type", "WordPiece"},
                  {"unk_token", "[UNK]"},
                  {"continuing_subword_prefix", "##"},
                  {"max_input_chars_per_word", 100000}};
  });
}

}  // namespace
}  // namespace text
