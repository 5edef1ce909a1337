// The client against real servers, and against what a proxy makes of them.
#include "cache/redis/redis_client.h"

#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/redis_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/chaos/fault_proxy.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<RedisClient> Connect(RedisOptions options, const Clock* clock = Clock::Real()) {
  absl::StatusOr<std::unique_ptr<RedisClient>> client = RedisClient::Create(std::move(options), clock);
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

// Options for what is expected to hang: tests wait for the end of their time.
RedisOptions HastyOptions(int port) {
  RedisOptions options = PatientOptions(absl::StrCat("redis://127.0.0.1:", port));
  options.connect_timeout = absl::Milliseconds(200);
  options.call_timeout = absl::Milliseconds(50);
  return options;
}

class RedisClientTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = RedisProcess::Start().release(); }
  static void TearDownTestSuite() { delete server_; }
  void SetUp() override {
    ASSERT_NE(server_, nullptr);
    client_ = server_->Connect();
    ASSERT_TRUE(client_->Call("", {"FLUSHALL"}).ok());
  }

  static RedisProcess* server_;
  std::unique_ptr<RedisClient> client_;
};
RedisProcess* RedisClientTest::server_ = nullptr;

TEST_F(RedisClientTest, CallsAndPipelines) {
  EXPECT_EQ(client_->Call("k", {"SET", "k", "v"})->text, "OK");
  EXPECT_EQ(client_->Call("k", {"GET", "k"})->text, "v");
  EXPECT_TRUE(client_->Call("k", {"GET", "none"})->is_nil());
  const std::vector<RedisWords> commands = {{"INCR", "n"}, {"INCR", "k"}, {"INCRBY", "n", "5"}, {"GET", ""}};
  absl::StatusOr<std::vector<RedisReply>> replies = client_->Pipeline("n", commands);
  ASSERT_TRUE(replies.ok()) << replies.status();
  EXPECT_EQ((*replies)[0].integer, 1);
  EXPECT_TRUE((*replies)[1].is_error());
  EXPECT_EQ((*replies)[2].integer, 6);
  EXPECT_TRUE((*replies)[3].is_nil());
  EXPECT_TRUE(client_->Pipeline("n", {})->empty());
}

TEST_F(RedisClientTest, BytesOfAllKindsComeBack) {
  std::string value;
  for (int i = 0; i < 3'000'000; ++i) value.push_back(static_cast<char>(i * 7));
  RedisOptions options = server_->ClientOptions();
  options.limits.max_bytes = 4 << 20;
  const auto client = Connect(options);
  ASSERT_TRUE(client->Call("k\0\r\n", {"SET", absl::string_view("k\0\r\n", 4), value}).ok());
  EXPECT_EQ(client->Call("k", {"GET", absl::string_view("k\0\r\n", 4)})->text, value);
  EXPECT_GT(client->State().bytes_sent, 3'000'000);
  EXPECT_GT(client->State().bytes_received, 3'000'000);
}

TEST_F(RedisClientTest, WhatRedisRefusesIsSaid) {
  const absl::Status status = client_->Call("k", {"HSET", "k"}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("wrong number of arguments"));
}

TEST_F(RedisClientTest, AReplyOverTheLimitClosesItsConnectionAlone) {
  RedisOptions options = server_->ClientOptions();
  options.limits.max_bytes = 100000;
  const auto client = Connect(options);
  ASSERT_TRUE(client->Call("k", {"SET", "k", std::string(200000, 'x')}).ok());
  EXPECT_EQ(GetErrorReason(client->Call("k", {"GET", "k"}).status()), ErrorReason::kStorage);
  EXPECT_EQ(client->Call("k", {"STRLEN", "k"})->integer, 200000);
  EXPECT_EQ(client->State().connects, 2);
}

TEST_F(RedisClientTest, AScriptIsSentOnce) {
  const RedisScript script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}");
  for (int i = 1; i <= 2; ++i) {
    absl::StatusOr<RedisReply> reply = client_->Eval(script, {"n"}, {"a"});
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->elements[0].text, "n");
    EXPECT_EQ(reply->elements[1].text, "a");
    EXPECT_EQ(reply->elements[2].integer, i);
  }
  // EVALSHA, EVAL, EVALSHA.
  EXPECT_EQ(client_->State().calls, 1 + 3);
  EXPECT_EQ(GetErrorReason(client_->Eval(RedisScript("return redis.error_reply('no')"), {}, {}).status()),
            ErrorReason::kStorage);
}

