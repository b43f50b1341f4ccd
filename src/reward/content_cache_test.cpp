#include "reward/content_cache.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace reward {
namespace {

class ContentCaches : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "new/folder/cache.bin"; }
  ContentCache open(std::size_t width = 2) const { return {file(), width}; }

  // A file of three texts.
  void fill() const {
    ContentCache cache = open();
    cache.add("one", {{1, 10}});
    cache.add("two", {{2, 20}});
    cache.add("three", {{3, 30}});
    cache.save();
  }

  base::TemporaryFolder folder_;
};

// The values of a text; none where it is not known.
std::vector<float> found(const ContentCache& cache, std::string_view text) {
  const auto values = cache.find(text);
  return values ? std::vector<float>(values->begin(), values->end()) : std::vector<float>{};
}

using Values = std::vector<float>;

TEST_F(ContentCaches, ComesBackFromItsFile) {
  fill();
  const ContentCache back = open();
  EXPECT_EQ(found(back, "one"), (Values{1, 10}));
  EXPECT_EQ(found(back, "two"), (Values{2, 20}));
  EXPECT_EQ(found(back, "three"), (Values{3, 30}));
  EXPECT_EQ(found(back, "four"), Values{});
  EXPECT_EQ(found(back, ""), Values{});
}

TEST_F(ContentCaches, WhatIsNotSavedIsKnownHereOnly) {
  ContentCache cache = open();
  cache.add("one", {{1, 10}});
  EXPECT_EQ(found(cache, "one"), (Values{1, 10}));
  EXPECT_EQ(found(open(), "one"), Values{});
  cache.save();
  EXPECT_EQ(found(open(), "one"), (Values{1, 10}));
}

TEST_F(ContentCaches, WhatIsSavedOnceIsNotSavedAgain) {
  fill();
  const auto size = std::filesystem::file_size(file());
  ContentCache cache = open();
  cache.save();
  EXPECT_EQ(std::filesystem::file_size(file()), size);
  cache.add("four", {{4, 40}});
  cache.save();
  cache.save();
  EXPECT_EQ(std::filesystem::file_size(file()), size / 3 * 4);
}

TEST_F(ContentCaches, OfATailThatWasCutTheWholeRecordsCountAndTheNextGoOn) {
  fill();
  const std::string bytes = base::read_file(file());
  for (const std::size_t cut : {std::size_t{1}, bytes.size() / 3 - 1}) {
    base::write_file(file(), bytes.substr(0, bytes.size() - cut));
    ContentCache cache = open();
    EXPECT_EQ(found(cache, "two"), (Values{2, 20}));
    EXPECT_EQ(found(cache, "three"), Values{});
    cache.add("four", {{4, 40}});
    cache.save();
    EXPECT_EQ(found(open(), "two"), (Values{2, 20}));
    EXPECT_EQ(found(open(), "four"), (Values{4, 40}));
  }
}

TEST_F(ContentCaches, AFlippedBitLosesItsOwnRecordOnly) {
  fill();
  const std::string whole = base::read_file(file());
  for (std::size_t at = whole.size() / 3; at < whole.size() / 3 * 2; ++at) {  // of "two"
    std::string bytes = whole;
    bytes[at] ^= 4;
    base::write_file(file(), bytes);
    const ContentCache cache = open();
    EXPECT_EQ(found(cache, "one"), (Values{1, 10}));
    EXPECT_EQ(found(cache, "two"), Values{}) << "byte " << at;
    EXPECT_EQ(found(cache, "three"), (Values{3, 30}));
  }
}

TEST_F(ContentCaches, TwoThatAppendKeepEachOthersRecords) {
  ContentCache one = open(), other = open();
  for (int round = 0; round < 3; ++round) {
    one.add("one " + std::to_string(round), {{1, 1}});
    other.add("other " + std::to_string(round), {{2, 2}});
    one.save();
    other.save();
  }
  const ContentCache back = open();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(found(back, "one " + std::to_string(round)), (Values{1, 1}));
    EXPECT_EQ(found(back, "other " + std::to_string(round)), (Values{2, 2}));
  }
}

TEST_F(ContentCaches, RecordsOfAnotherWidthCountAsMissing) {
  fill();
  const ContentCache wider = open(3);
  for (const char* text : {"one", "two", "three"}) EXPECT_EQ(found(wider, text), Values{});
}

TEST_F(ContentCaches, AFileOfNoiseIsEmptyAndCanBeWrittenTo) {
  std::filesystem::create_directories(file().parent_path());
  base::write_file(file(), std::string(1000, '\x5a'));
  ContentCache cache = open();
  EXPECT_EQ(found(cache, "one"), Values{});
  cache.add("one", {{1, 10}});
  cache.save();
  EXPECT_EQ(found(open(), "one"), (Values{1, 10}));
}

TEST_F(ContentCaches, WithoutAPathTheyStayInMemory) {
  ContentCache cache({}, 1);
  cache.add("one", {{1}});
  cache.save();
  EXPECT_EQ(found(cache, "one"), (Values{1}));
}

TEST_F(ContentCaches, ValuesOfAnotherWidthAreRefused) {
  ContentCache cache = open();
  EXPECT_THROW(cache.add("one", {{1}}), base::Error);
}

TEST_F(ContentCaches, AFolderThatCannotBeMadeIsRefused) {
  base::write_file(folder_.path() / "new", "a file");
  EXPECT_THROW(open(), base::ResourceError);
}

}  // namespace
}  // namespace reward
