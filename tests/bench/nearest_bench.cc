// What the search for the nearest entry of a miss costs, by how many entries there are:
// microseconds at p50 and p99, and how many times those of the smallest cache.
//
//   nearest_bench [SEARCHES]
//
// Three kinds of misses: an option differs (a key of the same graph is there), a
// constant differs (a graph with the same sketch is there), and nothing is near.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cache/nearest_entry.h"

namespace kiln {
namespace {

constexpr size_t kWords = 16;
// Models of one family share much of their sketches.
constexpr uint32_t kDistinctWords = 512;

struct Entry {
  v1::KeyComponents key;
  std::vector<uint32_t> sketch;
};

v1::KeyComponents KeyFor(const std::string& graph, const std::string& options) {
  v1::Target target;
  target.set_arch("x86_64");
  return ComposeKey({Sha256(graph), Sha256("signature"), Sha256(options), "build", target, ""});
}

IndexedVariantPtr VariantFor(const Entry& entry, const std::string& name) {
  v1::VariantRecord record;
  *record.mutable_key() = entry.key;
  for (const char* symbol : {"s0", "s1"}) record.add_symbols(symbol);
  for (const char* guard : {"s0 % 8 == 0", "s1 <= 4096", "s0*s1 <= 65536"}) record.add_guards()->set_condition(guard);
  record.set_artifact_sha256(std::string(Sha256(name).bytes()));
  record.mutable_preimage()->mutable_sketch()->Add(entry.sketch.begin(), entry.sketch.end());
  v1::SignedVariant row;
  row.set_record(record.SerializeAsString());
  return *MakeIndexedVariant(std::move(row));
}

struct Times {
  double p50 = 0, p99 = 0;
};

template <typename Ask>
Times Measure(int searches, const Ask& ask) {
  std::vector<double> micros;
  for (int i = 0; i < searches; ++i) {
    const absl::Time start = absl::Now();
    ask(i);
    micros.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
  }
  std::sort(micros.begin(), micros.end());
  return {micros[micros.size() / 2], micros[micros.size() * 99 / 100]};
}

void Run(int searches) {
  const HostClass host{v1::HostCapabilities()};
  const std::vector<int64_t> values = {36, 12};
  std::printf("%10s %-18s %10s %10s %12s\n", "entries", "miss", "p50 us", "p99 us", "p99, times");
  std::vector<double> first;
  for (int entries : {100, 1000, 10000, 100000}) {
    std::mt19937 random(1);
    GuardIndex index;
    std::vector<Entry> all;
    for (int e = 0; e < entries; ++e) {
      Entry entry = {KeyFor(absl::StrCat("g", e), "options"), std::vector<uint32_t>(kWords)};
      for (uint32_t& word : entry.sketch) word = random() % kDistinctWords;
      if (!index.Add(VariantFor(entry, absl::StrCat(e))).ok()) std::abort();
      all.push_back(std::move(entry));
    }
    const std::vector<uint32_t> strange(kWords, UINT32_MAX);
    int found = 0;
    auto search = [&](const v1::KeyComponents& key, const std::vector<uint32_t>& sketch) {
      found += FindNearest(index, {key, values, host, sketch}).variant != nullptr;
    };
    auto near = [&](int i) -> const Entry& { return all[static_cast<size_t>(i) * 7919 % all.size()]; };
    const std::pair<const char*, Times> rows[] = {
        {"another option", Measure(searches, [&](int i) {
           search(KeyFor(absl::StrCat("g", static_cast<size_t>(i) * 7919 % all.size()), "other"), {});
         })},
        {"another constant", Measure(searches, [&](int i) { search(KeyFor("new", "options"), near(i).sketch); })},
        {"nothing near", Measure(searches, [&](int) { search(KeyFor("new", "options"), strange); })}};
    for (size_t r = 0; r < std::size(rows); ++r) {
      if (first.size() <= r) first.push_back(rows[r].second.p99);
      std::printf("%10d %-18s %10.1f %10.1f %12.2f\n", entries, rows[r].first, rows[r].second.p50, rows[r].second.p99,
                  rows[r].second.p99 / first[r]);
    }
    if (found < 2 * searches * 95 / 100) std::printf("  only %d of %d were found\n", found, 2 * searches);
  }
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::Run(argc > 1 ? std::atoi(argv[1]) : 2000);
  return 0;
}
