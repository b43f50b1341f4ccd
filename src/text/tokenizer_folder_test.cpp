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
  expect_part(error_after([](Json& root) {
                root["added_tokens"].clear();
                root["model"]["vocab"].erase("a");
              }),
              "there is no token for byte 97");
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

TEST(TokenizerFolder, HostileNumbersAndTextsAreRefused) {
  expect_part(error_after([](Json& root) { root["model"]["vocab"]["a"] = 2147483648; }),
              "token \"a\" has id 2147483648");
  expect_part(error_after([](Json& root) {
                root["added_tokens"].clear();
                root["model"]["vocab"]["zz"] = 99'999'999;
              }),
              "ids go up to 99999999");
  expect_part(error_after([](Json& root) { root["model"]["vocab"]["zz"] = 1.5; }), "has id 1.5");
  expect_part(error_after([](Json& root) { root["model"]["vocab"][""] = 300; }), "is empty");
  expect_part(error_after([](Json& root) {
                root["added_tokens"].clear();
                root["model"]["vocab"]["\u4E16"] = 300;
              }),
              "is not in GPT-2's printable bytes");
  expect_part(error_after([](Json& root) { root["added_tokens"][1]["id"] = 2147483648; }),
              "expected a whole number");
  expect_part(error_after([](Json& root) { root["added_tokens"][1]["id"] = -3; }), "has id -3");
  expect_part(error_after([](Json& root) { root["added_tokens"][2]["id"] = 999; }),
              "has id 999, expected 264");
  expect_part(error_after([](Json& root) {
                root["added_tokens"][2]["content"] = root["added_tokens"][1]["content"];
              }),
              "repeats another's");
  expect_part(error_after([](Json& root) { root["added_tokens"] = 7; }), "added_tokens is no list");
  expect_part(error_after([](Json& root) { root["added_tokens"][0] = "x"; }), "is missing");
  expect_part(error_after([](Json& root) { root["model"].erase("merges"); }),
              "\"model.merges\" is missing");
  expect_part(error_after([](Json& root) { root["model"]["merges"] = "a b"; }), "is no list");
  expect_part(error_after([](Json& root) { root["model"].erase("vocab"); }),
              "\"model.vocab\" is missing");
}

TEST(TokenizerFolder, ACutOrForeignFileIsRefused) {
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), small_tokenizer());
  const std::filesystem::path file = folder.path() / "tokenizer.json";
  const std::string whole = base::read_file(file);
  for (const std::string& damaged :
       {whole.substr(0, whole.size() / 2), std::string(), "\xFF" + whole, std::string("[]"),
        std::string(100'000, '['), std::string("\x80\x04pickle")}) {
    base::write_file(file, damaged);
    EXPECT_THROW(read_tokenizer(folder.path()), base::DataError);
  }
}

TEST(TokenizerFolder, AVocabularyWithHolesKeepsItsIds) {
  // Other programs number tokens that the vocabulary does not name by its size: all are named.
  const base::TemporaryFolder folder;
  const base::TemporaryFolder other;
  write_tokenizer(folder.path(), small_tokenizer());
  Json root = base::read_json(folder.path() / "tokenizer.json");
  root["added_tokens"].clear();
  root["model"]["vocab"]["extra"] = 300;
  base::write_json(folder.path() / "tokenizer.json", root);
  const Tokenizer tokenizer = read_tokenizer(folder.path());
  EXPECT_EQ(tokenizer.size(), 301);
  EXPECT_EQ(tokenizer.token_text(299), "");
  EXPECT_EQ(
      tokenizer.decode_for_people(std::vector<int>{299, 301, 300}, Tokenizer::ControlTokens::keep),
      "extra");
  const Tokenizer grown = tokenizer.with_added_tokens({"<|end|>"});
  EXPECT_EQ(grown.token_id("<|end|>"), 301);
  write_tokenizer(other.path(), grown);
  EXPECT_EQ(base::read_json(other.path() / "tokenizer.json")["model"]["vocab"]["<|end|>"], 301);
  EXPECT_EQ(read_tokenizer(other.path()).vocabulary(), grown.vocabulary());
}

TEST(TokenizerFolder, AnAddedTokenMayBeTheModelsToo) {
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), small_tokenizer());
  Json root = base::read_json(folder.path() / "tokenizer.json");
  Json token = root["added_tokens"][0];
  token["content"] = "the";
  token["id"] = root["model"]["vocab"]["the"];
  token["single_word"] = true;
  root["added_tokens"].insert(root["added_tokens"].begin(), token);
  base::write_json(folder.path() / "tokenizer.json", root);
  const Tokenizer tokenizer = read_tokenizer(folder.path());
  const int the = *tokenizer.token_id("the");
  EXPECT_TRUE(tokenizer.is_added(the));
  EXPECT_EQ(tokenizer.encode_with_added("the<"), (std::vector<int>{the, *tokenizer.token_id("<")}));
  EXPECT_EQ(tokenizer.encode_with_added("then").front(), the);  // by its merges
}

TEST(TokenizerFolder, TheSettingsOfOthersAreKept) {
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), small_tokenizer());
  base::write_file(folder.path() / "tokenizer_config.json",
                   R"({"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024,
                       "eos_token": "<|old|>", "pad_token": "<|old|>"})");
  const Tokenizer tokenizer = read_tokenizer(folder.path()).with_added_tokens({"<|more|>"});
  write_tokenizer(folder.path(), tokenizer, {.end = "<|more|>"});
  const Json config = base::read_json(folder.path() / "tokenizer_config.json");
  EXPECT_EQ(config.at("tokenizer_class"), "GPT2Tokenizer");
  EXPECT_EQ(config.at("model_max_length"), 1024);
  EXPECT_EQ(config.at("eos_token"), "<|more|>");
  EXPECT_EQ(config.at("pad_token"), "<|old|>");
  EXPECT_TRUE(config.at("added_tokens_decoder").contains("265"));
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
