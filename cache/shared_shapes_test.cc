#include "cache/shared_shapes.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr char kDomain[] = "team";

// Logs in memory, which replicas of a test share; with the faults that a test asks for.
struct Logs {
  struct Log {
    int generation = 0;
    std::vector<std::string> entries;
  };
  absl::Mutex mutex;
  std::map<std::string, Log> logs;
  bool is_down = false;
  bool takes_writes = true;
  int appends = 0;

  Log& Of(absl::string_view domain, const Digest& subject) { return logs[absl::StrCat(domain, "/", subject.ToHex())]; }
  void Lose() {
    absl::MutexLock lock(&mutex);
    for (auto& [key, log] : logs) {
      ++log.generation;
      log.entries.clear();
    }
  }
};

class MemoryShapeLog final : public ShapeLog {
 public:
  explicit MemoryShapeLog(Logs* logs) : logs_(logs) {}
  absl::Status Append(absl::string_view domain, const Digest& subject, absl::string_view entry) override {
    absl::MutexLock lock(&logs_->mutex);
    if (logs_->is_down || !logs_->takes_writes) return MakeError(ErrorReason::kStorage, "down");
    ++logs_->appends;
    logs_->Of(domain, subject).entries.emplace_back(entry);
    return absl::OkStatus();
  }
  absl::StatusOr<ShapeLogPage> Read(absl::string_view domain, const Digest& subject,
                                    absl::string_view after) override {
    absl::MutexLock lock(&logs_->mutex);
    if (logs_->is_down) return MakeError(ErrorReason::kStorage, "down");
    const Logs::Log& log = logs_->Of(domain, subject);
    size_t begin = 0;
    if (!after.empty()) {
      // "GENERATION.POSITION"
      const std::string cursor(after);
      const size_t dot = cursor.find('.');
      if (std::stoi(cursor.substr(0, dot)) != log.generation) return ShapeLogPage{.end = cursor, .lost = true};
      begin = std::stoul(cursor.substr(dot + 1));
    }
    ShapeLogPage page{.end = std::string(after)};
    for (; begin < log.entries.size() && page.entries.size() < 2; ++begin) page.entries.push_back(log.entries[begin]);
    if (!page.entries.empty()) page.end = absl::StrCat(log.generation, ".", begin);
    page.more = begin < log.entries.size();
    return page;
  }

 private:
  Logs* const logs_;
};

struct Replica {
  explicit Replica(Logs* logs, int threshold = 2)
      : profile(*ShapeProfile::Open(nullptr, threshold)),
        shared(std::make_unique<MemoryShapeLog>(logs), profile.get()) {}

  // What a request does; the sizes that are known afterwards.
  std::vector<int64_t> Ask(const std::string& name, const std::vector<int64_t>& sizes, bool* varies = nullptr) {
    ShapeObservations observations;
    if (!sizes.empty()) observations.Add()->set_source("x");
    for (int64_t size : sizes) observations.Mutable(0)->add_sizes(size);
    profile->Observe(kDomain, Sha256(name), name, observations);
    last = shared.Exchange(kDomain, Sha256(name));
    const std::optional<SubjectShapes> found = profile->Find(kDomain, Sha256(name));
    if (!found.has_value() || found->dims().empty()) return {};
    if (varies != nullptr) *varies = found->dims(0).varies();
    return {found->dims(0).sizes().begin(), found->dims(0).sizes().end()};
  }

  std::unique_ptr<ShapeProfile> profile;
  SharedShapes shared;
  absl::Status last;
};

TEST(SharedShapesTest, SizesOfBothCountTogether) {
  Logs logs;
  Replica a(&logs), b(&logs);
  bool varies = true;
  EXPECT_THAT(a.Ask("f", {8}, &varies), ElementsAre(8));
  EXPECT_FALSE(varies);
  EXPECT_THAT(b.Ask("f", {9}, &varies), ElementsAre(8, 9));
  EXPECT_TRUE(varies);
  EXPECT_THAT(a.Ask("f", {}, &varies), ElementsAre(8, 9));
  EXPECT_TRUE(varies);
  EXPECT_EQ(a.profile->Find(kDomain, Sha256("f"))->dims(0).observed(), 1);
}