TEST_F(RedisClientTest, ManyThreadsShareFewConnections) {
  RedisOptions options = server_->ClientOptions();
  options.max_connections = 3;
  const auto client = Connect(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&client, i] {
      const std::string key = absl::StrCat("t", i);
      for (int round = 0; round < 100; ++round) {
        const std::string value = absl::StrCat(i, ":", round);
        EXPECT_TRUE(client->Call(key, {"SET", key, value}).ok());
        EXPECT_EQ(client->Call(key, {"GET", key})->text, value);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(client->State().connects, 3);
  EXPECT_EQ(client->State().failures, 0);
}

TEST_F(RedisClientTest, ADatabaseOfItsOwn) {
  RedisOptions options = server_->ClientOptions();
  options.url.db = 3;
  ASSERT_TRUE(Connect(options)->Call("k", {"SET", "k", "three"}).ok());
  EXPECT_TRUE(client_->Call("k", {"GET", "k"})->is_nil());
  EXPECT_EQ(Connect(options)->Call("k", {"GET", "k"})->text, "three");
}

TEST_F(RedisClientTest, AConnectionThatTheServerClosedIsNotUsed) {
  ASSERT_TRUE(client_->Call("", {"PING"}).ok());
  const auto other = server_->Connect();
  ASSERT_TRUE(other->Call("", {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).ok());
  EXPECT_TRUE(client_->Call("", {"PING"}).ok());
  EXPECT_EQ(client_->State().failures, 0);
}

TEST_F(RedisClientTest, ALateAnswerIsNobodysElse) {
  FaultProxy proxy(server_->port(), 1);
  ASSERT_TRUE(client_->Call("k", {"SET", "k", "late"}).ok());
  const auto client = Connect(HastyOptions(proxy.port()));
  proxy.SetDelay(absl::Milliseconds(150));
  proxy.Set(Fault::kDelay);
  EXPECT_FALSE(client->Call("k", {"GET", "k"}).ok());
  proxy.Set(Fault::kNone);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client->Call("", {"PING"})->text, "PONG");
}

TEST_F(RedisClientTest, EveryFaultIsAnErrorAndNoneIsForEver) {
  // One try each, with a breaker that never opens: what a proxy spoils fails, or is
  // an answer that parses (a flipped bit of a value); what it lets through works.
  for (Fault fault : kAllFaults) {
    if (fault == Fault::kNone || fault == Fault::kDelay) continue;
    FaultProxy proxy(server_->port(), 7);
    RedisOptions options = HastyOptions(proxy.port());
    options.breaker.failures_to_open = 1000;
    const auto client = Connect(options);
    ASSERT_TRUE(client->Call("", {"PING"}).ok());
    proxy.Set(fault, "-LOADING Redis is loading the dataset in memory");
    for (int i = 0; i < 5; ++i) {
      const absl::StatusOr<RedisReply> reply = client->Call("", {"PING"});
      EXPECT_TRUE(!reply.ok() || fault == Fault::kFlip) << static_cast<int>(fault);
    }
    EXPECT_GT(proxy.num_faults(), 0) << static_cast<int>(fault);
    proxy.Set(Fault::kNone);
    // A bit flipped in a length may have made the reader wait for more.
    EXPECT_TRUE(client->Call("", {"PING"}).ok() || client->Call("", {"PING"}).ok()) << static_cast<int>(fault);
  }
}

TEST_F(RedisClientTest, AServerThatIsDownIsLeftAloneAndTriedByOne) {
  FakeClock clock;
  FaultProxy proxy(server_->port(), 1);
  const auto client = Connect(HastyOptions(proxy.port()), &clock);
  proxy.Set(Fault::kRefuse);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(client->Call("", {"PING"}).ok());
  EXPECT_EQ(client->State().breaker, BreakerState::kOpen);
  const int64_t connections = proxy.num_connections();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(client->Call("", {"PING"}).ok());
  EXPECT_EQ(proxy.num_connections(), connections);
  EXPECT_EQ(client->State().refused, 100);
  proxy.Set(Fault::kNone);
  EXPECT_FALSE(client->Call("", {"PING"}).ok());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(client->State().breaker, BreakerState::kHalfOpen);
  EXPECT_TRUE(client->Call("", {"PING"}).ok());
  EXPECT_EQ(client->State().breaker, BreakerState::kClosed);
  EXPECT_EQ(client->State().breakers_opened, 1);
}

TEST_F(RedisClientTest, BusyConnectionsAreNoOutage) {
  RedisOptions options = HastyOptions(server_->port());
  // Nobody's turn ever comes.
  options.max_connections = 0;
  const auto client = Connect(options);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(client->Call("", {"PING"}).ok());
  EXPECT_EQ(client->State().breaker, BreakerState::kClosed);
  EXPECT_EQ(client->State().refused, 0);
}

TEST_F(RedisClientTest, AServerThatIsLoadingIsDown) {
  FakeClock clock;
  FaultProxy proxy(server_->port(), 1);
  const auto client = Connect(HastyOptions(proxy.port()), &clock);
  proxy.Set(Fault::kAnswer, "-LOADING Redis is loading the dataset in memory");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(client->Call("k", {"GET", "k"}).ok());
  EXPECT_EQ(client->State().breaker, BreakerState::kOpen);
}

TEST_F(RedisClientTest, NobodyThereIsSaidWithTheAddress) {
  const int port = FreePort();
  const auto client = Connect(HastyOptions(port));
  const absl::Status status = client->Call("", {"PING"}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("127.0.0.1:", port)));
  // A name that nobody has.
  RedisOptions options = HastyOptions(port);
  options.url.addresses[0].host = "kiln.invalid";
  EXPECT_EQ(GetErrorReason(Connect(options)->Call("", {"PING"}).status()), ErrorReason::kStorage);
}

TEST_F(RedisClientTest, AServerThatHangsCostsTheTimeoutAlone) {
  const std::unique_ptr<RedisProcess> server = RedisProcess::Start();
  ASSERT_NE(server, nullptr);
  RedisOptions options = HastyOptions(server->port());
  options.breaker.failures_to_open = 1000;
  const auto client = Connect(options);
  ASSERT_TRUE(client->Call("", {"PING"}).ok());
  server->Pause();
  // The kernel still takes connections and bytes.
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(client->Call("", {"PING"}).ok());
  server->Resume();
  EXPECT_TRUE(client->Call("", {"PING"}).ok() || client->Call("", {"PING"}).ok());
}

TEST(RedisLoginTest, AnAclUserNeedsItsPassword) {
  const std::unique_ptr<RedisProcess> server = RedisProcess::Start({.password = "hunter2"});
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(server->Connect()->Call("k", {"SET", "k", "v"}).ok());
  for (const char* login : {"", "kiln:wrong@", ":hunter2@", "hunter2:hunter2@"}) {
    const auto client = Connect(PatientOptions(absl::StrCat("redis://", login, "127.0.0.1:", server->port())));
    const absl::Status status = client->Call("k", {"GET", "k"}).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage) << login;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
  }
}

