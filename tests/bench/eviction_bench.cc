// Which artifacts a bounded tier should give up: policies over traces of requests,
// compared by the compile seconds that their hits save.
//
//   eviction_bench [--trace=compiles.txt] [--replay=asked.txt] [--requests=200000]
//
// For each trace and each bound (a share of the bytes of everything that is ever asked
// for): the compile seconds that a policy saves, as a share of what a tier without a
// bound would. One JSON object a line; eviction_bench.py draws them. Why the tiers do
// as they do: docs/decisions/0013.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "cache/value_order.h"

namespace kiln {
namespace {

struct Artifact {
  int64_t bytes = 0;
  double seconds = 0;
  uint32_t tenant = 0;
};

// Artifacts by number, and who asked for which, in order.
struct Trace {
  std::string name;
  std::vector<Artifact> artifacts;
  std::vector<int> requests;
};

class Policy {
 public:
  virtual ~Policy() = default;
  // Whether it had it. If not, it has been compiled and may be kept.
  virtual bool Ask(int artifact, const Artifact& facts) = 0;
};

class Lru final : public Policy {
 public:
  explicit Lru(int64_t max_bytes) : max_bytes_(max_bytes) {}
  bool Ask(int artifact, const Artifact& facts) override {
    auto found = at_.find(artifact);
    if (found != at_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return true;
    }
    order_.push_front({artifact, facts.bytes});
    at_[artifact] = order_.begin();
    bytes_ += facts.bytes;
    while (bytes_ > max_bytes_ && order_.size() > 1) {
      bytes_ -= order_.back().second;
      at_.erase(order_.back().first);
      order_.pop_back();
    }
    return false;
  }

 private:
  const int64_t max_bytes_;
  std::list<std::pair<int, int64_t>> order_;
  absl::flat_hash_map<int, std::list<std::pair<int, int64_t>>::iterator> at_;
  int64_t bytes_ = 0;
};

// By the number of uses since it came, then by recency.
class Lfu final : public Policy {
 public:
  explicit Lfu(int64_t max_bytes) : max_bytes_(max_bytes) {}
  bool Ask(int artifact, const Artifact& facts) override {
    ++now_;
    auto found = at_.find(artifact);
    const bool hit = found != at_.end();
    Rank rank = hit ? found->second : Rank{0, now_, artifact, facts.bytes};
    if (hit) order_.erase(rank);
    ++rank.uses;
    rank.used = now_;
    order_.insert(rank);
    at_[artifact] = rank;
    if (hit) return true;
    bytes_ += facts.bytes;
    while (bytes_ > max_bytes_ && order_.size() > 1) {
      // Never the newest, as the tiers don't either.
      auto least = order_.begin();
      if (least->artifact == artifact) ++least;
      bytes_ -= least->bytes;
      at_.erase(least->artifact);
      order_.erase(least);
    }
    return false;
  }

 private:
  struct Rank {
    int64_t uses, used;
    int artifact;
    int64_t bytes;
    auto operator<=>(const Rank&) const = default;
  };
  const int64_t max_bytes_;
  int64_t now_ = 0;
  std::set<Rank> order_;
  absl::flat_hash_map<int, Rank> at_;
  int64_t bytes_ = 0;
};

// What the tiers use, with parts of it left out.
class ByValue final : public Policy {
 public:
  struct Parts {
    bool cost = true;     // compile seconds count
    bool size = true;     // bytes count
    bool tenants = true;  // each has a share
  };
  ByValue(ValueOrder::Options options, Parts parts) : order_(options), parts_(parts) {}

  bool Ask(int artifact, const Artifact& facts) override {
    const Digest digest = Sha256(absl::StrCat(artifact));
    ArtifactWorth worth{facts.bytes, parts_.cost ? facts.seconds : 1, parts_.tenants ? facts.tenant : 0};
    // The order divides by bytes: taken back where size is not to count.
    if (!parts_.size) worth.compile_seconds *= static_cast<double>(std::max<int64_t>(facts.bytes, 4096)) / (1 << 20);
    if (order_.Use(digest, worth)) return true;
    order_.Add(digest, worth);
    order_.Use(digest, worth);
    order_.TakeOverflow(digest, [](const Digest&) { return false; });
    return false;
  }

