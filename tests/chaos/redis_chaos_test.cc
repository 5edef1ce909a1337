// Replicas, real servers in processes of their own, over a real Redis that is
// absent, killed, blackholed, slow, flushed, evicting, or answers garbage or what
// others signed: no request fails, and no answer is another's.
//
// KILN_CHAOS_ROUNDS makes it longer.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "cache/redis/artifact_envelope.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/redis_process.h"
#include "cache/testing/temp_folder.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/signing_key_file.h"
#include "tests/chaos/fault_proxy.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/service_fixture.h"
#include "tests/e2e/test_client.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int Rounds() {
  const char* text = std::getenv("KILN_CHAOS_ROUNDS");
  return text == nullptr ? 1 : std::max(1, std::atoi(text));
}

// The i-th graph of a family: artifacts of their own, of 1 to 40 KB.
Options GraphOptions(int i) { return {{"bytes", std::to_string(1000 + (i % 40) * 1000 + i)}}; }

class RedisChaosTest : public testing::Test {
 protected:
  RedisChaosTest() { key_ = *LoadOrCreateSigningKey(KeyFile()); }

  std::string KeyFile() const { return folder_.path() + "/signing_key"; }

  // A replica: the fleet's key, a data folder of its own.
  std::unique_ptr<ServerProcess> StartReplica(const std::string& redis_url, std::vector<std::string> more = {}) {
    std::vector<std::string> flags = {"--compiler=fake", "--key=" + KeyFile(), "--redis=" + redis_url, "--log=off"};
    flags.insert(flags.end(), more.begin(), more.end());
    std::unique_ptr<ServerProcess> server =
        ServerProcess::Start(absl::StrCat(folder_.path(), "/data", num_replicas_++), flags);
    EXPECT_NE(server, nullptr);
    return server;
  }

  // Asks as a client does, and holds the answer against the question.
  CompileAnswer Ask(ServerProcess& server, const Options& options) {
    TestClient client(server.address());
    const CompileAnswer answer = client.Compile(RequestFor(kAdd, kSizes, options));
    ++requests_;
    EXPECT_TRUE(answer.ok()) << answer.status;
    if (answer.ok()) Check(client, answer, options);
    return answer;
  }

  void Check(TestClient& client, const CompileAnswer& answer, const Options& options) {
    std::string elf = answer.result.variant().artifact();
    const absl::StatusOr<v1::VariantRecord> record = Trusting(key_)->Open(answer.result.variant().signed_());
    ASSERT_TRUE(record.ok()) << record.status();
    if (elf.empty()) {
      ASSERT_TRUE(client.GetArtifact(record->artifact_sha256(), 0, elf).ok());
    }
    EXPECT_EQ(Sha256(elf).bytes(), record->artifact_sha256());
    const absl::StatusOr<v1::Manifest> manifest = ReadManifest(elf);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    EXPECT_EQ(manifest->key().SerializeAsString(), record->key().SerializeAsString());
    EXPECT_EQ(record->key().graph(), answer.result.graph_digest());
    // The compiler puts the options' bytes into the artifact.
    EXPECT_GE(elf.size(), std::stoul(options.at("bytes")));
  }

  // Clients at every replica, each with graphs that all know and one of its own.
  void Load(const std::vector<ServerProcess*>& servers, int requests_each) {
    std::vector<std::thread> threads;
    for (ServerProcess* server : servers) {
      for (int t = 0; t < 2; ++t) {
        threads.emplace_back([this, server, requests_each] {
          for (int i = 0; i < requests_each; ++i) {
            Ask(*server, GraphOptions(i % 5));
            Ask(*server, GraphOptions(100 + next_graph_++));
          }
        });
      }
    }
    for (std::thread& thread : threads) thread.join();
  }