TEST(RedisLoginTest, AServerThatRepeatsThePasswordIsNotQuoted) {
  const std::unique_ptr<RedisProcess> server = RedisProcess::Start();
  ASSERT_NE(server, nullptr);
  FaultProxy echo(server->port(), 1);
  echo.Set(Fault::kAnswer, "-ERR unknown command `AUTH`, with args beginning with: `kiln`, `hunter2`");
  const auto client = Connect(PatientOptions(absl::StrCat("redis://kiln:hunter2@127.0.0.1:", echo.port())));
  const absl::Status status = client->Call("k", {"GET", "k"}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("refuses the login"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
}

class RedisTlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = RedisProcess::Start({.tls = true, .client_certificates = true, .password = "secret"}).release();
  }
  static void TearDownTestSuite() { delete server_; }
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  static RedisProcess* server_;
};
RedisProcess* RedisTlsTest::server_ = nullptr;

TEST_F(RedisTlsTest, TalksOverTls) {
  RedisOptions options = server_->ClientOptions();
  options.limits.max_bytes = 8 << 20;
  const auto client = Connect(options);
  const std::string value(5'000'000, 'v');
  ASSERT_TRUE(client->Call("k", {"SET", "k", value}).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client->Call("k", {"GET", "k"})->text, value);
  EXPECT_EQ(client->State().connects, 1);
}

