#include "base/uuid.h"

#include <gtest/gtest.h>

namespace base {
namespace {

const UuidBytes kOnes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

TEST(Uuid, VersionAndVariantStandInTheirPlaces) {
  EXPECT_EQ(uuid_v4({}), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(uuid_v4(kOnes), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

// The example of RFC 9562, A.6.
TEST(Uuid, Version7BeginsWithTheTime) {
  const UuidBytes random = {0,    0,    0,    0,    0,    0,    0x0c, 0xc3,
                            0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
  EXPECT_EQ(uuid_v7(0x017F22E279B0, random), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  EXPECT_LT(uuid_v7(1, kOnes), uuid_v7(2, {}));
}

TEST(Uuid, ANameAlwaysGetsTheSame) {
  EXPECT_EQ(uuid_of_name("a"), uuid_of_name("a"));
  EXPECT_NE(uuid_of_name("a"), uuid_of_name("b"));
  EXPECT_EQ(uuid_of_name("a")[14], '8');
}

TEST(Uuid, NewOnesDiffer) {
  EXPECT_NE(new_uuid_v4(), new_uuid_v4());
  EXPECT_TRUE(is_uuid(new_uuid_v7()));
}

TEST(Uuid, OnlyThirtySixCharactersInTheirPlacesAreOne) {
  EXPECT_TRUE(is_uuid("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"));
  for (const char* text :
       {"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}"})
    EXPECT_FALSE(is_uuid(text)) << text;
}

}  // namespace
}  // namespace base
