#include "serve/access.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "serve/api_error.h"

namespace serve {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

AccessOptions with_keys() {
  AccessOptions options;
  options.hosts = {"localhost"};
  options.keys = {{"shop", base::sha256("key-of-shop"), 0},
                  {"slow", base::sha256("key-of-slow"), 2}};
  return options;
}

HttpRequest request(const std::string& method, Headers headers) {
  HttpRequest out;
  out.method = method;
  out.headers = std::move(headers);
  return out;
}

int status_of(const std::function<void()>& call) {
  try {
    call();
    return 200;
  } catch (const ApiError& error) {
    return error.status();
  }
}

TEST(Access, AnswersToItsOwnNamesOnly) {
  AccessOptions options;
  options.hosts = {"LocalHost", "127.0.0.1", "[::1]", ""};
  const Access access(options, "secret");
  const auto status = [&](const std::string& host) {
    return status_of([&] { access.check_origin(request("GET", {{"host", host}})); });
  };
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"})
    EXPECT_EQ(status(host), 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "",
                           "evil.example:localhost", "[::1", "evil@localhost"})
    EXPECT_EQ(status(host), 403) << host;
  EXPECT_EQ(status_of([&] { access.check_origin(request("GET", {})); }), 403);
}

TEST(Access, TakesWritesOfItsOwnPagesOnly) {
  AccessOptions options = with_keys();
  options.cross_origins = {"https://shop.example"};
  const Access access(options, "secret");
  const auto status = [&](Headers more) {
    Headers headers = {{"host", "localhost:8080"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return status_of([&] { access.check_origin(request("POST", headers)); });
  };
  EXPECT_EQ(status({}), 200);  // no browser
  EXPECT_EQ(status({{"origin", "http://localhost:8080"}, {"sec-fetch-site", "same-origin"}}), 200);
  EXPECT_EQ(status({{"origin", "https://shop.example"}, {"sec-fetch-site", "cross-site"}}), 200);
  for (const char* origin : {"http://evil.example", "null", "", "http://localhost:9090",
                             "http://localhost:8080.evil.example", "https://shop.example.evil"})
    EXPECT_EQ(status({{"origin", origin}}), 403) << origin;
  for (const char* site : {"cross-site", "same-site"})
    EXPECT_EQ(status({{"sec-fetch-site", site}}), 403) << site;
  // Reading is no write.
  EXPECT_EQ(status_of([&] {
              access.check_origin(
                  request("GET", {{"host", "localhost"}, {"origin", "http://evil.example"}}));
            }),
            200);
}

TEST(Access, KnowsWhatAnOriginLooksLike) {
  for (const char* origin : {"https://shop.example", "http://localhost:3000", "http://[::1]:80"})
    EXPECT_TRUE(is_origin(origin)) << origin;
  for (const char* other : {"", "*", "null", "shop.example", "https://", "https://shop.example/",
                            "https://Shop.example", "ftp://shop.example", "https://a b"})
    EXPECT_FALSE(is_origin(other)) << other;
}

TEST(Access, KnowsItsKeysAndKeepsTheirPeopleApart) {
  const Access access(with_keys(), "secret");
  const Caller shop = access.caller(request("GET", {{"authorization", "Bearer key-of-shop"}}));
  EXPECT_EQ(shop.key, "shop");
  EXPECT_EQ(shop.subject.size(), 32u);
  EXPECT_NE(
      shop.subject,
      access.caller(request("GET", {{"authorization", "Bearer key-of-shop"}}), "ann").subject);
  EXPECT_NE(shop.subject,
            access.caller(request("GET", {{"authorization", "Bearer key-of-slow"}})).subject);
  EXPECT_EQ(access.caller(request("GET", {{"authorization", "bearer key-of-shop"}})).key, "shop");
  for (const char* wrong :
       {"Bearer key-of-nobody", "Bearer ", "key-of-shop", "Basic key-of-shop", ""})
    EXPECT_EQ(status_of([&] {
                access.caller(request("GET", {{"authorization", wrong}}));
              }),
              401)
        << wrong;
  EXPECT_EQ(status_of([&] { access.caller(request("GET", {})); }), 401);
}

TEST(Access, WithoutKeysAnybodyIsLetIn) {
  AccessOptions options;
  const Access access(options, "secret");
  EXPECT_FALSE(access.caller(request("GET", {})).subject.empty());
  EXPECT_EQ(access.caller(request("GET", {{"authorization", "Bearer anything"}})).key, "");
}

TEST(Access, ASessionIsItsCookiesUntilItsKeyIsTakenAway) {
  const Access access(with_keys(), "secret");
  const std::string cookie = access.new_session("shop");
  const HttpRequest asked = request("GET", {{"cookie", "a=1; attune_session=" + cookie + "; b=2"}});
  const Caller caller = access.caller(asked);
  EXPECT_TRUE(caller.session);
  EXPECT_EQ(caller.key, "shop");
  // After a restart the same.
  EXPECT_EQ(Access(with_keys(), "secret").caller(asked).subject, caller.subject);
  // Another's cookie, a forged one, and one of a key that is gone.
  EXPECT_NE(access.new_session("shop"), cookie);
  EXPECT_EQ(status_of([&] { Access(with_keys(), "other").caller(asked); }), 401);
  AccessOptions without = with_keys();
  without.keys.erase(without.keys.begin());
  EXPECT_EQ(status_of([&] { Access(without, "secret").caller(asked); }), 401);
  // A new key of the same name is another key: whoever had the old one is out.
  AccessOptions renewed = with_keys();
  renewed.keys[0].sha256 = base::sha256("new key of shop");
  EXPECT_EQ(status_of([&] { Access(renewed, "secret").caller(asked); }), 401);
  for (std::size_t i = 0; i < cookie.size(); i += 7) {
    std::string forged = cookie;
    forged[i] = forged[i] == 'a' ? 'b' : 'a';
    EXPECT_EQ(status_of([&] {
                access.caller(request("GET", {{"cookie", "attune_session=" + forged}}));
              }),
              401)
        << i;
  }
}

TEST(Access, CountsRequestsByKeyAndMinute) {
  Access access(with_keys(), "secret");
  const std::chrono::steady_clock::time_point start{};
  const Caller slow{"s", "slow", false};
  const auto status = [&](double seconds) {
    return status_of([&] {
      access.count_request(slow,
                           start + std::chrono::milliseconds(static_cast<int>(1000 * seconds)));
    });
  };
  EXPECT_EQ(status(0), 200);
  EXPECT_EQ(status(0), 200);
  EXPECT_EQ(status(1), 429);
  EXPECT_EQ(status(31), 200);  // one every 30 seconds
  EXPECT_EQ(status(32), 429);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(status_of([&] { access.count_request({"s", "shop", false}, start); }), 200);
}

TEST(Access, CountsEventsBySession) {
  AccessOptions options;
  options.events_per_minute = 2;
  Access access(options, "secret");
  const std::chrono::steady_clock::time_point start{};
  const Caller ann{"ann", "", true}, bob{"bob", "", true}, program{"program", "shop", false};
  EXPECT_TRUE(access.count_event(ann, start));
  EXPECT_TRUE(access.count_event(ann, start));
  EXPECT_FALSE(access.count_event(ann, start));
  EXPECT_TRUE(access.count_event(bob, start));
  EXPECT_TRUE(access.count_event(ann, start + std::chrono::seconds(30)));
  // A key's requests are counted instead.
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(access.count_event(program, start));
}

TEST(Keys, AreWrittenAsHashesAndReadBack) {
  const base::TemporaryFolder folder;
  const auto file = folder.path() / "keys";
  const std::string key = add_key(file, "shop", 60), other = add_key(file, "bot", 0);
  EXPECT_EQ(base::read_file(file).find(key), std::string::npos);
  const std::vector<ApiKey> keys = read_keys(file);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].name, "shop");
  EXPECT_EQ(keys[0].per_minute, 60);
  EXPECT_EQ(keys[1].sha256, base::sha256(other));
  EXPECT_THROW(add_key(file, "shop", 0), base::UsageError);
  EXPECT_THROW(add_key(file, "no name", 0), base::UsageError);
  for (const std::string& wrong :
       {std::string("abc"), std::string(64, 'g'), std::string(64, 'A')}) {
    base::write_file(file, "# comment\n\nshop " + wrong + "\n");
    EXPECT_THROW(read_keys(file), base::DataError) << wrong;
  }
}

}  // namespace
}  // namespace serve