TEST_F(RedisTlsTest, RefusesAServerThatItsAuthorityDoesNotKnow) {
  TempFolder folder;
  RedisOptions options = server_->ClientOptions();
  options.tls.ca_file = MakeThrowawayCa(folder.path()).ca;
  const absl::Status status = Connect(options)->Call("", {"PING"}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TLS"));
}

TEST_F(RedisTlsTest, RefusesAServerOfAnotherName) {
  RedisOptions options = server_->ClientOptions();
  options.tls.server_name = "elsewhere.example";
  const absl::Status status = Connect(options)->Call("", {"PING"}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("hostname mismatch"));
  options.tls.server_name = "10.1.2.3";
  EXPECT_THAT(std::string(Connect(options)->Call("", {"PING"}).status().message()), HasSubstr("IP address mismatch"));
  options.tls.server_name = "localhost";
  EXPECT_TRUE(Connect(options)->Call("", {"PING"}).ok());
}

TEST_F(RedisTlsTest, TheServerMayWantACertificate) {
  RedisOptions options = server_->ClientOptions();
  options.tls.cert_file.clear();
  options.tls.key_file.clear();
  EXPECT_EQ(GetErrorReason(Connect(options)->Call("", {"PING"}).status()), ErrorReason::kStorage);
}

TEST_F(RedisTlsTest, FilesThatAreNoneAreSaidAtOnce) {
  for (int i = 0; i < 4; ++i) {
    RedisOptions options = server_->ClientOptions();
    if (i == 0) options.tls.ca_file = "/nowhere/ca.pem";
    if (i == 1) options.tls.cert_file = server_->ca().server_key;
    if (i == 2) options.tls.key_file = server_->ca().server_key;
    if (i == 3) options.tls.key_file.clear();
    const absl::Status status = RedisClient::Create(options, Clock::Real()).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentValue) << i;
  }
}

TEST_F(RedisTlsTest, PlainBytesToATlsPortAreAnError) {
  RedisOptions options = HastyOptions(server_->port());
  EXPECT_FALSE(Connect(options)->Call("", {"PING"}).ok());
}

