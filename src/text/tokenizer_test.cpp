#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/test_data.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_trainer.h"

namespace text {
namespace {

using Ids = std::vector<int>;

// 256 bytes, then "th" = 256, "the" = 257.
Tokenizer small_tokenizer() {
  return train_tokenizer({"the the the then"}, {.vocabulary_size = 258, .minimum_count = 1});
}

std::string random_bytes(base::Random& random, std::size_t length) {
  std::string out(length, '\0');
  for (char& byte : out) byte = static_cast<char>(random.below(256));
  return out;
}

TEST(Tokenizer, AnyBytesComeBack) {
  const Tokenizer tokenizer = small_tokenizer();
  base::Random random({.seed = 1, .stage = "test"});
  for (int i = 0; i < 300; ++i) {
    const std::string bytes = random_bytes(random, random.below(80));
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(bytes)), bytes);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode_with_added(bytes)), bytes);
  }
}

TEST(Tokenizer, AddedTokensAreFoundOnlyWhenAskedFor) {
  const Tokenizer tokenizer = small_tokenizer().with_added_tokens({"<a>", "<ab>", "<a>b"});
  EXPECT_EQ(tokenizer.size(), 261);
  EXPECT_EQ(tokenizer.encode_with_added("the<a>the"), (Ids{257, 258, 257}));
  EXPECT_EQ(tokenizer.encode_with_added("<a>b<ab><a"),
            (Ids{260, 259, *tokenizer.token_id("<"), *tokenizer.token_id("a")}));
  EXPECT_EQ(tokenizer.decode(Ids{257, 258}), "the<a>");
  for (const int id : tokenizer.encode("the<a>the<ab>")) EXPECT_FALSE(tokenizer.is_added(id));
  EXPECT_TRUE(tokenizer.is_added(258));
  EXPECT_FALSE(tokenizer.is_added(257));
}

TEST(Tokenizer, AddedTokensFollowOneAnother) {
  const Tokenizer tokenizer =
      small_tokenizer().with_added_tokens({"<end>"}).with_added_tokens({"<1>"}, AddedKind::word);
  EXPECT_EQ(tokenizer.token_id("<end>"), 258);
  EXPECT_EQ(tokenizer.token_id("<1>"), 259);
  EXPECT_EQ(tokenizer.token_text(259), "<1>");
  EXPECT_EQ(tokenizer.token_id("<2>"), std::nullopt);
  EXPECT_THROW(tokenizer.with_added_tokens({"<1>"}), base::UsageError);
  EXPECT_THROW(tokenizer.with_added_tokens({""}), base::UsageError);
  EXPECT_THROW(tokenizer.with_added_tokens({"\xFF"}), base::UsageError);
}

TEST(Tokenizer, ThousandsOfAddedTokensAreToldApart) {
  std::vector<std::string> items;
  for (int i = 0; i < 7000; ++i) items.push_back("<item_" + std::to_string(i) + ">");
  const Tokenizer tokenizer = small_tokenizer().with_added_tokens(items, AddedKind::word);
  std::string text;
  Ids expected;
  for (int i = 0; i < 7000; i += 3) {
    text += items[i] + "the";
    expected.insert(expected.end(), {258 + i, 257});
  }
  EXPECT_EQ(tokenizer.encode_with_added(text), expected);
}

TEST(Tokenizer, AnUnknownIdIsRefused) {
  EXPECT_THROW(small_tokenizer().decode(Ids{258}), base::UsageError);
  EXPECT_THROW(small_tokenizer().token_text(-1), base::UsageError);
}

class Gpt2 : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = base::test::data_folder();
    if (!exists(folder_ / "tokenizers/gpt2"))
      GTEST_SKIP() << "skipped: no " << folder_ / "tokenizers/gpt2";
  }
  std::filesystem::path folder_;
};

TEST_F(Gpt2, GivesTheIdsOfTiktoken) {
  const Tokenizer tokenizer = read_tokenizer(folder_ / "tokenizers/gpt2");
  EXPECT_EQ(tokenizer.size(), 50257);
  EXPECT_EQ(tokenizer.token_id("<|endoftext|>"), 50256);
  EXPECT_TRUE(tokenizer.is_added(50256));
  const base::Json root =
      base::read_json(folder_ / "test_vectors/gpt2_bpe/tiktoken_gpt2_cases.json");
  for (const base::Json& item : root.at("cases")) {
    const auto text = item.at("text").get<std::string>();
    const Ids ids = item.contains("allowed_special") ? tokenizer.encode_with_added(text)
                                                     : tokenizer.encode(text);
    EXPECT_EQ(ids, item.at("ids").get<Ids>()) << text;
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
}

TEST_F(Gpt2, GivesTheIdsOfSharpToken) {
  const Tokenizer tokenizer = read_tokenizer(folder_ / "tokenizers/gpt2");
  bool ours = false;
  std::string sample;
  int cases = 0;
  const auto after = [](std::string_view line, std::string_view start) {
    return std::string(line.substr(start.size()));
  };
  base::read_lines(
      folder_ / "test_vectors/gpt2_bpe/SharpToken_TestPlans.txt",
      [&](std::string_view line, long number) {
        if (line.starts_with("EncodingName: ")) {
          ours = line == "EncodingName: r50k_base";
        } else if (line.starts_with("Sample: ")) {
          sample = after(line, "Sample: ");
        } else if (line.starts_with("Encoded: ") && ours) {
          const Ids expected = base::parse_json(after(line, "Encoded: "), "SharpToken").get<Ids>();
          EXPECT_EQ(tokenizer.encode_with_added(sample), expected) << "line " << number;
          EXPECT_EQ(tokenizer.decode(expected), sample);
          ++cases;
        }
      });
  EXPECT_EQ(cases, 67);
}

TEST_F(Gpt2, IsTheSameAfterWritingAndReading) {
  const Tokenizer tokenizer = read_tokenizer(folder_ / "tokenizers/gpt2");
  const base::TemporaryFolder folder;
  write_tokenizer(folder.path(), tokenizer, {.end = "<|endoftext|>"});
  EXPECT_EQ(read_tokenizer(folder.path()).vocabulary(), tokenizer.vocabulary());
}

}  // namespace
}  // namespace text
