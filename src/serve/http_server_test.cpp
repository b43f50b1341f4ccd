#include "serve/http_server.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "serve/test_client.h"

namespace serve {
namespace {

using namespace std::chrono_literals;

HttpOptions quick() {
  HttpOptions options;
  options.port = 0;
  options.max_body = 1000;
  options.max_header = 2000;
  return options;
}

// Says what it was asked.
void echo(HttpRequest request, std::shared_ptr<Responder> responder) {
  responder->send(
      {200, {}, request.method + " " + request.path + "?" + request.query + " " + request.body});
}

// Keeps the way back of one request until the test answers it.
struct Held {
  std::shared_ptr<Responder> responder;
  std::promise<void> asked;

  HttpHandler handler() {
    return [this](HttpRequest, std::shared_ptr<Responder> its) {
      responder = std::move(its);
      asked.set_value();
    };
  }
  // Once the request has come.
  Responder& wait() {
    asked.get_future().wait();
    return *responder;
  }
};

TEST(HttpServer, AnswersRequestsOfOneConnectionInOrder) {
  HttpServer server(quick(), echo);
  TestClient client(server.port());
  client.send(
      "GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\n"
      "Content-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_all();
  const auto first = all.find("GET /a?x=1 "), second = all.find("POST /b? abc"),
             third = all.find("GET /c? ");
  ASSERT_NE(third, std::string::npos) << all;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST(HttpServer, SendsPiecesAsTheyCome) {
  Held held;
  HttpServer server(quick(), held.handler());
  TestClient client(server.port());
  client.send(request_text("GET", "/"));
  Responder& way_back = held.wait();
  way_back.begin({200, {{"Content-Type", "text/event-stream"}}, ""});
  way_back.write("one ");
  client.read_until("one ");  // before the second is written
  way_back.write("two");
  way_back.finish();
  held.responder.reset();
  const TestAnswer answer = read_answer(client.read_all());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "one two");
}

TEST(HttpServer, KeepsASilentStreamAlive) {
  std::shared_ptr<Responder> held;
  HttpServer server(quick(), [&](HttpRequest, std::shared_ptr<Responder> responder) {
    held = responder;
    responder->begin({});
    responder->keep_alive(": ping\n\n", 0s);
  });
  TestClient client(server.port());
  client.send(request_text("GET", "/"));
  client.read_until(": ping\n\n\r\n8");  // a second one has begun
  held->write("data");
  held->finish();
  held.reset();
  EXPECT_NE(client.read_all().find("data"), std::string::npos);
}

// Many clients send all of a body before they read what is said to it.
TEST(HttpServer, ARefusedClientMaySendOnForAWhile) {
  HttpServer server(quick(), echo);
  TestClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
  const std::string refusal = client.read_until("bad_http");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.send(std::string(100'000, 'x'))) << i;
  EXPECT_EQ(read_answer(refusal).status, 413);
}

// What proxies and servers read differently, or what is no HTTP at all: a status, and nothing of
// it reaches the handler.
TEST(HttpServer, RefusesWhatCouldBeReadInTwoWays) {
  const std::pair<const char*, int> refused[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},                            // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},      // two
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n  2\r\n\r\n", 400},  // a folded line
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
       "0\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},  // space before the colon
      {"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 400},
      {"GARBAGE\r\n\r\n", 400},
      {"\x16\x03\x01\x02\r\n\r\n", 400},  // TLS
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400},
      // What else a body may be coded in leaves its end open: the rest would be the next request.
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413},
  };
  std::atomic<int> handled{0};
  HttpServer server(quick(), [&](HttpRequest request, std::shared_ptr<Responder> responder) {
    ++handled;
    echo(std::move(request), std::move(responder));
  });
  for (const auto& [bytes, status] : refused) {
    TestClient client(server.port());
    client.send(bytes);
    EXPECT_EQ(read_answer(client.read_all()).status, status) << bytes;
  }
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(ask(server.port(), "GET", "/").status, 200);
}

TEST(HttpServer, RefusesLongHeadersAndLongBodies) {
  HttpServer server(quick(), echo);
  EXPECT_EQ(ask(server.port(), "GET", "/", "", {{"X", std::string(3000, 'x')}}).status, 431);
  EXPECT_EQ(ask(server.port(), "POST", "/", std::string(1001, 'x')).status, 413);
  EXPECT_EQ(ask(server.port(), "POST", "/", std::string(1000, 'x')).status, 200);
}

TEST(HttpServer, ReadsChunksAndAnswersOldClientsWithoutThem) {
  HttpServer server(quick(), [](HttpRequest request, std::shared_ptr<Responder> responder) {
    responder->begin({});
    responder->write(request.body);
    responder->finish();
  });
  TestClient chunks(server.port());
  chunks.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(read_answer(chunks.read_all()).body, "abcde");
  TestClient old(server.port());
  old.send("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
  const TestAnswer answer = read_answer(old.read_all());
  EXPECT_EQ(answer.body, "hi");
  EXPECT_EQ(answer.headers.count("Transfer-Encoding"), 0u);
}

TEST(HttpServer, TellsAClientThatAsksToGoOnWithItsBody) {
  HttpServer server(quick(), echo);
  TestClient client(server.port());
  client.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_NE(client.read_all().find("POST /x? abc"), std::string::npos);
}

// Proxies look at headers only: what comes behind a body must not become one.
TEST(HttpServer, FieldsBehindABodyAreNoHeaders) {
  HttpServer server(quick(), [](HttpRequest request, std::shared_ptr<Responder> responder) {
    std::string said;
    for (const auto& [name, value] : request.headers) said += name + "=" + value + ";";
    responder->send({200, {}, said});
  });
  TestClient client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n");
  EXPECT_EQ(read_answer(client.read_all()).body,
            "host=a;transfer-encoding=chunked;connection=close;");
}

TEST(HttpServer, ALineWithoutEndInABodyIsNotKept) {
  HttpServer server(quick(), echo);
  for (const char* start : {"3;", "0\r\nX: "}) {
    TestClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                std::string(start));
    bool taken = true;
    for (int i = 0; taken && i < 1000; ++i) taken = client.send(std::string(100'000, 'x'));
    EXPECT_FALSE(taken) << start;
  }
}

TEST(HttpServer, RefusesWhatComesBehindAStreamOnlyOnceItHasEnded) {
  Held held;
  HttpServer server(quick(), held.handler());
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(5000, 'x'));
  Responder& way_back = held.wait();
  way_back.begin({});
  for (int i = 0; i < 20; ++i) way_back.write("word");
  client.read_until("word");
  way_back.write("last");
  way_back.finish();
  held.responder.reset();
  const std::string all = client.read_all();
  const auto end = all.find("4\r\nlast\r\n0\r\n\r\n"), refusal = all.find("HTTP/1.1 431");
  ASSERT_NE(end, std::string::npos) << all;
  ASSERT_NE(refusal, std::string::npos) << all;
  EXPECT_LT(end, refusal);
}

TEST(HttpServer, TheLastAnswerIsWholeWhateverComesBehindItsRequest) {
  const std::string large(20 << 20, 'x');
  HttpServer server(quick(), [&](HttpRequest, std::shared_ptr<Responder> responder) {
    responder->send({200, {}, large});
  });
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /more HTTP/1.1\r\n\r\n");
  EXPECT_EQ(read_answer(client.read_all()).body.size(), large.size());
}

TEST(HttpServer, AnswersWithoutABodySayNothingOfItsLength) {
  HttpServer server(quick(), [](HttpRequest request, std::shared_ptr<Responder> responder) {
    responder->send({request.path == "/empty" ? 204 : 304, {}, ""});
  });
  for (const char* path : {"/empty", "/known"}) {
    const TestAnswer answer = ask(server.port(), "GET", path);
    EXPECT_EQ(answer.headers.count("Content-Length"), 0u) << path;
    EXPECT_EQ(answer.headers.count("Date"), 1u) << path;
  }
}

TEST(HttpServer, WhoHasLeftTakesNobodysPlace) {
  HttpOptions options = quick();
  options.max_connections = 2;
  HttpServer server(options, echo);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ask(server.port(), "GET", "/").status, 200) << i;
  EXPECT_EQ(server.counts().refused, 0);
}

TEST(HttpServer, TellsWhenTheClientHasGone) {
  std::promise<void> asked, gone;
  std::shared_ptr<Responder> held;
  HttpServer server(quick(), [&](HttpRequest, std::shared_ptr<Responder> responder) {
    held = responder;
    responder->when_gone([&] { gone.set_value(); });
    asked.set_value();
  });
  {
    TestClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    asked.get_future().wait();
  }
  EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
  held->send({});  // to nobody
  held.reset();
}

TEST(HttpServer, DropsWhoDoesNotFinishAHeader) {
  HttpOptions options = quick();
  options.header_time = std::chrono::seconds(0);
  HttpServer server(options, echo);
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHos");
  EXPECT_EQ(client.read_all(), "");  // until the server closes
  EXPECT_EQ(server.counts().timed_out, 1);
}

TEST(HttpServer, DropsWhoReadsTooLittleOfAStream) {
  HttpOptions options = quick();
  options.max_unread = 100'000;
  std::promise<void> gone;
  std::shared_ptr<Responder> held;  // not finished: the client's slowness alone ends it
  HttpServer server(options, [&](HttpRequest, std::shared_ptr<Responder> responder) {
    held = responder;
    responder->when_gone([&] { gone.set_value(); });
    responder->begin({});
    for (int i = 0; i < 2000; ++i) responder->write(std::string(10'000, 'x'));
  });
  TestClient client(server.port());
  client.send(request_text("GET", "/"));
  EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
  held.reset();
}

TEST(HttpServer, ClosesConnectionsBeyondItsNumber) {
  HttpOptions options = quick();
  options.max_connections = 1;
  HttpServer server(options, echo);
  TestClient first(server.port());
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  first.read_until("GET /");
  TestClient second(server.port());
  EXPECT_EQ(second.read_all(), "");
  EXPECT_EQ(server.counts().refused, 1);
}

TEST(HttpServer, DrainingAnswersWhatIsUnderWay) {
  Held held;
  auto server = std::make_unique<HttpServer>(quick(), held.handler());
  TestClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  held.wait();
  std::thread drain([&] { server->drain(20s); });
  held.responder->send({200, {}, "late but whole"});
  drain.join();
  const TestAnswer answer = read_answer(client.read_all());
  EXPECT_EQ(answer.body, "late but whole");
  held.responder.reset();
}

TEST(HttpServer, DrainingLetsAnAnswerReachASlowClient) {
  const std::string large(20 << 20, 'x');
  std::promise<void> asked;
  HttpServer server(quick(), [&](HttpRequest, std::shared_ptr<Responder> responder) {
    responder->send({200, {}, large});
    asked.set_value();
  });
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  asked.get_future().wait();
  std::promise<void> drained;
  std::thread drain([&] {
    server.drain(20s);
    drained.set_value();
  });
  // It waits for this client, which has not begun to read.
  EXPECT_EQ(drained.get_future().wait_for(200ms), std::future_status::timeout);
  EXPECT_EQ(read_answer(client.read_all()).body.size(), large.size());
  drain.join();
}

TEST(HttpServer, StoppingClosesItsConnections) {
  HttpServer server(quick(), echo);
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.read_until("GET /");
  server.stop();
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, SaysWhereItCannotListen) {
  HttpServer first(quick(), echo);
  HttpOptions options = quick();
  options.port = first.port();
  EXPECT_THROW(HttpServer(options, echo), base::ResourceError);
  options.address = "not an address";
  EXPECT_THROW(HttpServer(options, echo), base::UsageError);
}

}  // namespace
}  // namespace serve
