#include "cache/redis/redis_fleet_leases.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/error.h"
#include "cache/testing/redis_process.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_fleet_leases.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr absl::Duration kLong = absl::Hours(1);

class RedisFleetLeasesTest : public ::testing::Test {
 protected:
  RedisFleetLeasesTest() {
    client_ = server_->Connect();
    leases_ = std::make_unique<RedisFleetLeases>(client_);
  }

  static FleetLeases::Wish Wish(const std::string& graph, const std::string& identity, const std::string& token,
                                absl::Duration lifetime = kLong) {
    FleetLeases::Wish wish = {{MakeKey(graph), Sha256(identity)}, Token(token)};
    wish.says.set_holder(token);
    wish.lifetime = lifetime;
    return wish;
  }
  static std::string Token(const std::string& name) { return Sha256(name).ToHex().substr(0, kLeaseTokenBytes); }

  // "taken", "STORAGE", or who is in the way.
  static std::string Show(const absl::StatusOr<LeaseAnswer>& answer) {
    if (!answer.ok()) return std::string(GetErrorReasonRow(*GetErrorReason(answer.status())).name);
    if (answer->taken) return "taken";
    std::vector<std::string> others;
    for (const HeldLease& held : answer->others) {
      others.push_back(absl::StrCat(held.identity.ToShortHex(), " ", held.token, " ", held.says.holder()));
    }
    std::sort(others.begin(), others.end());
    std::string shown;
    for (const std::string& other : others) absl::StrAppend(&shown, other, "; ");
    return shown;
  }
  static std::string Show(const absl::StatusOr<bool>& renewed) {
    if (!renewed.ok()) return std::string(GetErrorReasonRow(*GetErrorReason(renewed.status())).name);
    return *renewed ? "renewed" : "lost";
  }
  std::string Take(const FleetLeases::Wish& wish) { return Show(leases_->Take(wish)); }

  std::string LeaseKey(const FleetLeases::Wish& wish) const {
    return absl::StrCat("kiln:1:lease:{", wish.name.key.digest.ToHex(), "}:", wish.name.identity.ToHex());
  }
  std::string SetKey(const FleetLeases::Wish& wish) const {
    return absl::StrCat("kiln:1:leases:{", wish.name.key.digest.ToHex(), "}");
  }
  void Command(std::vector<std::string> words) {
    const absl::StatusOr<RedisReply> reply = client_->Call("", RedisWords(words.begin(), words.end()));
    EXPECT_TRUE(reply.ok()) << reply.status();
  }

  std::unique_ptr<RedisProcess> server_ = RedisProcess::Start();
  std::shared_ptr<RedisClient> client_;
  std::unique_ptr<RedisFleetLeases> leases_;
};

TEST_F(RedisFleetLeasesTest, OneTakesAndOthersSeeWhoItIs) {
  EXPECT_EQ(Take(Wish("g", "i", "a")), "taken");
  EXPECT_EQ(Take(Wish("g", "i", "b")), absl::StrCat(Sha256("i").ToShortHex(), " ", Token("a"), " a; "));
  EXPECT_EQ(Take(Wish("h", "i", "b")), "taken");
  EXPECT_TRUE(leases_->Release(Wish("g", "i", "a").name, Token("a")).ok());
  EXPECT_EQ(Take(Wish("g", "i", "b")), "taken");
}

TEST_F(RedisFleetLeasesTest, ATokenIsComparedBeforeAnythingIsDone) {
  EXPECT_EQ(Take(Wish("g", "i", "a")), "taken");
  EXPECT_TRUE(leases_->Release(Wish("g", "i", "b").name, Token("b")).ok());
  EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "b"), true)), "lost");
  EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "a"), true)), "renewed");
}

TEST_F(RedisFleetLeasesTest, RedisEndsALeaseThatIsNotRenewed) {
  EXPECT_EQ(Take(Wish("g", "i", "a", absl::Milliseconds(50))), "taken");
  for (int i = 0; i < 1000 && Take(Wish("g", "i", "b")) != "taken"; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "a"), false)), "lost");
  EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "b"), false)), "renewed");
}

