// A small tokenizer of each kind, with what Hugging Face's tokenizers give for it
// (tests/data/tokenizers, written by tools/write_tokenizer_cases.py).
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "text/tokenizer_folder.h"

namespace text {
namespace {

using Ids = std::vector<int>;
constexpr std::size_t kEndless = 1'000'000;

class TokenizerCases : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path folder() const {
    return std::filesystem::path("tests/data/tokenizers") / GetParam();
  }
  base::Json cases() const { return base::read_json(folder() / "cases.json"); }
};

TEST_P(TokenizerCases, GivesTheSameIdsAndText) {
  const Tokenizer tokenizer = read_tokenizer(folder());
  ASSERT_GT(cases().size(), 20u);
  for (const base::Json& item : cases()) {
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(tokenizer.encode_with_added(text), item.at("ids").get<Ids>()) << text;
    const Ids whole = tokenizer.encode_for_model(text, kEndless);
    EXPECT_EQ(whole, item.at("whole").get<Ids>()) << text;
    EXPECT_EQ(tokenizer.encode_for_model(text, 5), item.at("longest_5").get<Ids>()) << text;
    EXPECT_EQ(tokenizer.decode_for_people(whole, Tokenizer::ControlTokens::keep),
              item.at("decoded").get<std::string>());
    EXPECT_EQ(tokenizer.decode_for_people(whole, Tokenizer::ControlTokens::leave_out),
              item.at("skipped").get<std::string>());
  }
}

TEST_P(TokenizerCases, IsTheSameAfterAddingTokensAndWriting) {
  const Tokenizer tokenizer = read_tokenizer(folder()).with_added_tokens({"<|item:1|>"});
  const base::TemporaryFolder written;
  write_tokenizer(written.path(), tokenizer, {.end = "<|item:1|>"});
  const Tokenizer again = read_tokenizer(written.path());
  EXPECT_EQ(again.vocabulary(), tokenizer.vocabulary());
  EXPECT_EQ(again.token_id("<|item:1|>"), tokenizer.size() - 1);
  for (const base::Json& item : cases())
    EXPECT_EQ(again.encode_for_model(item.at("text").get<std::string>(), kEndless),
              item.at("whole").get<Ids>());
  const base::Json before = base::read_json(folder() / "tokenizer.json");
  const base::Json after = base::read_json(written.path() / "tokenizer.json");
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "decoder"})
    EXPECT_EQ(after.at(part), before.at(part));
}

TEST_P(TokenizerCases, ACutFileIsRefused) {
  const base::TemporaryFolder cut;
  const std::string whole = base::read_file(folder() / "tokenizer.json");
  for (const std::size_t part : {std::size_t{1}, whole.size() / 3, whole.size() - 3}) {
    base::write_file(cut.path() / "tokenizer.json", whole.substr(0, part));
    EXPECT_THROW(read_tokenizer(cut.path()), base::DataError);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerCases,
                         testing::Values("gpt2", "llama3", "qwen2", "smollm2", "roberta", "bert",
                                         "bert_cased"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace text