TEST(RedisClusterTest, FindsAndFollowsKeys) {
  const std::unique_ptr<RedisClusterProcesses> cluster = RedisClusterProcesses::Start();
  ASSERT_NE(cluster, nullptr);
  // Time stands still: the map is read once, whoever has heard of a move by gossip.
  FakeClock clock;
  const auto client = Connect(PatientOptions(cluster->url()), &clock);
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrCat("key", i);
    ASSERT_TRUE(client->Call(key, {"SET", key, key}).ok());
    ASSERT_EQ(client->Call(key, {"GET", key})->text, key);
  }
  // The map was read once, and all servers are in use.
  EXPECT_EQ(client->State().redirects, 0);
  EXPECT_EQ(client->State().connects, 3);
  // Keys of one hash tag go together.
  const std::vector<RedisWords> commands = {{"MSET", "{tag}a", "1", "{tag}b", "2"}, {"MGET", "{tag}a", "{tag}b"}};
  absl::StatusOr<std::vector<RedisReply>> replies = client->Pipeline("{tag}", commands);
  ASSERT_TRUE(replies.ok()) << replies.status();
  EXPECT_EQ((*replies)[1].elements[1].text, "2");
  EXPECT_EQ(client->Eval(RedisScript("return redis.call('GET', KEYS[1])"), {"{tag}a"}, {})->text, "1");

  // A slot moves, half way at first: ASK, then MOVED.
  const std::string key = "{tag}a";
  const std::string slot = std::to_string(client->Call("", {"CLUSTER", "KEYSLOT", key})->integer);
  int from = 0;
  std::string ids[3];
  for (int i = 0; i < 3; ++i) {
    const auto node = cluster->node(i).Connect();
    ids[i] = node->Call("", {"CLUSTER", "MYID"})->text;
    if (node->Call("", {"CLUSTER", "COUNTKEYSINSLOT", slot})->integer > 0) from = i;
  }
  const int to = (from + 1) % 3;
  const auto source = cluster->node(from).Connect();
  const auto target = cluster->node(to).Connect();
  ASSERT_TRUE(target->Call("", {"CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]}).ok());
  ASSERT_TRUE(source->Call("", {"CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]}).ok());
  const std::string port = std::to_string(cluster->node(to).port());
  ASSERT_TRUE(source->Call("", {"MIGRATE", "127.0.0.1", port, "", "0", "5000", "KEYS", "{tag}a", "{tag}b"}).ok());
  EXPECT_EQ(client->Call(key, {"GET", key})->text, "1");
  EXPECT_EQ(client->State().redirects, 1);
  // Nothing was learnt from an ASK.
  EXPECT_EQ(client->Call(key, {"GET", key})->text, "1");
  EXPECT_EQ(client->State().redirects, 2);
  for (const auto* node : {&target, &source}) {
    ASSERT_TRUE((*node)->Call("", {"CLUSTER", "SETSLOT", slot, "NODE", ids[to]}).ok());
  }
  EXPECT_EQ(client->Call(key, {"GET", key})->text, "1");
  EXPECT_EQ(client->State().redirects, 3);
  EXPECT_EQ(client->Call(key, {"GET", key})->text, "1");
  EXPECT_EQ(client->State().redirects, 3);
}

TEST(RedisSentinelTest, FollowsTheMaster) {
  const std::unique_ptr<RedisProcess> first = RedisProcess::Start();
  ASSERT_NE(first, nullptr);
  const std::unique_ptr<RedisProcess> second =
      RedisProcess::Start({.arguments = {"--replicaof", "127.0.0.1", std::to_string(first->port())}});
  ASSERT_NE(second, nullptr);
  const std::unique_ptr<RedisProcess> sentinel = RedisProcess::Start(
      {.sentinel = absl::StrCat("sentinel monitor main 127.0.0.1 ", first->port(), " 1")});
  ASSERT_NE(sentinel, nullptr);
  FakeClock clock;
  RedisOptions options =
      PatientOptions(absl::StrCat("redis+sentinel://127.0.0.1:", FreePort(), ",127.0.0.1:", sentinel->port(), "/main"));
  options.breaker.failures_to_open = 1000;
  const auto client = Connect(options, &clock);
  ASSERT_TRUE(client->Call("k", {"SET", "k", "v"}).ok());

  const auto admin = sentinel->Connect();
  // The Sentinel must know the replica before it can be told to fail over to it.
  const auto tried = [&](auto done) {
    for (int i = 0; i < 1000; ++i) {
      if (done()) return true;
      clock.Advance(absl::Seconds(2));
      usleep(20000);
    }
    return false;
  };
  ASSERT_TRUE(tried([&] { return admin->Call("", {"SENTINEL", "FAILOVER", "main"}).ok(); }));
  // The old master becomes a replica: a write to it says READONLY, and the Sentinels
  // are asked again.
  const auto is_second = [&] {
    if (!client->Call("k", {"SET", "k", "w"}).ok()) return false;
    absl::StatusOr<RedisReply> role = second->Connect()->Call("", {"ROLE"});
    return role.ok() && role->elements[0].text == "master" && client->State().redirects > 0;
  };
  EXPECT_TRUE(tried(is_second));
  EXPECT_EQ(second->Connect()->Call("k", {"GET", "k"})->text, "w");
}

TEST(RedisSentinelTest, NoSentinelIsAnError) {
  RedisOptions options = PatientOptions(absl::StrCat("redis+sentinel://127.0.0.1:", FreePort(), "/main"));
  const auto client = Connect(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(GetErrorReason(client->Call("", {"PING"}).status()), ErrorReason::kStorage);
}

}  // namespace
}  // namespace kiln