 private:
  ValueOrder order_;
  const Parts parts_;
};

struct PolicyRow {
  const char* name;
  std::function<std::unique_ptr<Policy>(int64_t max_bytes)> make;
};

std::vector<PolicyRow> Policies() {
  const auto by_value = [](double slack, double remembered, ByValue::Parts parts) {
    return [=](int64_t max_bytes) -> std::unique_ptr<Policy> {
      return std::make_unique<ByValue>(
          ValueOrder::Options{.max_bytes = max_bytes, .slack = slack, .remembered = remembered}, parts);
    };
  };
  return {
      {"LRU", [](int64_t max_bytes) -> std::unique_ptr<Policy> { return std::make_unique<Lru>(max_bytes); }},
      {"LFU", [](int64_t max_bytes) -> std::unique_ptr<Policy> { return std::make_unique<Lfu>(max_bytes); }},
      {"value", by_value(1.0 / 32, 2, {})},
      {"value, no slack", by_value(0, 2, {})},
      {"value, slack 1/8", by_value(1.0 / 8, 2, {})},
      {"value, forgets", by_value(1.0 / 32, 0, {})},
      {"value, remembers 8", by_value(1.0 / 32, 8, {})},
      {"value, no cost", by_value(1.0 / 32, 2, {.cost = false})},
      {"value, no size", by_value(1.0 / 32, 2, {.size = false})},
      {"value, no shares", by_value(1.0 / 32, 2, {.tenants = false})},
  };
}

// Draws 0 to n - 1, i with weight 1/(i+1)^exponent.
class Zipf {
 public:
  Zipf(int n, double exponent) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sums_.push_back(sum += std::pow(i + 1, -exponent));
  }
  int operator()(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    return static_cast<int>(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

// Sizes and times as compilers make them: both spread over decades, the larger the
// longer, give or take a factor.
Artifact DrawArtifact(std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  const double bytes = std::clamp(150e3 * std::exp(1.3 * normal(random)), 7e3, 64e6);
  const double seconds = std::clamp(3 * std::pow(bytes / 150e3, 0.7) * std::exp(0.9 * normal(random)), 0.05, 300.0);
  return {static_cast<int64_t>(bytes), seconds};
}

std::vector<Artifact> DrawArtifacts(int n, std::mt19937_64& random) {
  std::vector<Artifact> artifacts;
  for (int i = 0; i < n; ++i) artifacts.push_back(DrawArtifact(random));
  return artifacts;
}

Trace Popular(int requests) {
  std::mt19937_64 random(1);
  Trace trace{"popular", DrawArtifacts(20000, random), {}};
  const Zipf zipf(20000, 0.9);
  for (int i = 0; i < requests; ++i) trace.requests.push_back(zipf(random));
  return trace;
}

// What is popular changes: everybody moves to new versions.
Trace Drifting(int requests) {
  std::mt19937_64 random(2);
  const int window = 4000, step = std::max(1, requests / 16000);
  Trace trace{"drifting", {}, {}};
  const Zipf zipf(window, 0.9);
  for (int i = 0; i < requests; ++i) {
    const int newest = window + i / step;
    while (static_cast<int>(trace.artifacts.size()) <= newest) trace.artifacts.push_back(DrawArtifact(random));
    trace.requests.push_back(newest - zipf(random));
  }
  return trace;
}

// A third of the requests are a sweep over what nobody asks for again: nightly tests of
// every commit.
Trace Scans(int requests) {
  std::mt19937_64 random(3);
  Trace trace{"scans", DrawArtifacts(8000, random), {}};
  const Zipf zipf(8000, 0.9);
  while (static_cast<int>(trace.requests.size()) < requests) {
    for (int i = 0; i < 8000; ++i) trace.requests.push_back(zipf(random));
    for (int i = 0; i < 4000; ++i) {
      trace.requests.push_back(static_cast<int>(trace.artifacts.size()));
      trace.artifacts.push_back(DrawArtifact(random));
    }
  }
  return trace;
}

// Jobs of 10 to 200 graphs, whose ranks ask for each at once; a job that ran comes back
// (it restarts, or somebody sweeps over learning rates), or a new one comes.
void AddRun(const std::vector<int>& graphs, int ranks, Trace& trace) {
  for (int graph : graphs) trace.requests.insert(trace.requests.end(), static_cast<size_t>(ranks), graph);
}

Trace Jobs(int requests) {
  std::mt19937_64 random(4);
  Trace trace{"jobs", {}, {}};
  std::vector<std::vector<int>> jobs;
  const Zipf recent(400, 1.1);
  while (static_cast<int>(trace.requests.size()) < requests) {
    const int back = recent(random);
    if (random() % 4 == 0 || back >= static_cast<int>(jobs.size())) {
      std::vector<int> graphs;
      for (auto n = 10 + static_cast<int>(random() % 190); n > 0; --n) {
        graphs.push_back(static_cast<int>(trace.artifacts.size()));
        trace.artifacts.push_back(DrawArtifact(random));
      }
      jobs.push_back(std::move(graphs));
      AddRun(jobs.back(), 4, trace);
    } else {
      AddRun(jobs[jobs.size() - 1 - static_cast<size_t>(back)], 4, trace);
    }
  }
  return trace;
}

// Half are large and cheap (a copy of weights), half small and dear (long schedules).
Trace MixedCosts(int requests) {
  std::mt19937_64 random(5);
  Trace trace{"mixed costs", {}, {}};
  for (int i = 0; i < 10000; ++i) {
    Artifact artifact = DrawArtifact(random);
    artifact.seconds = random() % 2 == 0 ? artifact.seconds * 5 : 0.2;
    trace.artifacts.push_back(artifact);
  }
  const Zipf zipf(10000, 0.8);
  for (int i = 0; i < requests; ++i) trace.requests.push_back(zipf(random));
  return trace;
}

// One tenant of four asks for more than there is room for, and never twice.
Trace Tenants(int requests) {
  std::mt19937_64 random(6);
  Trace trace{"tenants", DrawArtifacts(6000, random), {}};
  for (int i = 0; i < 6000; ++i) trace.artifacts[static_cast<size_t>(i)].tenant = static_cast<uint32_t>(i % 3);
  const Zipf zipf(6000, 0.7);
  for (int i = 0; i < requests; ++i) {
    if (random() % 2 == 0) {
      trace.requests.push_back(zipf(random));
      continue;
    }
    trace.requests.push_back(static_cast<int>(trace.artifacts.size()));
    trace.artifacts.push_back(DrawArtifact(random));
    trace.artifacts.back().tenant = 3;
    trace.artifacts.back().seconds *= 2;
  }
  return trace;
}

// What a file says, line by line: who, which artifact, its bytes, milliseconds.
void ReadTrace(const std::string& path, Trace& trace, const std::function<void(int who, int artifact)>& visit) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    int who, artifact;
    Artifact facts;
    words >> who >> artifact >> facts.bytes >> facts.seconds;
    facts.seconds /= 1000;
    if (static_cast<size_t>(artifact) >= trace.artifacts.size()) trace.artifacts.resize(static_cast<size_t>(artifact) + 1);
    trace.artifacts[static_cast<size_t>(artifact)] = facts;
    visit(who, artifact);
  }
}

// Jobs of record_trace.py, as they were: nothing is drawn again.
Trace Asked(const std::string& path) {
  Trace trace{"recorded jobs", {}, {}};
  ReadTrace(path, trace, [&](int, int artifact) { trace.requests.push_back(artifact); });
  return trace;
}

// Sessions that servers logged, run again by four ranks each in an order that is drawn:
// which artifacts go together, their bytes and their times are as they were.
Trace Recorded(const std::string& path, int requests) {
  std::mt19937_64 random(7);
  Trace trace{"recorded", {}, {}};
  std::map<int, std::vector<int>> sessions;
  ReadTrace(path, trace, [&](int session, int artifact) { sessions[session].push_back(artifact); });
  if (sessions.empty()) return trace;
  const Zipf zipf(static_cast<int>(sessions.size()), 0.7);
  while (static_cast<int>(trace.requests.size()) < requests) {
    AddRun(std::next(sessions.begin(), zipf(random))->second, 4, trace);
  }
  return trace;
}

double SavedSeconds(const Trace& trace, Policy& policy) {
  double saved = 0;
  for (int request : trace.requests) {
    const Artifact& artifact = trace.artifacts[static_cast<size_t>(request)];
    if (policy.Ask(request, artifact)) saved += artifact.seconds;
  }
  return saved;
}

void Compare(const Trace& trace) {
  std::set<int> distinct(trace.requests.begin(), trace.requests.end());
  double bytes = 0, possible = 0;
  for (int request : trace.requests) possible += trace.artifacts[static_cast<size_t>(request)].seconds;
  for (int artifact : distinct) {
    bytes += static_cast<double>(trace.artifacts[static_cast<size_t>(artifact)].bytes);
    possible -= trace.artifacts[static_cast<size_t>(artifact)].seconds;
  }
  for (double share : {0.02, 0.05, 0.1, 0.25, 0.5}) {
    for (const PolicyRow& row : Policies()) {
      const std::unique_ptr<Policy> policy = row.make(static_cast<int64_t>(bytes * share));
      std::printf("{\"trace\": \"%s\", \"room\": %.2f, \"policy\": \"%s\", \"saved\": %.4f}\n", trace.name.c_str(), share,
                  row.name, SavedSeconds(trace, *policy) / possible);
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  CLI::App app{"Compile seconds that eviction policies save."};
  std::string recorded, asked;
  int requests = 200000;
  app.add_option("--trace", recorded, "Sessions that servers logged");
  app.add_option("--replay", asked, "What jobs asked a server for, in their order");
  app.add_option("--requests", requests, "Of each trace");
  CLI11_PARSE(app, argc, argv);
  if (!asked.empty()) kiln::Compare(kiln::Asked(asked));
  if (!recorded.empty()) kiln::Compare(kiln::Recorded(recorded, requests / 10));
  for (auto* make : {kiln::Popular, kiln::Drifting, kiln::Scans, kiln::Jobs, kiln::MixedCosts, kiln::Tenants}) {
    kiln::Compare(make(requests));
  }
  return 0;
}