// Random commands of four replicas on two keys with three identities each, beside
// the twin in memory.
TEST_F(RedisFleetLeasesTest, DoesWhatTheTwinDoes) {
  MemoryLeaseTable table(Clock::Real());
  MemoryFleetLeases twin(&table);
  std::mt19937 random(7);
  const auto draw = [&](unsigned n) { return random() % n; };
  for (int step = 0; step < 2000; ++step) {
    FleetLeases::Wish wish =
        Wish(draw(2) ? "g" : "h", absl::StrCat("i", draw(3)), absl::StrCat("replica", draw(4)));
    for (unsigned i = 0; i < draw(3); ++i) wish.passed_over.push_back(Sha256(absl::StrCat("i", draw(3))));
    wish.says.set_held_seconds(step);
    switch (draw(4)) {
      case 0:
      case 1:
        ASSERT_EQ(Show(leases_->Take(wish)), Show(twin.Take(wish))) << step;
        break;
      case 2:
        ASSERT_EQ(Show(leases_->Renew(wish, false)), Show(twin.Renew(wish, false))) << step;
        break;
      case 3:
        ASSERT_EQ(leases_->Release(wish.name, wish.token), twin.Release(wish.name, wish.token)) << step;
        break;
    }
  }
}

TEST_F(RedisFleetLeasesTest, OfManyAtOnceOneIsFirst) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> taken = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        // Other sizes of one key: in each other's way all the same.
        const auto answer =
            leases_->Take(Wish(absl::StrCat("g", round), absl::StrCat("i", i), absl::StrCat("replica", i)));
        if (answer.ok() && answer->taken) ++taken;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(taken, 1);
  }
}

TEST_F(RedisFleetLeasesTest, ListenersHearOfNewsAndEnds) {
  std::atomic<int> heard = 0;
  leases_->Listen([&](const VariantKey& key) {
    if (key == MakeKey("g")) ++heard;
  });
  EXPECT_EQ(Take(Wish("g", "i", "a")), "taken");
  // A message may be lost while the subscriber still connects.
  for (int i = 0; i < 1000 && heard == 0; ++i) {
    EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "a"), true)), "renewed");
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_GT(heard, 0);
  const int before = heard;
  EXPECT_TRUE(leases_->Release(Wish("g", "i", "a").name, Token("a")).ok());
  for (int i = 0; i < 1000 && heard == before; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_GT(heard, before);
  leases_->Listen(nullptr);
}

TEST_F(RedisFleetLeasesTest, EitherOfLeaseAndSetMayBeEvicted) {
  const FleetLeases::Wish a = Wish("g", "i", "a");
  EXPECT_EQ(Take(a), "taken");
  Command({"DEL", SetKey(a)});
  EXPECT_NE(Take(Wish("g", "i", "b")), "taken");
  EXPECT_EQ(Show(leases_->Renew(a, false)), "renewed");
  Command({"DEL", LeaseKey(a)});
  EXPECT_EQ(Take(Wish("g", "i", "b")), "taken");
}

TEST_F(RedisFleetLeasesTest, RubbishSaysNothingAndHarmsNobody) {
  const FleetLeases::Wish wish = Wish("g", "i", "a");
  Command({"SET", LeaseKey(wish), std::string(200000, '\xff')});
  absl::StatusOr<LeaseAnswer> answer = leases_->Take(wish);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->others.size(), 1u);
  EXPECT_EQ(answer->others[0].says.ByteSizeLong(), 0u);
  Command({"SET", LeaseKey(wish), ""});
  answer = leases_->Take(wish);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->taken);
  Command({"DEL", LeaseKey(wish)});
  // A member that is no identity.
  Command({"SADD", SetKey(wish), "rubbish"});
  EXPECT_EQ(Take(wish), "taken");
  Command({"SET", absl::StrCat("kiln:1:lease:{", wish.name.key.digest.ToHex(), "}:rubbish"), "x"});
  Command({"SADD", SetKey(wish), "rubbish"});
  EXPECT_EQ(Take(Wish("g", "j", "b")), "STORAGE");
  Command({"DEL", SetKey(wish)});
  Command({"SET", SetKey(wish), "another type"});
  EXPECT_EQ(Take(Wish("g", "j", "b")), "STORAGE");
}

TEST_F(RedisFleetLeasesTest, ARedisThatIsGoneIsStorage) {
  server_->KillHard();
  EXPECT_EQ(Take(Wish("g", "i", "a")), "STORAGE");
  EXPECT_EQ(Show(leases_->Renew(Wish("g", "i", "a"), false)), "STORAGE");
  EXPECT_FALSE(leases_->Release(Wish("g", "i", "a").name, Token("a")).ok());
}

}  // namespace
}  // namespace kiln
