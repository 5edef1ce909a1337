// What FakeTensorMode costs: time, guards and memory of Propagate.
//
//   propagate_bench --module gpt2.forward.pb --repeats 30
//   propagate_bench --graph chain.kiln
//   propagate_bench --samples float32.txt      # a graph a line, run one by one
//   propagate_bench --stress [--only NAME]     # tests/bench/stress_bodies.h
//
// A graph is read anew for each repetition, with a pool of its own, outside of
// the time: nothing is kept from one repetition to the next. Prints one JSON
// object a line. fake_tensor_bench.py sets it beside PyTorch.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "tests/bench/count_allocations.h"
#include "tests/bench/stress_bodies.h"

namespace kiln {
namespace {

using GraphSource = std::function<absl::StatusOr<Graph>(ExprPool* pool)>;

// Processor time of this thread: what others do on the machine does not count.
double NowMicroseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// One repetition.
struct Cost {
  double propagate_us = 0;
  // Reducing the guards to a minimal set, which a caller of Propagate asks for
  // once.
  double guards_us = 0;
  size_t nodes = 0;
  size_t guards = 0;
  int64_t allocations = 0;
  int64_t bytes_kept = 0;
  int64_t bytes_peak = 0;
};

absl::StatusOr<Cost> Measure(const GraphSource& source) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, source(&pool));
  Cost cost;
  ResetAllocationPeak();
  const AllocationCounts before = CountedAllocations();
  double start = NowMicroseconds();
  absl::StatusOr<FakeGraph> fake = Propagate(std::move(graph), &pool);
  cost.propagate_us = NowMicroseconds() - start;
  const AllocationCounts after = CountedAllocations();
  KILN_RETURN_IF_ERROR(fake.status());
  start = NowMicroseconds();
  const std::vector<Guard> guards = fake->env->Guards();
  cost.guards_us = NowMicroseconds() - start;
  cost.nodes = fake->graph.nodes.size();
  cost.guards = guards.size() + fake->env->runtime_asserts().size();
  cost.allocations = after.calls - before.calls;
  cost.bytes_kept = after.bytes_live - before.bytes_live;
  cost.bytes_peak = after.bytes_peak - before.bytes_live;
  return cost;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Print(const std::string& name, int n, const std::vector<Cost>& costs) {
  std::vector<double> propagate, guards;
  for (const Cost& c : costs) {
    propagate.push_back(c.propagate_us);
    guards.push_back(c.guards_us);
  }
  const Cost& last = costs.back();
  std::printf(
      "{\"name\": \"%s\", \"n\": %d, \"nodes\": %zu, \"guards\": %zu, \"min_us\": %.3f, \"median_us\": %.3f, "
      "\"guards_min_us\": %.3f, \"allocations\": %lld, \"bytes_kept\": %lld, \"bytes_peak\": %lld}\n",
      name.c_str(), n, last.nodes, last.guards, *std::min_element(propagate.begin(), propagate.end()),
      Median(propagate), *std::min_element(guards.begin(), guards.end()), static_cast<long long>(last.allocations),
      static_cast<long long>(last.bytes_kept), static_cast<long long>(last.bytes_peak));
  std::fflush(stdout);
}

absl::Status Repeat(const std::string& name, int n, const GraphSource& source, int repeats) {
  std::vector<Cost> costs;
  for (int i = 0; i < repeats; ++i) {
    KILN_ASSIGN_OR_RETURN(Cost cost, Measure(source));
    costs.push_back(cost);
  }
  Print(name, n, costs);
  return absl::OkStatus();
}

GraphSource FromText(std::string text) {
  return [text = std::move(text)](ExprPool* pool) { return ParseGraph(text, pool, FindOpSchema); };
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

absl::Status BenchModule(const std::string& path, int repeats) {
  v1::GraphModule module;
  if (!module.ParseFromString(ReadFile(path))) return absl::InvalidArgumentError(absl::StrCat(path, " is no module"));
  const GraphSource source = [&](ExprPool* pool) {
    return ImportModule(module, pool, {FindOpSchema, RefusedOps()});
  };
  return Repeat(path, 0, source, repeats);
}

// Graphs of one node each. Those that fail, as PyTorch's do, are left out; the
// time of the others is added up.
absl::Status BenchSamples(const std::string& path, int repeats) {
  std::vector<GraphSource> sources;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    GraphSource source = FromText(line);
    if (Measure(source).ok()) sources.push_back(std::move(source));
  }
  std::vector<Cost> totals;
  for (int i = 0; i < repeats; ++i) {
    Cost total;
    for (const GraphSource& source : sources) {
      KILN_ASSIGN_OR_RETURN(Cost cost, Measure(source));
      total.propagate_us += cost.propagate_us;
      total.guards_us += cost.guards_us;
      total.nodes += cost.nodes;
      total.guards += cost.guards;
      total.allocations += cost.allocations;
      total.bytes_kept += cost.bytes_kept;
      total.bytes_peak = std::max(total.bytes_peak, cost.bytes_peak);
    }
    totals.push_back(total);
  }
  if (sources.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " has no graph that propagates"));
  Print(path, static_cast<int>(sources.size()), totals);
  return absl::OkStatus();
}

absl::Status BenchStress(const std::string& only, int repeats, int doublings) {
  for (const StressBody& body : StressBodies()) {
    if (!only.empty() && body.name != only) continue;
    for (int i = 0, n = body.smallest; i <= doublings; ++i, n *= 2) {
      absl::Status status = Repeat(std::string(body.name), n, FromText(body.make(n)), repeats);
      if (!status.ok()) return absl::Status(status.code(), absl::StrCat(body.name, ", n = ", n, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  CLI::App app{"What FakeTensorMode costs."};
  std::vector<std::string> modules, graphs, samples;
  std::string only;
  bool stress = false;
  int repeats = 10, doublings = 3;
  app.add_option("--module", modules, "GraphModules in proto form");
  app.add_option("--graph", graphs, "Graphs in text form");
  app.add_option("--samples", samples, "Files with a graph in text form on each line");
  app.add_flag("--stress", stress, "Graphs that grow");
  app.add_option("--only", only, "Only this one of them");
  app.add_option("--repeats", repeats, "Repetitions; the least time and the median are printed")->check(CLI::PositiveNumber);
  app.add_option("--doublings", doublings, "How often each grows to twice its size")->check(CLI::Range(0, 8));
  CLI11_PARSE(app, argc, argv);
  absl::Status status;
  for (const std::string& path : modules) status.Update(kiln::BenchModule(path, repeats));
  for (const std::string& path : graphs) {
    status.Update(kiln::Repeat(path, 0, kiln::FromText(kiln::ReadFile(path)), repeats));
  }
  for (const std::string& path : samples) status.Update(kiln::BenchSamples(path, repeats));
  if (stress) status.Update(kiln::BenchStress(only, repeats, doublings));
  if (!status.ok()) std::cerr << "error: " << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