TEST(SharedShapesTest, AfterTheThresholdNothingMoreIsSaid) {
  Logs logs;
  Replica a(&logs, 3), b(&logs, 3);
  for (int64_t size = 1; size <= 100; ++size) (size % 2 == 0 ? a : b).Ask("f", {size});
  EXPECT_EQ(logs.appends, 3);
  EXPECT_EQ(a.shared.Counters().told + b.shared.Counters().told, 3);
}

TEST(SharedShapesTest, ADownLogLeavesTheProfileAndIsToldLater) {
  Logs logs;
  Replica a(&logs), b(&logs);
  logs.is_down = true;
  EXPECT_THAT(a.Ask("f", {8}), ElementsAre(8));
  EXPECT_EQ(GetErrorReason(a.last), ErrorReason::kStorage);
  EXPECT_EQ(a.shared.Counters().failed, 1);
  logs.is_down = false;
  logs.takes_writes = false;
  EXPECT_THAT(b.Ask("f", {9}), ElementsAre(9));
  EXPECT_FALSE(b.last.ok());
  logs.takes_writes = true;
  EXPECT_THAT(a.Ask("f", {}), ElementsAre(8));
  EXPECT_THAT(b.Ask("f", {}), ElementsAre(8, 9));
  EXPECT_THAT(a.Ask("f", {}), ElementsAre(8, 9));
}

TEST(SharedShapesTest, WhatTheLogLostIsSaidAgain) {
  Logs logs;
  Replica a(&logs);
  a.Ask("f", {8});
  a.Ask("f", {});
  logs.Lose();
  EXPECT_THAT(Replica(&logs).Ask("f", {}), ElementsAre());
  a.Ask("f", {});
  EXPECT_THAT(Replica(&logs).Ask("f", {}), ElementsAre(8));
}

TEST(SharedShapesTest, DivisionsAndNamesAreToldToo) {
  Logs logs;
  Replica a(&logs), b(&logs);
  ShapeObservations observations;
  v1::ShapeObservation& observation = *observations.Add();
  observation.set_source("x");
  observation.add_sizes(8);
  observation.add_valid()->set_max(16);
  a.profile->Observe(kDomain, Sha256("f"), "forward at model.py:41", observations);
  a.Ask("f", {});
  b.Ask("f", {});
  const std::optional<SubjectShapes> found = b.profile->Find(kDomain, Sha256("f"));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->dims(0).divisions(), ElementsAre(17));
  // Who asked first gave it the name that the replica asked with.
  EXPECT_EQ(found->name(), a.profile->Find(kDomain, Sha256("f"))->name());
}

TEST(SharedShapesTest, EntriesThatAreNoneArePassedOver) {
  Logs logs;
  Replica a(&logs);
  SubjectShapes good;
  good.add_dims()->set_source("x");
  good.mutable_dims(0)->add_sizes(9);
  std::vector<SubjectShapes> bad(7, good);
  bad[0].mutable_dims(0)->clear_source();
  bad[1].mutable_dims(0)->set_dim(-2);
  bad[2].mutable_dims(0)->set_dim(1 << 30);
  for (int64_t size = 0; size < 100; ++size) bad[3].mutable_dims(0)->add_sizes(size);
  for (int i = 0; i < 5000; ++i) *bad[4].add_dims() = good.dims(0);
  bad[5].set_name(std::string(1025, 'n'));
  for (int i = 0; i < 4000; ++i) {
    bad[6].add_dims()->set_source(absl::StrCat(std::string(300, 's'), i));
  }
  MemoryShapeLog log(&logs);
  ASSERT_TRUE(log.Append(kDomain, Sha256("f"), "\xff\xff\xff").ok());
  for (const SubjectShapes& entry : bad) {
    ASSERT_TRUE(log.Append(kDomain, Sha256("f"), entry.SerializeAsString()).ok());
  }
  EXPECT_THAT(a.Ask("f", {8}), ElementsAre(8));
  EXPECT_EQ(a.shared.Counters().refused, 8);
  EXPECT_EQ(a.shared.Counters().taken, 0);
}

