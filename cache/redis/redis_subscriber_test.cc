#include "cache/redis/redis_subscriber.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "cache/testing/redis_process.h"
#include "gtest/gtest.h"
#include "tests/chaos/fault_proxy.h"

namespace kiln {
namespace {

// What a subscriber told, to be waited for.
class Heard {
 public:
  RedisSubscriberCallbacks Callbacks() {
    return {.message =
                [this](absl::string_view channel, absl::string_view payload) {
                  absl::MutexLock lock(&mutex_);
                  messages_.push_back(absl::StrCat(channel, "=", payload));
                },
            .connected =
                [this] {
                  absl::MutexLock lock(&mutex_);
                  ++connected_;
                },
            .lost =
                [this] {
                  absl::MutexLock lock(&mutex_);
                  ++lost_;
                }};
  }
  bool AwaitConnected(int times) { return Await([this, times] { return connected_ >= times; }); }
  bool AwaitLost(int times) { return Await([this, times] { return lost_ >= times; }); }
  bool AwaitMessage(const std::string& message) {
    return Await([this, message] { return std::count(messages_.begin(), messages_.end(), message) > 0; });
  }
  int64_t num_messages() {
    absl::MutexLock lock(&mutex_);
    return static_cast<int64_t>(messages_.size());
  }

 private:
  template <typename Done>
  bool Await(Done done) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&done), absl::Seconds(60));
  }

  absl::Mutex mutex_;
  std::vector<std::string> messages_;
  int connected_ = 0;
  int lost_ = 0;
};

class RedisSubscriberTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = RedisProcess::Start({.password = "secret"});
    ASSERT_NE(server_, nullptr);
    client_ = server_->Connect();
  }
  int64_t Publish(const std::string& channel, const std::string& payload) {
    return client_->Call("", {"PUBLISH", channel, payload})->integer;
  }

  std::unique_ptr<RedisProcess> server_;
  std::unique_ptr<RedisClient> client_;
};

TEST_F(RedisSubscriberTest, HearsItsChannelsAlone) {
  Heard heard;
  RedisSubscriber subscriber(client_.get(), heard.Callbacks());
  EXPECT_TRUE(subscriber.Subscribe("a"));
  EXPECT_TRUE(subscriber.Subscribe("b"));
  ASSERT_TRUE(heard.AwaitConnected(1));
  EXPECT_TRUE(subscriber.connected());
  EXPECT_EQ(Publish("c", "no"), 0);
  EXPECT_EQ(Publish("a", "one"), 1);
  EXPECT_EQ(Publish("b", std::string("t\0wo", 4)), 1);
  EXPECT_TRUE(heard.AwaitMessage("a=one"));
  EXPECT_TRUE(heard.AwaitMessage(absl::StrCat("b=", std::string("t\0wo", 4))));
  EXPECT_EQ(heard.num_messages(), 2);
}

TEST_F(RedisSubscriberTest, ChannelsComeAndGo) {
  Heard heard;
  RedisSubscriber subscriber(client_.get(), heard.Callbacks());
  subscriber.Subscribe("a");
  ASSERT_TRUE(heard.AwaitConnected(1));
  subscriber.Subscribe("b");
  ASSERT_TRUE(heard.AwaitConnected(2));
  subscriber.Unsubscribe("a");
  // Until the server has heard of it.
  while (Publish("a", "gone") > 0) {
  }
  EXPECT_EQ(Publish("b", "still"), 1);
  EXPECT_TRUE(heard.AwaitMessage("b=still"));
}

TEST_F(RedisSubscriberTest, ComesBackAfterAnOutage) {
  FaultProxy proxy(server_->port(), 1);
  RedisOptions options = server_->ClientOptions();
  options.url.addresses[0].port = proxy.port();
  const auto client = *RedisClient::Create(options, Clock::Real());
  Heard heard;
  RedisSubscriber subscriber(client.get(), heard.Callbacks());
  subscriber.Subscribe("a");
  ASSERT_TRUE(heard.AwaitConnected(1));
  proxy.Set(Fault::kRefuse);
  ASSERT_TRUE(heard.AwaitLost(1));
  EXPECT_FALSE(subscriber.connected());
  proxy.Set(Fault::kNone);
  ASSERT_TRUE(heard.AwaitConnected(2));
  EXPECT_EQ(Publish("a", "back"), 1);
  EXPECT_TRUE(heard.AwaitMessage("a=back"));
}

TEST_F(RedisSubscriberTest, SilenceIsFound) {
  FaultProxy proxy(server_->port(), 1);
  RedisOptions options = server_->ClientOptions();
  options.url.addresses[0].port = proxy.port();
  const auto client = *RedisClient::Create(options, Clock::Real());
  Heard heard;
  RedisSubscriber subscriber(client.get(), heard.Callbacks());
  subscriber.Subscribe("a");
  ASSERT_TRUE(heard.AwaitConnected(1));
  proxy.Set(Fault::kBlackhole);
  EXPECT_TRUE(heard.AwaitLost(1));
}

TEST(RedisSubscriberBoundTest, SoManyChannelsAndNoMore) {
  // Nobody is there to be connected to.
  const auto client =
      *RedisClient::Create(PatientOptions(absl::StrCat("redis://127.0.0.1:", FreePort())), Clock::Real());
  Heard heard;
  RedisSubscriber subscriber(client.get(), heard.Callbacks());
  for (int i = 0; i < 1024; ++i) EXPECT_TRUE(subscriber.Subscribe(absl::StrCat("c", i)));
  EXPECT_FALSE(subscriber.Subscribe("one too many"));
  EXPECT_TRUE(subscriber.Subscribe("c7"));
  EXPECT_TRUE(heard.AwaitLost(1));
}

}  // namespace
}  // namespace kiln