  // Until the second replica is served what the first compiled, with new graphs each
  // time. After a long outage a breaker lets nobody try for 20 seconds; three times
  // that is enough.
  bool AwaitSharing(ServerProcess& first, ServerProcess& second) {
    for (int i = 0; i < 300; ++i) {
      const Options options = GraphOptions(100 + next_graph_++);
      Ask(first, options);
      if (Ask(second, options).tier() == v1::TIER_SHARED) return true;
      usleep(200000);
    }
    return false;
  }

  TempFolder folder_;
  SigningKey key_ = SigningKey::Generate();
  int num_replicas_ = 0;
  std::atomic<int> next_graph_{0};
  std::atomic<int> requests_{0};
};

TEST_F(RedisChaosTest, WhatOneReplicaCompiledAllServe) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  const CompileAnswer first = Ask(*a, GraphOptions(1));
  EXPECT_EQ(first.tier(), v1::TIER_COMPILED);
  // By Lookup, as every rank but the first asks.
  TestClient client(b->address());
  v1::LookupResponse found;
  ASSERT_TRUE(client.Lookup(LookupFor(RequestFor(kAdd, kSizes, GraphOptions(1)), first, {8, 16}), found).ok());
  EXPECT_TRUE(found.found());
  EXPECT_EQ(found.variant().tier(), v1::TIER_SHARED);
  EXPECT_EQ(found.variant().artifact(), first.result.variant().artifact());
  EXPECT_EQ(Ask(*b, GraphOptions(1)).tier(), v1::TIER_MEMORY);
  // By Compile.
  Ask(*a, GraphOptions(2));
  EXPECT_EQ(Ask(*b, GraphOptions(2)).tier(), v1::TIER_SHARED);
  // By digest, from a replica that has never heard of it.
  Ask(*a, GraphOptions(3));
  const CompileAnswer large = Ask(*a, {{"bytes", "3000000"}});
  std::string elf;
  ASSERT_TRUE(client.GetArtifact(large.record().artifact_sha256(), 0, elf).ok());
  EXPECT_EQ(Sha256(elf).bytes(), large.record().artifact_sha256());
  const v1::ServerCounters counters = client.Counters();
  EXPECT_EQ(counters.compiles(), 0);
  EXPECT_EQ(counters.hits_shared(), 2);
  EXPECT_EQ(counters.shared_rows(), 2);
  EXPECT_EQ(counters.shared_failures(), 0);
  EXPECT_GT(counters.shared_bytes(), 0);
}

TEST_F(RedisChaosTest, TheMetricsSayHowItIs) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  Ask(*a, GraphOptions(1));
  Ask(*b, GraphOptions(1));
  const std::string page = ReadMetrics(b->metrics_url());
  for (const char* line :
       {"kiln_cache_hits_total{tier=\"shared\"} 1\n", "kiln_shared_tier_breaker{state=\"closed\"} 1\n",
        "kiln_shared_tier_breaker{state=\"open\"} 0\n", "kiln_shared_tier_calls_total{outcome=\"failed\"} 0\n",
        "kiln_shared_tier_rows_total{what=\"taken\"} 1\n", "kiln_shared_tier_pulls_total{what=\"read\"} ",
        "kiln_shared_tier_seconds_count{call=\"get_artifact\"} 1\n",
        "kiln_shared_tier_untrusted_total{what=\"row\"} 0\n",
        "kiln_shared_tier_bytes_total{direction=\"read\"} "}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  redis->KillHard();
  for (int i = 2; i < 6; ++i) Ask(*b, GraphOptions(i));
  const std::string later = ReadMetrics(b->metrics_url());
  EXPECT_THAT(later, HasSubstr("kiln_shared_tier_breaker{state=\"closed\"} 0\n"));
  EXPECT_THAT(later, HasSubstr("kiln_shared_tier_down_total 1\n"));
  EXPECT_THAT(later, Not(HasSubstr("kiln_shared_tier_calls_total{outcome=\"failed\"} 0\n")));
}

