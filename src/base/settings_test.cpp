#include "base/settings.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace base {
namespace {

struct Inner {
  double rate = .1;
  bool on = true;
  std::vector<int> sizes = {1, 2};
  template <class F>
  void fields(F&& field) {
    field("rate", rate, "how fast");
    field("on", on, "whether");
    field("sizes", sizes, "how many each");
  }
};

struct Outer {
  std::string name = "x";
  int epochs = 3;
  Inner sft;
  std::vector<std::string> files;
  template <class F>
  void fields(F&& field) {
    field("name", name, "what it is called");
    field("epochs", epochs, "passes");
    field("sft", sft, "");
    field("files", files, "to read");
  }
};

class SettingsFile : public testing::Test {
 protected:
  void read(const std::string& toml) {
    write_file(folder_.path() / "r.toml", toml);
    read_settings(list_settings(outer_), folder_.path() / "r.toml", "recipe", 1);
  }
  std::string error_of(const std::string& toml) {
    try {
      read(toml);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }
  std::string override_error(const std::string& assignment) {
    try {
      override_setting(list_settings(outer_), assignment);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
  Outer outer_;
};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text.substr(0, 300);
}

TEST_F(SettingsFile, KeysSetTheirFieldsAndOthersKeepTheirDefaults) {
  read("name = \"y\"\n[sft]\nrate = 2\nsizes = [4]\n");
  EXPECT_EQ(outer_.name, "y");
  EXPECT_EQ(outer_.epochs, 3);
  EXPECT_EQ(outer_.sft.rate, 2);
  EXPECT_EQ(outer_.sft.sizes, std::vector<int>{4});
}

TEST_F(SettingsFile, AnUnknownKeyIsRefusedWithItsLineAndTheNearestOnes) {
  expect_part(error_of("name = \"y\"\nepoch = 2\n"), "r.toml:2: unknown setting epoch");
  expect_part(error_of("epoch = 2\n"), "did you mean epochs?");
  expect_part(error_of("[sft]\nrat = 2\n"), "sft.rat; did you mean sft.rate?");
  expect_part(error_of("rate = 2\n"), "did you mean sft.rate");
  expect_part(error_of("[nothing_like_it]\nx = 2\n"), "unknown setting nothing_like_it");
}

TEST_F(SettingsFile, AWrongTypeSaysWhatWasFoundAndExpected) {
  expect_part(error_of("epochs = \"three\"\n"),
              "epochs is 'three', expected a whole number (passes)");
  expect_part(error_of("epochs = 2.5\n"), "expected a whole number");
  expect_part(error_of("[sft]\nrate = nan\n"), "expected a finite number");
  expect_part(error_of("[sft]\nrate = inf\n"), "expected a finite number");
  expect_part(error_of("epochs = 3000000000\n"), "expected a whole number");
  expect_part(error_of("[sft]\nsizes = [1, \"2\"]\n"), "expected a list of whole numbers");
  expect_part(error_of("sft = 3\n"), "sft");
  expect_part(error_of("name = \n"), "r.toml:1");
}

TEST_F(SettingsFile, OverridesTakeTextsWithoutQuotes) {
  const auto settings = list_settings(outer_);
  override_setting(settings, "name=some = text");
  EXPECT_EQ(outer_.name, "some = text");
  override_setting(settings, "sft.sizes=[7, 8]");
  EXPECT_EQ(outer_.sft.sizes, (std::vector<int>{7, 8}));
  override_setting(settings, "sft.on=false");
  EXPECT_FALSE(outer_.sft.on);
  expect_part(override_error("epochs"), "write key.path=value");
  expect_part(override_error("epochs=many"), "expected a whole number");
  expect_part(override_error("sft.rte=1"), "did you mean sft.rate");
}

TEST_F(SettingsFile, WhatIsSavedReadsBackTheSame) {
  outer_.name = "tab\t\"quoted\" \\ ü\nline";
  outer_.sft.rate = 1e-7;
  outer_.files = {"a", "b c"};
  const std::string saved = to_toml(list_settings(outer_));
  outer_ = Outer();
  read(saved);
  EXPECT_EQ(outer_.name, "tab\t\"quoted\" \\ ü\nline");
  EXPECT_EQ(outer_.sft.rate, 1e-7);
  EXPECT_EQ(outer_.files, (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(to_toml(list_settings(outer_)), saved);
}

TEST_F(SettingsFile, TheJsonOfATableHasOnlyItsSettings) {
  EXPECT_EQ(to_json(list_settings(outer_), "sft").dump(),
            R"({"sft.rate":0.1,"sft.on":true,"sft.sizes":[1,2]})");
}

TEST_F(SettingsFile, FilesThatWouldExhaustTheParserAreRefused) {
  std::string dots = "a";
  for (int i = 0; i < 100000; ++i) dots += ".a";
  expect_part(error_of(dots + " = 1\n"), "more than 32 parts");
  expect_part(error_of("[" + dots + "]\n"), "more than 32 parts");
  expect_part(error_of("name = {" + dots + " = 1}\n"), "more than 32 parts");
  expect_part(error_of("name = \"=\"\nx = [{\"b\" = 1, " + dots + " = 1}]\n"),
              "more than 32 parts");
  expect_part(override_error("sft.sizes={" + dots + " = 1}"), "more than 32 parts");
  expect_part(error_of("name = " + std::string(100000, '[')), "r.toml");
  expect_part(error_of("name = \"" + std::string(2 << 20, 'x') + "\"\n"), "larger than 1 MiB");
}

TEST_F(SettingsFile, DotsInTextsAndListsAreNoKeys) {
  read("name = \"" + std::string(100, '.') + "\"  # " + std::string(100, '.') + "\n");
  EXPECT_EQ(outer_.name.size(), 100u);
  read("name = '''" + std::string(100, '.') + "\n" + std::string(100, '.') + "'''\n");
  EXPECT_EQ(outer_.name.size(), 201u);
  read("files = [" + [] {
    std::string list;
    for (int i = 0; i < 50; ++i) list += "\"a.b\", ";
    return list;
  }() + "]\n");
  EXPECT_EQ(outer_.files.size(), 50u);
}

TEST_F(SettingsFile, AMissingFileIsADataError) {
  EXPECT_THROW(read_settings(list_settings(outer_), folder_.path() / "none.toml", "recipe", 1),
               DataError);
}

}  // namespace
}  // namespace base