TEST(SharedShapesTest, WhatOneEntryCannotHoldFollows) {
  Logs logs;
  Replica a(&logs), b(&logs);
  const std::string long_name(1000, 's');
  ShapeObservations observations;
  for (int i = 0; i < 5000; ++i) {
    v1::ShapeObservation& observation = *observations.Add();
    // The first thousand fill an entry by their bytes, the others one by their number.
    observation.set_source(absl::StrCat(i < 1100 ? long_name : "s", i));
    observation.add_sizes(i);
  }
  observations.Add()->set_source(std::string(2000, 'x'));
  observations.Mutable(5000)->add_sizes(1);
  a.profile->Observe(kDomain, Sha256("f"), "f", observations);
  for (int i = 0; i < 4; ++i) a.Ask("f", {});
  b.Ask("f", {});
  EXPECT_EQ(b.profile->Find(kDomain, Sha256("f"))->dims_size(), 5000);
  EXPECT_EQ(b.shared.Counters().refused, 0);
  EXPECT_GT(logs.appends, 1);
}

// A forger who writes for ever costs a bounded time and a bounded profile.
TEST(SharedShapesTest, ALogOfManySizesStaysBounded) {
  Logs logs;
  Replica a(&logs, ShapeProfile::kMaxThreshold);
  MemoryShapeLog log(&logs);
  for (int64_t size = 0; size < 2000; ++size) {
    SubjectShapes entry;
    entry.add_dims()->set_source("x");
    entry.mutable_dims(0)->add_sizes(size);
    ASSERT_TRUE(log.Append(kDomain, Sha256("f"), entry.SerializeAsString()).ok());
  }
  EXPECT_EQ(a.Ask("f", {}).size(), static_cast<size_t>(ShapeProfile::kMaxThreshold));
  EXPECT_LT(a.shared.Counters().taken, 100);
  for (int i = 0; i < 50; ++i) a.Ask("f", {});
  EXPECT_EQ(a.shared.Counters().taken, 2000);
  EXPECT_EQ(a.Ask("f", {}).size(), static_cast<size_t>(ShapeProfile::kMaxThreshold));
}

// Against one profile that sees everything.
TEST(SharedShapesTest, AgreesWithOneProfileOfAll) {
  std::mt19937 random(11);
  Logs logs;
  std::vector<std::unique_ptr<Replica>> replicas;
  for (int i = 0; i < 3; ++i) replicas.push_back(std::make_unique<Replica>(&logs, 4));
  std::map<std::string, std::set<int64_t>> seen;
  for (int i = 0; i < 3000; ++i) {
    if (random() % 100 == 0) logs.Lose();
    const std::string subject = absl::StrCat(random() % 50);
    const auto size = static_cast<int64_t>(random() % 6);
    seen[subject].insert(size);
    replicas[random() % 3]->Ask(subject, {size});
  }
  // Each tells what it alone knows, and then hears what the others told.
  for (int round = 0; round < 2; ++round) {
    for (auto& replica : replicas) {
      for (const auto& [subject, sizes] : seen) replica->Ask(subject, {});
    }
  }
  for (auto& replica : replicas) {
    for (const auto& [subject, sizes] : seen) {
      bool varies = false;
      replica->Ask(subject, {}, &varies);
      EXPECT_EQ(varies, sizes.size() >= 4) << subject;
    }
  }
}

TEST(SharedShapesTest, ManyMayExchangeAtOnce) {
  Logs logs;
  Replica a(&logs), b(&logs);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        (t % 2 == 0 ? a : b).shared.Exchange(kDomain, Sha256("f")).IgnoreError();
        ShapeObservations observations;
        observations.Add()->set_source("x");
        observations.Mutable(0)->add_sizes(t);
        (t % 2 == 0 ? a : b).profile->Observe(kDomain, Sha256("f"), "f", observations);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  bool in_a = false, in_b = false;
  a.Ask("f", {}, &in_a);
  b.Ask("f", {}, &in_b);
  EXPECT_TRUE(in_a && in_b);
}

}  // namespace
}  // namespace kiln