TEST_F(RedisChaosTest, OverTlsAsAnAclUser) {
  const auto redis = RedisProcess::Start({.tls = true, .client_certificates = true, .password = "secret"});
  ASSERT_NE(redis, nullptr);
  const std::vector<std::string> tls = {"--redis_ca=" + redis->ca().ca, "--redis_cert=" + redis->ca().client_cert,
                                        "--redis_key=" + redis->ca().client_key};
  const auto a = StartReplica(redis->url(), tls), b = StartReplica(redis->url(), tls);
  Ask(*a, GraphOptions(1));
  EXPECT_EQ(Ask(*b, GraphOptions(1)).tier(), v1::TIER_SHARED);
}

TEST_F(RedisChaosTest, AbsentAtTheStartAndThereLater) {
  auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  redis->KillHard();
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  Load({a.get(), b.get()}, 5);
  ASSERT_TRUE(redis->Restart());
  EXPECT_TRUE(AwaitSharing(*a, *b));
}

TEST_F(RedisChaosTest, KilledInTheMiddle) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  for (int round = 0; round < Rounds(); ++round) {
    std::thread load([&] { Load({a.get(), b.get()}, 10); });
    usleep(20000);
    redis->KillHard();
    load.join();
    Load({a.get(), b.get()}, 3);
    ASSERT_TRUE(redis->Restart());
    EXPECT_TRUE(AwaitSharing(*a, *b));
  }
}

TEST_F(RedisChaosTest, EveryFaultUnderLoad) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  for (int round = 0; round < Rounds(); ++round) {
    FaultProxy proxy(redis->port(), 20261130 + static_cast<uint64_t>(round));
    proxy.SetDelay(absl::Milliseconds(30));
    const std::string url = absl::StrCat("redis://127.0.0.1:", proxy.port());
    const auto a = StartReplica(url), b = StartReplica(url);
    for (Fault fault : kAllFaults) {
      const int64_t before = proxy.num_faults();
      proxy.Set(fault, "-LOADING Redis is loading the dataset in memory");
      Load({a.get(), b.get()}, 4);
      EXPECT_TRUE(proxy.num_faults() > before || fault == Fault::kNone) << static_cast<int>(fault);
      proxy.Set(Fault::kNone);
      EXPECT_TRUE(AwaitSharing(*a, *b)) << static_cast<int>(fault);
    }
  }
}

TEST_F(RedisChaosTest, FaultsThatComeAndGoByTheMoment) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  FaultProxy proxy(redis->port(), 1);
  proxy.SetDelay(absl::Milliseconds(60));
  const std::string url = absl::StrCat("redis://127.0.0.1:", proxy.port());
  const auto a = StartReplica(url), b = StartReplica(url);
  std::atomic<bool> done{false};
  std::thread weather([&] {
    std::mt19937 random(4);
    while (!done) {
      proxy.Set(kAllFaults[random() % std::size(kAllFaults)], "-OOM command not allowed");
      usleep(random() % 40000);
    }
    proxy.Set(Fault::kNone);
  });
  for (int round = 0; round < Rounds(); ++round) Load({a.get(), b.get()}, 20);
  done = true;
  weather.join();
  EXPECT_TRUE(AwaitSharing(*a, *b));
}

TEST_F(RedisChaosTest, ARedisThatHangs) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  Load({a.get(), b.get()}, 2);
  redis->Pause();
  Load({a.get(), b.get()}, 5);
  redis->Resume();
  EXPECT_TRUE(AwaitSharing(*a, *b));
}

