#include "text/tokenizer_folder.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_trainer.h"

namespace text {
namespace {

using base::Json;

Tokenizer small_tokenizer() {
  return train_tokenizer({"the the the then, caf\u00E9 caf\u00E9"}, {.vocabulary_size = 262})
      .with_added_tokens({"<|end|>"})
      .with_added_tokens({"<item 1>", "<\u00E9>"}, AddedKind::word);
}

// What reading the folder says after `damage` has changed its tokenizer.json.
std::string error_after(const std::function<void(Json&)>& damage) {
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), small_tokenizer());
  Json root = base::read_json(folder.path() / "tokenizer.json");
  damage(root);
  base::write_json(folder.path() / "tokenizer.json", root);
  try {
    read_tokenizer(folder.path());
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "no error";
}

// The same for vocab.json and merges.txt without a tokenizer.json.
std::string error_of_two_files(const std::string& vocabulary, const std::string& merges) {
  const base::TemporaryFolder folder;
  base::write_file(folder.path() / "vocab.json", vocabulary);
  base::write_file(folder.path() / "merges.txt", merges);
  try {
    read_tokenizer(folder.path());
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "no error";
}

// vocab.json of the bytes and more tokens after them.
std::string byte_vocabulary(const std::vector<std::string>& more) {
  Json out = Json::object();
  int id = 0;
  for (const unsigned char byte : byte_order())
    out[to_printable(std::string(1, static_cast<char>(byte)))] = id++;
  for (const std::string& token : more) out[token] = id++;
  return out.dump();
}

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks " << part;
}

TEST(TokenizerFolder, ReadsWhatItWrote) {
  const Tokenizer tokenizer = small_tokenizer();
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), tokenizer, {.end = "<|end|>", .padding = "<|end|>"});
  EXPECT_EQ(read_tokenizer(folder.path()).vocabulary(), tokenizer.vocabulary());
  EXPECT_EQ(base::read_json(folder.path() / "tokenizer_config.json").at("eos_token"), "<|end|>");
}

TEST(TokenizerFolder, ReadsVocabularyAndMergesAlone) {
  const Tokenizer tokenizer = small_tokenizer();
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), tokenizer);
  std::filesystem::remove(folder.path() / "tokenizer.json");
  EXPECT_EQ(read_tokenizer(folder.path()).vocabulary(), tokenizer.vocabulary());
}

TEST(TokenizerFolder, ReadsTheOlderNames) {
  const base::TemporaryFolder folder;
  base::write_file(folder.path() / "encoder.json", byte_vocabulary({"th", "<|endoftext|>"}));
  base::write_file(folder.path() / "vocab.bpe", "#version: 0.2\nt h\n");
  base::write_file(folder.path() / "added_tokens.json", R"({"<pad>": 258})");
  const Tokenizer tokenizer = read_tokenizer(folder.path());
  EXPECT_EQ(tokenizer.encode("th<"), (std::vector<int>{256, *tokenizer.token_id("<")}));
  EXPECT_EQ(tokenizer.encode_with_added("<|endoftext|><pad>"), (std::vector<int>{257, 258}));
}

TEST(TokenizerFolder, ReadsMergesAsPairs) {
  const std::string message = error_after([](Json& root) {
    for (Json& merge : root["model"]["merges"]) {
      const auto text = merge.get<std::string>();
      const std::size_t space = text.find(' ');
      merge = Json::array({text.substr(0, space), text.substr(space + 1)});
    }
  });
  EXPECT_EQ(message, "no error");
}

TEST(TokenizerFolder, ADamagedTokenizerFileIsNamedWithThePlace) {
  expect_part(error_after([](Json& root) { root.erase("model"); }), "\"model\" is missing");
  expect_part(error_after([](Json& root) { root["model"]["vocab"].erase("a"); }), "expected 0 to");
  expect_part(error_after([](Json& root) { root["model"]["vocab"]["a"] = 7; }),
              "which another token has too");
  expect_part(error_after([](Json& root) { root["model"]["vocab"]["a"] = -1; }),
              "token \"a\" has id -1");
  expect_part(error_after([](Json& root) { root["model"]["merges"][1] = "x"; }), "merge 2 is");
  expect_part(error_after([](Json& root) { root["model"]["merges"][1] = "q zz"; }),
              "merge 2: \"q\" + \"zz\"");
  expect_part(error_after([](Json& root) {
                root["model"]["merges"].push_back(root["model"]["merges"][0]);
              }),
              "is there twice, first at 1");
  expect_part(error_after([](Json& root) { root["added_tokens"][0]["id"] = 3; }),
              "has id 3, which is");
  expect_part(error_after([](Json& root) { root["added_tokens"][1]["content"] = ""; }), "is empty");
  expect_part(error_after([](Json& root) { root["added_tokens"][1]["id"] = "x"; }),
              "expected a whole number");
}

TEST(TokenizerFolder, OtherRulesThanThoseOfGpt2AreRefused) {
  expect_part(error_after([](Json& root) { root["model"]["type"] = "WordPiece"; }),
              "expected \"BPE\"");
  expect_part(error_after([](Json& root) { root["pre_tokenizer"]["add_prefix_space"] = true; }),
              "pre_tokenizer is");
  expect_part(error_after([](Json& root) {
                root["normalizer"] = {{"type", "NFC"}};
              }),
              "normalizer is set");
  expect_part(error_after([](Json& root) { root["model"]["ignore_merges"] = true; }),
              "ignore_merges");
  expect_part(error_after([](Json& root) { root["added_tokens"][0]["lstrip"] = true; }), "lstrip");
}

TEST(TokenizerFolder, DamagedVocabularyAndMergesAreNamedWithTheLine) {
  expect_part(error_of_two_files(byte_vocabulary({"th"}), "#version: 0.2\nt h\nt  h\n"),
              "merges.txt:3: ");
  expect_part(error_of_two_files(byte_vocabulary({"th"}), "#version: 0.2\n"), "was that file cut?");
  expect_part(error_of_two_files(byte_vocabulary({"th"}), "t h\nq u\n"),
              "merges.txt:2: \"q\" + \"u\"");
  expect_part(error_of_two_files("{\"a\": 0}", ""), "no token for byte");
  expect_part(error_of_two_files("[1]", ""), "expected an object");
  expect_part(error_of_two_files("{\"a\": 0, \"a\": 1}", ""), "twice");
  expect_part(error_of_two_files("{\"a\": 0", ""), "vocab.json");
}

TEST(TokenizerFolder, AnEmptyFolderIsNamed) {
  const base::TemporaryFolder folder;
  EXPECT_THROW(read_tokenizer(folder.path()), base::DataError);
}

TEST(TokenizerFolder, ARoleThatIsNoAddedTokenIsRefused) {
  const base::TemporaryFolder folder;
  EXPECT_THROW(write_tokenizer(folder.path(), small_tokenizer(), {.end = "the"}), base::UsageError);
}

}  // namespace
}  // namespace text
