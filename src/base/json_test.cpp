#include "base/json.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace base {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_json(text, "f:3");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(JsonParsing, ValuesKeepTheirKindAndOrder) {
  const Json json =
      parse_json(R"({"b":1,"a":[true,null,-2,1.5,"ü"],"big":18446744073709551615})", "f");
  EXPECT_EQ(json.begin().key(), "b");
  EXPECT_EQ(json.dump(), R"({"b":1,"a":[true,null,-2,1.5,"ü"],"big":18446744073709551615})");
}

TEST(JsonParsing, BadTextIsRefusedWithItsPlace) {
  EXPECT_EQ(error_of("{\"a\":1,\"b\":{\"x\":1,\"x\":2}}"),
            "f:3: the key \"x\" appears twice in one object");
  EXPECT_EQ(error_of("\"\xff\""), "f:3: not UTF-8");
  EXPECT_EQ(error_of(""), "f:3: empty, expected JSON");
  for (const char* cut : {"{\"a\":", "{\"a\":1", "[1,2", "{\"a\":\"tex", "tru", "1 2"})
    EXPECT_EQ(error_of(cut).rfind("f:3: ", 0), 0u) << cut;
}

TEST(JsonParsing, AWholeNumberOfAnyLengthIsRead) {
  const Json json = parse_json(
      R"({"n":-1000000000000000019884624838656,"s":"\\\"12345678901234567890123","m":1e2,"big":18446744073709551615,)"
      R"("list":[12345678901234567890123],"f":0.1234567890123456789012,"e":12345678901234567890123e-3})",
      "f");
  EXPECT_EQ(json["n"].get<double>(), -1e30);
  EXPECT_EQ(json["big"].get<std::uint64_t>(), 18446744073709551615u);
  EXPECT_EQ(json["s"], "\\\"12345678901234567890123");
  EXPECT_EQ(json["list"][0].get<double>(), 12345678901234567890123.0);
  EXPECT_EQ(json["f"].get<double>(), 0.1234567890123456789012);
  EXPECT_EQ(json["e"].get<double>(), 12345678901234567890.123);
  EXPECT_THROW(require<int>(json, "n", "f"), DataError);
  for (const char* bad :
       {"1234567890123456789012x", "-", "01", "1.", "1e", "012345678901234567890123"})
    EXPECT_NE(error_of(bad), "no error") << bad;
}

TEST(JsonParsing, DepthIsLimitedToSixtyFour) {
  const auto nested = [](int n) {
    return std::string(static_cast<std::size_t>(n), '[') +
           std::string(static_cast<std::size_t>(n), ']');
  };
  EXPECT_EQ(error_of(nested(64)), "no error");
  EXPECT_NE(error_of(nested(66)).find("deeper than 64"), std::string::npos);
  EXPECT_NE(error_of(nested(200000)).find("deeper than 64"), std::string::npos);
}

TEST(JsonParsing, KeysAreRequiredWithTheirType) {
  const Json json = parse_json(R"({"n":3,"x":1.5,"s":"t","none":null})", "f");
  EXPECT_EQ(require<int>(json, "n", "f"), 3);
  EXPECT_EQ(require<double>(json, "n", "f"), 3);
  EXPECT_THROW(require<int>(json, "x", "f"), DataError);
  EXPECT_THROW(require<bool>(json, "n", "f"), DataError);
  EXPECT_THROW(require<std::string>(json, "m", "f"), DataError);
  EXPECT_FALSE(optional<int>(json, "none", "f").has_value());
  EXPECT_FALSE(optional<int>(json, "m", "f").has_value());
  EXPECT_THROW(optional<int>(json, "s", "f"), DataError);
}

TEST(JsonParsing, ANumberThatDoesNotFitIsRefused) {
  const Json json = parse_json(R"({"n":4294967297,"big":18446744073709551615})", "f");
  EXPECT_EQ(require<std::int64_t>(json, "n", "f"), 4294967297);
  EXPECT_THROW(require<int>(json, "n", "f"), DataError);
  EXPECT_THROW(require<std::int64_t>(json, "big", "f"), DataError);
}

TEST(JsonSchema, OlderIsReadNewerAndOthersAreRefused) {
  EXPECT_EQ(schema("kind", 2), "attune.kind/2");
  const auto version = [](const char* text) {
    return require_schema({{"schema", text}}, "kind", 2, "f");
  };
  EXPECT_EQ(version("attune.kind/1"), 1);
  EXPECT_EQ(version("attune.kind/2"), 2);
  for (const char* bad : {"attune.kind/3", "attune.kind/0", "attune.kind/", "attune.kind/x",
                          "attune.other/1", "kind/1"})
    EXPECT_THROW(version(bad), DataError) << bad;
  EXPECT_THROW(require_schema(Json::object(), "kind", 2, "f"), DataError);
}

TEST(JsonFiles, AreWrittenAndReadBack) {
  TemporaryFolder folder;
  write_json(folder.path() / "f.json", {{"a", {1, 2}}});
  EXPECT_EQ(read_json(folder.path() / "f.json"), Json({{"a", {1, 2}}}));
}

}  // namespace
}  // namespace base