TEST_F(RedisChaosTest, FlushedAndEvicting) {
  const auto redis = RedisProcess::Start({.arguments = {"--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random"}});
  ASSERT_NE(redis, nullptr);
  const auto admin = redis->Connect();
  const auto a = StartReplica(redis->url()), b = StartReplica(redis->url());
  for (int round = 0; round < 3 * Rounds(); ++round) {
    std::thread load([&] { Load({a.get(), b.get()}, 10); });
    usleep(20000);
    ASSERT_TRUE(admin->Call("", {"FLUSHALL"}).ok());
    load.join();
  }
  // Full, and nothing may go.
  ASSERT_TRUE(admin->Call("", {"CONFIG", "SET", "maxmemory-policy", "noeviction"}).ok());
  ASSERT_TRUE(admin->Call("", {"CONFIG", "SET", "maxmemory", "1"}).ok());
  Load({a.get(), b.get()}, 5);
  EXPECT_GT(TestClient(a->address()).Counters().shared_put_failures(), 0);
}

TEST_F(RedisChaosTest, AReplicaWhoseWritesAreRefusedStillReads) {
  const auto redis = RedisProcess::Start();
  ASSERT_NE(redis, nullptr);
  const auto replica =
      RedisProcess::Start({.arguments = {"--replicaof", "127.0.0.1", std::to_string(redis->port())}});
  ASSERT_NE(replica, nullptr);
  const auto a = StartReplica(redis->url()), b = StartReplica(replica->url());
  bool shared = false;
  for (int i = 0; i < 200 && !shared; ++i) {
    const Options options = GraphOptions(100 + next_graph_++);
    Ask(*a, options);
    usleep(20000);
    shared = Ask(*b, options).tier() == v1::TIER_SHARED;
  }
  EXPECT_TRUE(shared);
  Ask(*b, GraphOptions(1));
  EXPECT_GT(TestClient(b->address()).Counters().shared_put_failures(), 0);
}

// Redis holds what somebody else put there.
class HostileRedisTest : public RedisChaosTest {
 protected:
  void SetUp() override {
    redis_ = RedisProcess::Start();
    ASSERT_NE(redis_, nullptr);
    admin_ = redis_->Connect();
    const auto a = StartReplica(redis_->url());
    for (int i = 0; i < kGraphs; ++i) Ask(*a, GraphOptions(i));
    // Who asked is answered before Redis is; a log is the last that is written of a graph.
    for (int i = 0; i < 500 && Keys("v").size() < size_t{kGraphs}; ++i) usleep(10000);
    ASSERT_EQ(Keys("a").size(), size_t{kGraphs});
    ASSERT_EQ(Keys("v").size(), size_t{kGraphs});
  }

  std::vector<std::string> Keys(const std::string& kind) {
    std::vector<std::string> keys;
    const absl::StatusOr<RedisReply> reply = admin_->Call("", {"KEYS", absl::StrCat("kiln:1:", kind, ":*")});
    for (const RedisReply& key : reply->elements) keys.push_back(key.text);
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  // A replica that comes to it with nothing of its own: everything is served, rightly,
  // and `shared` of it from Redis.
  v1::ServerCounters ServeAll(int shared) {
    const auto b = StartReplica(redis_->url());
    for (int i = 0; i < kGraphs; ++i) Ask(*b, GraphOptions(i));
    const v1::ServerCounters counters = TestClient(b->address()).Counters();
    EXPECT_EQ(counters.hits_shared(), shared);
    EXPECT_EQ(counters.compiles(), kGraphs - shared);
    return counters;
  }

  static constexpr int kGraphs = 6;
  std::unique_ptr<RedisProcess> redis_;
  std::unique_ptr<RedisClient> admin_;
};

TEST_F(HostileRedisTest, NoiseForArtifacts) {
  for (const std::string& key : Keys("a")) ASSERT_TRUE(admin_->Call("", {"SET", key, "noise"}).ok());
  EXPECT_EQ(ServeAll(0).shared_untrusted(), kGraphs);
  // It was removed, and what was compiled again took its place.
  EXPECT_EQ(ServeAll(kGraphs).shared_untrusted(), 0);
}

TEST_F(HostileRedisTest, AnothersArtifactUnderEachName) {
  const std::vector<std::string> keys = Keys("a");
  const std::string first = admin_->Call("", {"GET", keys.front()})->text;
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    ASSERT_TRUE(admin_->Call("", {"SET", keys[i], admin_->Call("", {"GET", keys[i + 1]})->text}).ok());
  }
  ASSERT_TRUE(admin_->Call("", {"SET", keys.back(), first}).ok());
  EXPECT_EQ(ServeAll(0).shared_untrusted(), kGraphs);
}

