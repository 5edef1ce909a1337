#include "service/request_history.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/testing/make_variant.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

RequestFacts Facts(const std::string& id, const std::string& domain = "", int64_t value = 0) {
  return {.id = id, .domain = domain, .symbol_values = {value}};
}

TEST(RequestHistoryTest, FindsTheNewestOfItsIdAndDomain) {
  RequestHistory history;
  history.Add(Facts("a", "", 1));
  history.Add(Facts("a", "tenant", 2));
  history.Add(Facts("a", "", 3));
  EXPECT_EQ(history.Find("", "a")->symbol_values[0], 3);
  EXPECT_EQ(history.Find("tenant", "a")->symbol_values[0], 2);
  EXPECT_FALSE(history.Find("other", "a").has_value());
  EXPECT_FALSE(history.Find("", "b").has_value());
}

TEST(RequestHistoryTest, WithoutAnIdNothingIsKept) {
  RequestHistory history;
  history.Add(Facts(""));
  EXPECT_FALSE(history.Find("", "").has_value());
}

TEST(RequestHistoryTest, IsBoundedInNumberTheOldestOutFirst) {
  constexpr size_t kPerShard = 4;
  RequestHistory history(kPerShard * RequestHistory::kShards);
  constexpr int kRequests = 1000;
  for (int i = 0; i < kRequests; ++i) history.Add(Facts(absl::StrCat(i)));
  size_t kept = 0;
  for (int i = 0; i < kRequests; ++i) kept += history.Find("", absl::StrCat(i)).has_value();
  EXPECT_EQ(kept, kPerShard * RequestHistory::kShards);
  EXPECT_TRUE(history.Find("", absl::StrCat(kRequests - 1)).has_value());
  EXPECT_FALSE(history.Find("", "0").has_value());
}

TEST(RequestHistoryTest, IsBoundedInBytes) {
  constexpr size_t kBytesPerShard = 64 << 10;
  RequestHistory history(RequestHistory::kMaxRequests, kBytesPerShard * RequestHistory::kShards);
  auto with_lines = [](const std::string& id, size_t bytes) {
    MissFacts miss;
    miss.source = std::make_shared<const GraphSource>(GraphSource{.locations = {std::string(bytes, 'x')}});
    RequestFacts facts = Facts(id);
    facts.miss = std::make_shared<const MissFacts>(std::move(miss));
    return facts;
  };
  history.Add(with_lines("too large", kBytesPerShard));
  EXPECT_FALSE(history.Find("", "too large").has_value());
  // One id is one shard: two halves do not fit, and the newest is found.
  history.Add(Facts("same", "first"));
  for (int i = 0; i < 3; ++i) history.Add(with_lines("same", kBytesPerShard / 2));
  EXPECT_TRUE(history.Find("", "same").has_value());
  EXPECT_FALSE(history.Find("first", "same").has_value());
}

TEST(RequestHistoryTest, ThreadsMayAddAndFindAtOnce) {
  RequestHistory history(64);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string id = absl::StrCat(i % 50);
        history.Add(Facts(id, absl::StrCat(t), i));
        const std::optional<RequestFacts> found = history.Find(absl::StrCat(t), id);
        if (found.has_value() && found->symbol_values[0] % 50 != i % 50) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace kiln
