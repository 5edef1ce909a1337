// A load of clients for a fleet: threads that ask for one graph after another, some
// of them often, as jobs do that start all the time.
//
//   cluster_load --address=127.0.0.1:7077,127.0.0.1:7078 --clients=24 --graphs=12
//
// Prints a line of JSON four times a second, and ends when standard input does:
//   {"asked": 812, "failed": 0, "tiers": {"compiled": 12, "joined": 61, ...}}
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/lock_checks.h"
#include "clients/cpp/client.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "tests/bench/herd_graph.h"

namespace kiln {
namespace {

constexpr int kReportMilliseconds = 250;

struct Arguments {
  std::string address;
  int clients = 24;
  int graphs = 12;
  int layers = 6;
  int pause_ms = 20;
};

struct Load {
  std::atomic<bool> ends{false};
  absl::Mutex mutex;
  int64_t asked = 0;
  int64_t failed = 0;
  std::map<std::string, int64_t> tiers;
};

absl::StatusOr<CompiledVariant> AskOnce(const Arguments& arguments, Client& client, int number, int64_t size) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(HerdGraph(arguments.layers, number), &pool, FindOpSchema);
  if (!graph.ok()) return graph.status();
  const absl::Status bound = BindSymbols(*graph, {{"s0", size}});
  if (!bound.ok()) return bound;
  return client.GetOrCompile(*graph, &pool, {}, ThisHost(1));
}

void RunClient(const Arguments& arguments, int number, Load& load) {
  std::mt19937 random(static_cast<unsigned>(number));
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.address = RotatedAddresses(arguments.address, number), .connect_timeout = absl::Seconds(30)});
  while (!load.ends) {
    // Few graphs are asked for most of the time.
    const int graph = static_cast<int>(std::min(random() % arguments.graphs, random() % arguments.graphs));
    const int64_t size = 16 * (1 + random() % 8);
    const absl::StatusOr<CompiledVariant> compiled =
        client.ok() ? AskOnce(arguments, **client, graph, size) : absl::StatusOr<CompiledVariant>(client.status());
    {
      absl::MutexLock lock(&load.mutex);
      ++load.asked;
      if (compiled.ok()) {
        ++load.tiers[absl::AsciiStrToLower(v1::Tier_Name(compiled->tier).substr(sizeof("TIER_") - 1))];
      } else if (!load.ends) {
        ++load.failed;
        std::cerr << compiled.status() << "\n";
      }
    }
    absl::SleepFor(absl::Milliseconds(arguments.pause_ms));
  }
}

void Report(Load& load) {
  absl::MutexLock lock(&load.mutex);
  const std::string tiers = absl::StrJoin(load.tiers, ", ", [](std::string* out, const auto& tier) {
    absl::StrAppendFormat(out, "\"%s\": %d", tier.first, tier.second);
  });
  std::cout << absl::StrFormat("{\"asked\": %d, \"failed\": %d, \"tiers\": {%s}}", load.asked, load.failed, tiers)
            << std::endl;
}

int Run(const Arguments& arguments) {
  Load load;
  std::vector<std::thread> threads;
  for (int i = 0; i < arguments.clients; ++i) {
    threads.emplace_back([&, i] { RunClient(arguments, i, load); });
  }
  for (pollfd input = {STDIN_FILENO, POLLIN, 0}; poll(&input, 1, kReportMilliseconds) == 0;) Report(load);
  load.ends = true;
  for (std::thread& thread : threads) thread.join();
  Report(load);
  return load.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::SkipLockOrderChecks();
  CLI::App app{"Clients that ask for graphs until standard input ends."};
  kiln::Arguments arguments;
  app.add_option("--address", arguments.address, "Running servers, with commas between")->required();
  app.add_option("--clients", arguments.clients, "Threads, each with connections of its own")
      ->check(CLI::PositiveNumber);
  app.add_option("--graphs", arguments.graphs, "How many there are")->check(CLI::PositiveNumber);
  app.add_option("--layers", arguments.layers, "How much there is to compile in each")->check(CLI::PositiveNumber);
  app.add_option("--pause-ms", arguments.pause_ms, "Between one answer and the next question");
  CLI11_PARSE(app, argc, argv);
  return kiln::Run(arguments);
}