TEST_F(HostileRedisTest, ABitOfEachArtifactFlipped) {
  std::mt19937 random(9);
  for (const std::string& key : Keys("a")) {
    std::string value = admin_->Call("", {"GET", key})->text;
    value[random() % value.size()] ^= static_cast<char>(1 << random() % 8);
    ASSERT_TRUE(admin_->Call("", {"SET", key, value}).ok());
  }
  EXPECT_EQ(ServeAll(0).shared_untrusted(), kGraphs);
}

TEST_F(HostileRedisTest, ValidRowsOfOtherGraphs) {
  // Each log holds the rows of another key, signed as they should be, with artifacts
  // that are there.
  const std::vector<std::string> logs = Keys("v");
  std::vector<std::string> rows;
  for (const std::string& log : logs) {
    rows.push_back(admin_->Call("", {"XRANGE", log, "-", "+"})->elements[0].elements[1].elements[1].text);
    ASSERT_TRUE(admin_->Call("", {"DEL", log}).ok());
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    ASSERT_TRUE(admin_->Call("", {"XADD", logs[i], "*", "r", rows[(i + 1) % rows.size()]}).ok());
  }
  EXPECT_EQ(ServeAll(0).shared_untrusted(), kGraphs);
}

TEST_F(HostileRedisTest, RowsThatAStrangerSigned) {
  const SigningKey stranger = SigningKey::Generate();
  for (const std::string& log : Keys("v")) {
    v1::SignedVariant row;
    ASSERT_TRUE(row.ParseFromString(
        admin_->Call("", {"XRANGE", log, "-", "+"})->elements[0].elements[1].elements[1].text));
    const std::string forged = stranger.Sign(row.record()).SerializeAsString();
    ASSERT_TRUE(admin_->Call("", {"DEL", log}).ok());
    ASSERT_TRUE(admin_->Call("", {"XADD", log, "*", "r", forged}).ok());
  }
  EXPECT_EQ(ServeAll(0).shared_untrusted(), kGraphs);
}

TEST_F(HostileRedisTest, OtherTypesAndEntries) {
  const std::vector<std::string> logs = Keys("v");
  ASSERT_TRUE(admin_->Call("", {"SET", logs[0], "a string"}).ok());
  ASSERT_TRUE(admin_->Call("", {"XADD", logs[1], "*", "r", "noise"}).ok());
  ASSERT_TRUE(admin_->Call("", {"XADD", logs[2], "*", "other", "field"}).ok());
  ASSERT_TRUE(admin_->Call("", {"DEL", logs[3]}).ok());
  ASSERT_TRUE(admin_->Call("", {"LPUSH", logs[3], "a list"}).ok());
  // Rows beside noise are served; logs that are none are compiled.
  ServeAll(kGraphs - 2);
}

TEST_F(HostileRedisTest, RowsAndArtifactsVanishEachForItself) {
  const std::vector<std::string> artifacts = Keys("a"), logs = Keys("v");
  ASSERT_TRUE(admin_->Call("", {"DEL", artifacts[0]}).ok());
  ASSERT_TRUE(admin_->Call("", {"DEL", artifacts[1]}).ok());
  ServeAll(kGraphs - 2);
  ASSERT_EQ(Keys("a").size(), size_t{kGraphs});
  ASSERT_TRUE(admin_->Call("", {"DEL", logs[0]}).ok());
  ServeAll(kGraphs - 1);
  ServeAll(kGraphs);
}

}  // namespace
}  // namespace kiln
