// The time of a lookup among 1 to 100,000 variants of one key, beside a scan of the
// same variants; the memory that each takes; and many keys of one variant each.
//
//   guard_index_bench [--lookups=20000] [--max=100000]
//
// One JSON object a line: {"kind": "ranges", "variants": 1000, "p50_us": ..., ...}.
// guard_index_bench.py draws them.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "cache/guard_index.h"
#include "cache/guard_set.h"
#include "cache/testing/make_variant.h"

namespace kiln {
namespace {

using Values = std::vector<int64_t>;

// One way for the variants of a key to differ: the guards of variant i of n, and
// values that some of them hold for, or none.
struct Kind {
  const char* name;
  std::function<std::vector<std::string>(int i)> guards;
  std::function<Values(int n, std::mt19937_64& random)> ask;
};

int64_t Draw(std::mt19937_64& random, int64_t below) { return static_cast<int64_t>(random() % static_cast<uint64_t>(below)); }

std::vector<Kind> Kinds() {
  return {
      {"pins", [](int i) { return std::vector<std::string>{absl::StrCat("s0 == ", i), "2 <= s1"}; },
       [](int n, std::mt19937_64& random) { return Values{Draw(random, n + n / 8 + 1), 5, 5}; }},
      // Nested, so that half of them hold for the mean request.
      {"upper bounds", [](int i) { return std::vector<std::string>{absl::StrCat("s0 <= ", 64 * (i + 1)), "2 <= s1"}; },
       [](int n, std::mt19937_64& random) { return Values{Draw(random, 64 * (n + n / 8 + 1)), 5, 5}; }},
      {"ranges",
       [](int i) {
         return std::vector<std::string>{absl::StrCat(64 * i, " <= s0"), absl::StrCat("s0 < ", 64 * i + 48)};
       },
       [](int n, std::mt19937_64& random) { return Values{Draw(random, 64 * n), 5, 5}; }},
      // 300 by so many as it takes, each bounded above in both.
      {"bounds on two",
       [](int i) {
         return std::vector<std::string>{absl::StrCat("s0 <= ", 8 * (i % 300)), absl::StrCat("s1 <= ", 8 * (i / 300))};
       },
       [](int n, std::mt19937_64& random) {
         return Values{Draw(random, 8 * std::min(n, 300) + 8), Draw(random, 8 * (n / 300) + 8), 5};
       }},
      // Of 12 moduli, each with its residues and ranges.
      {"residues and ranges",
       [](int i) {
         const int modulus = 2 << (i % 12);
         const int block = i / 12;
         return std::vector<std::string>{absl::StrCat("s0 % ", modulus, " == ", block % modulus),
                                         absl::StrCat("s1 <= ", 16 * block)};
       },
       [](int n, std::mt19937_64& random) { return Values{Draw(random, 1 << 14), Draw(random, 16 * (n / 12) + 16), 5}; }},
  };
}

double Percentile(std::vector<double>& values, double p) {
  auto at = values.begin() + static_cast<ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

template <typename Ask>
double Microseconds(const Ask& ask) {
  const auto start = std::chrono::steady_clock::now();
  ask();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

size_t AllocatedBytes() { return mallinfo2().uordblks; }

// Guards parsed once and tried in the order of preference, until one holds.
class Scan {
 public:
  explicit Scan(const std::vector<IndexedVariantPtr>& in_order) {
    for (const IndexedVariantPtr& variant : in_order) {
      pool_.Refill();
      guards_.push_back(*GuardSet::Parse(variant->record, &pool_));
    }
  }
  bool Finds(const Values& values) const {
    return std::any_of(guards_.begin(), guards_.end(), [&](const GuardSet& set) { return set.Holds(values); });
  }

 private:
  ExprPool pool_;
  std::vector<GuardSet> guards_;
};

void Measure(const Kind& kind, int variants, int lookups) {
  std::vector<IndexedVariantPtr> made;
  for (int i = 0; i < variants; ++i) {
    made.push_back(MakeVariant({.guards = kind.guards(i), .created = i, .elf = absl::StrCat("e", i)}));
  }
  std::mt19937_64 random(7);
  std::shuffle(made.begin(), made.end(), random);
  const size_t before = AllocatedBytes();
  GuardIndex index;
  const double added = Microseconds([&] {
    for (const IndexedVariantPtr& variant : made) {
      if (!index.Add(variant).ok()) std::abort();
    }
  });
  const size_t bytes = AllocatedBytes() - before;
  const VariantKey key = MakeKey("g");
  const HostClass host = MakeHost();
  std::vector<double> times, scan_times;
  int hits = 0;
  for (int i = 0; i < lookups; ++i) {
    const Values values = kind.ask(variants, random);
    times.push_back(Microseconds([&] { hits += index.Lookup(key, values, host)->variant != nullptr; }));
  }
  const Scan scan(index.VariantsOf(key));
  const int scans = std::max(20, std::min(lookups, 2000000 / variants));
  for (int i = 0; i < scans; ++i) {
    const Values values = kind.ask(variants, random);
    bool found = false;
    scan_times.push_back(Microseconds([&] { found = scan.Finds(values); }));
    if (found != (index.Lookup(key, values, host)->variant != nullptr)) std::abort();
  }
  std::printf(
      "{\"kind\": \"%s\", \"variants\": %d, \"hit_share\": %.2f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
      "\"scan_p50_us\": %.3f, \"scan_p99_us\": %.3f, \"add_us\": %.2f, \"index_bytes_per_variant\": %.0f}\n",
      kind.name, variants, static_cast<double>(hits) / lookups, Percentile(times, 0.5), Percentile(times, 0.99),
      Percentile(scan_times, 0.5), Percentile(scan_times, 0.99), added / variants,
      static_cast<double>(bytes) / variants);
  std::fflush(stdout);
}

void MeasureKeys(int keys, int lookups) {
  GuardIndex index;
  std::vector<VariantKey> names;
  const size_t before = AllocatedBytes();
  for (int i = 0; i < keys; ++i) {
    const VariantSpec spec{.graph = absl::StrCat("g", i), .guards = {"s0 <= 64"}, .elf = absl::StrCat("e", i)};
    if (!index.Add(MakeVariant(spec)).ok()) std::abort();
    names.push_back(MakeKey(spec.graph));
  }
  const size_t bytes = AllocatedBytes() - before;
  const HostClass host = MakeHost();
  std::mt19937_64 random(7);
  std::vector<double> times;
  int hits = 0;
  for (int i = 0; i < lookups; ++i) {
    const VariantKey& key = names[static_cast<size_t>(Draw(random, keys))];
    const Values values = {Draw(random, 72), 5, 5};
    times.push_back(Microseconds([&] { hits += index.Lookup(key, values, host)->variant != nullptr; }));
  }
  std::printf(
      "{\"kind\": \"keys of one variant\", \"variants\": %d, \"hit_share\": %.2f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
      "\"bytes_per_variant_with_record\": %.0f}\n",
      keys, static_cast<double>(hits) / lookups, Percentile(times, 0.5), Percentile(times, 0.99),
      static_cast<double>(bytes) / keys);
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  CLI::App app{"Lookups among 1 to 100,000 variants."};
  int lookups = 20000, max = 100000;
  app.add_option("--lookups", lookups, "Lookups of each");
  app.add_option("--max", max, "Variants at most");
  CLI11_PARSE(app, argc, argv);
  for (const kiln::Kind& kind : kiln::Kinds()) {
    for (int variants = 1; variants <= max; variants *= 10) kiln::Measure(kind, variants, lookups);
  }
  for (int keys = 1; keys <= max; keys *= 10) kiln::MeasureKeys(keys, lookups);
  return 0;
}
