#include "text/vocabulary_files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_folder.h"

namespace text {
namespace {

using Ids = std::vector<int>;

// A folder with vocab.json of the bytes and "th", RoBERTa's tokens after them, and merges.txt.
class MergesFolder {
 public:
  explicit MergesFolder(const std::string& config) {
    base::Json vocabulary = base::Json::object();
    int id = 0;
    for (const unsigned char byte : byte_order())
      vocabulary[to_printable(std::string(1, static_cast<char>(byte)))] = id++;
    for (const char* token : {"th", "<s>", "</s>", "<mask>"}) vocabulary[token] = id++;
    base::write_json(folder_.path() / "vocab.json", vocabulary);
    base::write_file(folder_.path() / "merges.txt", "#version: 0.2\nt h\n");
    if (!config.empty()) base::write_file(folder_.path() / "tokenizer_config.json", config);
  }
  Tokenizer read() const { return read_tokenizer(folder_.path()); }

 private:
  base::TemporaryFolder folder_;
};

TEST(VocabularyFiles, AClassOfTransformersStandsForItsRules) {
  const Tokenizer gpt2 = MergesFolder("").read();
  EXPECT_EQ(gpt2.vocabulary().rules, Rules{});
  const Tokenizer roberta = MergesFolder(R"({"tokenizer_class": "RobertaTokenizer"})").read();
  // <mask> takes the space before it along; <s> th </s> around the text.
  EXPECT_EQ(roberta.encode_for_model("th <mask>", 9), (Ids{257, 256, 259, 258}));
  const Tokenizer qwen2 = MergesFolder(R"({"tokenizer_class": "Qwen2TokenizerFast"})").read();
  EXPECT_EQ(qwen2.encode("e\u0301"), qwen2.encode("\u00E9"));
  EXPECT_THROW(MergesFolder(R"({"tokenizer_class": "LlamaTokenizer"})").read(), base::DataError);
}

// A folder with a vocab.txt of BERT's special tokens and these lines.
Tokenizer read_bert(const std::string& lines, const std::string& config = "{}") {
  const base::TemporaryFolder folder;
  base::write_file(folder.path() / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + lines);
  base::write_file(folder.path() / "tokenizer_config.json", config);
  return read_tokenizer(folder.path());
}

TEST(VocabularyFiles, ReadsTheVocabularyOfBert) {
  const Tokenizer bert = read_bert("go\n##ing\n!\ncafe\n");
  EXPECT_EQ(bert.encode_for_model("Going, CAF\u00C9!", 20), (Ids{2, 5, 6, 1, 8, 7, 3}));
  EXPECT_EQ(bert.encode_for_model("going [MASK]", 4), (Ids{2, 5, 6, 3}));
  EXPECT_THROW(bert.encode_for_model("going", 1), base::UsageError);
  EXPECT_EQ(bert.decode(Ids{2, 5, 6, 7, 3}), "[CLS] going! [SEP]");
  EXPECT_EQ(bert.decode_for_people(Ids{2, 5, 6, 7, 3}, Tokenizer::ControlTokens::leave_out),
            "going!");
}

TEST(VocabularyFiles, TheSettingsOfBertAreHeeded) {
  const Tokenizer cased = read_bert("Go\ngo\n", R"({"do_lower_case": false})");
  EXPECT_EQ(cased.encode("Go"), Ids{5});
  const Tokenizer accents = read_bert("\u00E9\ne\n", R"({"strip_accents": false})");
  EXPECT_EQ(accents.encode("\u00C9"), Ids{5});
}

TEST(VocabularyFiles, ADamagedVocabularyOfBertIsRefused) {
  EXPECT_THROW(read_bert("go\ngo\n"), base::DataError);
  EXPECT_THROW(read_bert("go\n\nto\n"), base::DataError);
  EXPECT_THROW(read_bert("g\xFF\n"), base::DataError);
  EXPECT_THROW(read_bert("go\n", R"({"mask_token": "<mask>"})"), base::DataError);
  EXPECT_THROW(read_bert("go\n", R"({"tokenizer_class": "XLNetTokenizer"})"), base::DataError);
}

}  // namespace
}  // namespace text
