#include "serve/rec_token.h"

#include <gtest/gtest.h>

namespace serve {
namespace {

const RecToken kToken{"subject",      "conversation", "turn", {"7", "Amélie \"x\""},
                      "0123456789ab", "default",      1234};

TEST(RecToken, ComesBackWhole) {
  const auto back = verify(sign(kToken, "secret"), "secret");
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->subject, "subject");
  EXPECT_EQ(back->conversation, "conversation");
  EXPECT_EQ(back->turn, "turn");
  EXPECT_EQ(back->items, kToken.items);
  EXPECT_EQ(back->model, "0123456789ab");
  EXPECT_EQ(back->arm, "default");
  EXPECT_EQ(back->expires_at, 1234);
}

TEST(RecToken, OfAnotherSecretIsNone) { EXPECT_FALSE(verify(sign(kToken, "other"), "secret")); }

TEST(RecToken, ChangedInAnyCharacterIsNone) {
  const std::string token = sign(kToken, "secret");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    if (changed != token) {
      EXPECT_FALSE(verify(changed, "secret")) << i;
    }
  }
  for (const char* text : {"", ".", "a.b", "..", "=.="}) EXPECT_FALSE(verify(text, "secret"));
  EXPECT_FALSE(verify(std::string(5000, 'a'), "secret"));
}

}  // namespace
}  // namespace serve
