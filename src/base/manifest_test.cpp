#include "base/manifest.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace base {
namespace {

class Manifest : public testing::Test {
 protected:
  Manifest() {
    create_folder(folder_.path() / "deep");
    write_file(folder_.path() / "a", "one");
    write_file(folder_.path() / "deep" / "b", "two");
    write_manifest(folder_.path(), {{"seed", 7}});
  }
  std::string error() {
    try {
      verify_manifest(folder_.path());
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(Manifest, AWholeFolderIsVerifiedAndSaysWhatMadeIt) {
  EXPECT_EQ(verify_manifest(folder_.path()), Json({{"seed", 7}}));
  EXPECT_EQ(read_manifest(folder_.path()), Json({{"seed", 7}}));
}

TEST_F(Manifest, ADamagedOrMissingFileIsNamed) {
  write_file(folder_.path() / "deep" / "b", "twO");
  EXPECT_NE(error().find("deep/b: differs from its SHA-256"), std::string::npos);
  std::filesystem::remove(folder_.path() / "deep" / "b");
  EXPECT_NE(error().find("deep/b: listed"), std::string::npos);
}

TEST_F(Manifest, AFolderWithoutOneIsNotFinished) {
  EXPECT_TRUE(has_manifest(folder_.path()));
  std::filesystem::remove(folder_.path() / "manifest.json");
  EXPECT_FALSE(has_manifest(folder_.path()));
  EXPECT_NE(error().find("not finished"), std::string::npos);
}

TEST_F(Manifest, ATruncatedOneAndOneThatLeavesItsFolderAreRefused) {
  const auto path = folder_.path() / "manifest.json";
  const std::string whole = read_file(path);
  write_file(path, whole.substr(0, whole.size() / 2));
  EXPECT_NE(error(), "no error");
  write_json(path, {{"schema", "attune.manifest/1"},
                    {"about", Json::object()},
                    {"files", {{"../outside", "0"}}}});
  EXPECT_NE(error().find("outside its folder"), std::string::npos);
}

}  // namespace
}  // namespace base
