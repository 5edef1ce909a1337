// Flights under many threads, with a small server around them.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cache/flight.h"
#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/variant_cache.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// A server in small: lookup, join, compile on a thread of its own, publish, and
// again for those who are sent back. The fake compiler specialises s0 to being 1
// or not (a shape guard) and, unless forbidden, s1 to being divisible by 16.
class TinyServer {
 public:
  explicit TinyServer(bool performance_guards) : performance_guards_(performance_guards) {
    auto dropped = std::make_shared<DropLog>();
    cache_ = *VariantCache::Open(std::make_unique<MemoryStore>(64 << 20), dropped);
    flights_ = std::make_unique<Flights>(Clock::Real(), [this](const FlightRequest& request) {
      return cache_->Lookup(request.key, request.symbol_values, *request.host, false)->hit;
    });
  }
  ~TinyServer() {
    std::vector<std::thread> compiles;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      compiles.swap(compiles_);
    }
    for (std::thread& thread : compiles) thread.join();
  }

  // Blocks until the request is served; returns the variant that served it.
  IndexedVariantPtr Serve(std::vector<int64_t> values) {
    auto host = std::make_shared<const HostClass>(MakeHost());
    for (int failed_joins = 0; failed_joins < 10; ++failed_joins) {
      absl::StatusOr<CacheAnswer> found = cache_->Lookup(MakeKey("g"), values, *host);
      if (found.ok() && found->hit.has_value()) return found->hit->variant;
      absl::Mutex mutex;
      std::optional<absl::StatusOr<FlightOutcome>> outcome;
      flights_->Join({.key = MakeKey("g"),
                      .symbols = SymbolNames(2),
                      .symbol_values = values,
                      .host = host,
                      .failed_joins = failed_joins},
                     {.start = [this](std::shared_ptr<Flight> flight) { Start(std::move(flight)); },
                      .progress = {},
                      .done =
                          [&](absl::StatusOr<FlightOutcome> result) {
                            absl::MutexLock lock(&mutex);
                            outcome = std::move(result);
                          }});
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(+[](std::optional<absl::StatusOr<FlightOutcome>>* o) { return o->has_value(); },
                                  &outcome));
      EXPECT_TRUE(outcome->ok()) << outcome->status();
      if (!outcome->ok()) return nullptr;
      if ((*outcome)->hit.has_value()) return (*outcome)->hit->variant;
    }
    ADD_FAILURE() << "sent back for ever";
    return nullptr;
  }

  int num_compiles() const { return num_compiles_.load(); }

 private:
  void Start(std::shared_ptr<Flight> flight) {
    std::lock_guard<std::mutex> lock(mutex_);
    compiles_.emplace_back([this, flight = std::move(flight)] { Compile(*flight); });
  }

  void Compile(Flight& flight) {
    const FlightRequest& request = flight.request();
    std::vector<std::string> guards = {request.symbol_values[0] == 1 ? "s0 == 1" : "s0 != 1"};
    if (!flight.Propagated(MakeGuards(guards), 0)) return;
    ++num_compiles_;
    if (performance_guards_ && !request.forbid_performance_guards() && request.symbol_values[1] % 16 == 0) {
      guards.push_back("s1 % 16 == 0");
    }
    const VariantSpec spec{.num_symbols = 2, .guards = guards, .elf = absl::StrJoin(guards, ",")};
    absl::StatusOr<IndexedVariantPtr> variant =
        cache_->Publish(MakeVariant(spec)->signed_variant, Elf(spec.elf));
    ASSERT_TRUE(variant.ok()) << variant.status();
    flight.Compiled(*variant, Elf(spec.elf));
  }

  const bool performance_guards_;
  std::unique_ptr<VariantCache> cache_;
  std::unique_ptr<Flights> flights_;
  std::atomic<int> num_compiles_{0};
  std::mutex mutex_;
  std::vector<std::thread> compiles_;
};

void AskFromSixtyFourThreads(TinyServer& server, const std::function<std::vector<int64_t>(int, int)>& values_of) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) ASSERT_NE(server.Serve(values_of(t, i)), nullptr);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(FlightConcurrencyTest, EqualRequestsOfSixtyFourThreadsCompileOnce) {
  for (int round = 0; round < 20; ++round) {
    TinyServer server(/*performance_guards=*/false);
    AskFromSixtyFourThreads(server, [](int, int) { return std::vector<int64_t>{8, 16}; });
    ASSERT_EQ(server.num_compiles(), 1);
  }
}

TEST(FlightConcurrencyTest, UnequalRequestsCompileOncePerGuardSet) {
  for (int round = 0; round < 20; ++round) {
    TinyServer server(/*performance_guards=*/false);
    AskFromSixtyFourThreads(server, [](int t, int i) { return std::vector<int64_t>{1 + (t + i) % 5, t}; });
    ASSERT_EQ(server.num_compiles(), 2);
  }
}

TEST(FlightConcurrencyTest, PerformanceGuardsSendSomeBackButNobodyForEver) {
  for (int round = 0; round < 20; ++round) {
    TinyServer server(/*performance_guards=*/true);
    AskFromSixtyFourThreads(server, [](int t, int i) { return std::vector<int64_t>{1 + (t + i) % 5, 16 + t % 2}; });
    // Per s0: one with and one without the guard, and at most one of each made
    // while the other was in flight.
    ASSERT_LE(server.num_compiles(), 8);
  }
}

TEST(FlightConcurrencyTest, JoinsLeavesAndFailuresNeverLoseAWaiter) {
  Flights flights(Clock::Real(), nullptr);
  std::atomic<int> ended{0}, left{0};
  std::mutex mutex;
  std::vector<std::shared_ptr<Flight>> in_flight;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 300; ++i) {
        const WaiterId id = flights.Join(
            {.key = MakeKey(absl::StrCat("g", random() % 3)),
             .symbols = SymbolNames(1),
             .symbol_values = {static_cast<int64_t>(random() % 3)},
             .host = std::make_shared<const HostClass>(MakeHost())},
            {.start =
                 [&](std::shared_ptr<Flight> flight) {
                   std::lock_guard<std::mutex> lock(mutex);
                   in_flight.push_back(std::move(flight));
                 },
             .progress = {},
             .done = [&](absl::StatusOr<FlightOutcome>) { ++ended; }});
        std::shared_ptr<Flight> flight;
        {
          std::lock_guard<std::mutex> lock(mutex);
          if (!in_flight.empty() && random() % 2 == 0) {
            flight = std::move(in_flight.back());
            in_flight.pop_back();
          }
        }
        if (flight != nullptr) flight->Propagated(MakeGuards({absl::StrCat("s0 < ", random() % 3)}), 0);
        if (random() % 3 == 0 && flights.Leave(id)) ++left;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (true) {
    std::vector<std::shared_ptr<Flight>> rest;
    {
      std::lock_guard<std::mutex> lock(mutex);
      rest.swap(in_flight);
    }
    if (rest.empty()) break;
  }
  EXPECT_EQ(flights.num_waiters(), 0);
  EXPECT_EQ(flights.num_flights(), 0);
  EXPECT_EQ(ended + left, 16 * 300);
}

}  // namespace
}  // namespace kiln
