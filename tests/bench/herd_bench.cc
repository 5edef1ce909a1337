// A herd: many clients, each with a connection of its own, ask for one graph at the
// same moment.
//
//   herd_bench --address=127.0.0.1:7077,127.0.0.1:7078 --clients=300 --layers=24 --salt=7
//
// Clients are spread over the addresses, and ask another one if theirs is gone. Prints
// one line of JSON: who was served how, when the first and the last one were, in
// seconds from the start.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/barrier.h"
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

struct Arguments {
  std::string address;
  int clients = 100;
  int layers = 24;
  int salt = 0;
};

struct Herd {
  absl::Mutex mutex;
  std::map<std::string, int> tiers;
  int failed = 0;
  std::vector<absl::Time> began;
  std::vector<absl::Time> served;
};

void RunClient(const Arguments& arguments, int number, absl::Barrier& start, Herd& herd) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(HerdGraph(arguments.layers, arguments.salt), &pool, FindOpSchema);
  absl::Status status = graph.ok() ? BindSymbols(*graph, {{"s0", 128}}) : graph.status();
  std::unique_ptr<Client> client;
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<Client>> connected =
        Client::Connect({.address = RotatedAddresses(arguments.address, number), .connect_timeout = absl::Seconds(60)});
    status = connected.status();
    if (connected.ok()) client = *std::move(connected);
  }
  if (start.Block()) delete &start;
  const absl::Time begin = absl::Now();
  const absl::StatusOr<CompiledVariant> compiled =
      status.ok() ? client->Compile(*graph, {}, ThisHost(1)) : absl::StatusOr<CompiledVariant>(status);
  const absl::Time end = absl::Now();
  absl::MutexLock lock(&herd.mutex);
  herd.began.push_back(begin);
  if (!compiled.ok()) {
    std::cerr << compiled.status() << "\n";
    ++herd.failed;
    return;
  }
  ++herd.tiers[absl::AsciiStrToLower(v1::Tier_Name(compiled->tier).substr(sizeof("TIER_") - 1))];
  herd.served.push_back(end);
}

int Run(const Arguments& arguments) {
  Herd herd;
  // Whom Block() tells so deletes it.
  auto* start = new absl::Barrier(arguments.clients);
  std::vector<std::thread> threads;
  for (int i = 0; i < arguments.clients; ++i) {
    threads.emplace_back([&, i] { RunClient(arguments, i, *start, herd); });
  }
  for (std::thread& thread : threads) thread.join();
  // Of nobody, the start.
  const absl::Time begin = *std::min_element(herd.began.begin(), herd.began.end());
  if (herd.served.empty()) herd.served.push_back(begin);
  const auto [first, last] = std::minmax_element(herd.served.begin(), herd.served.end());
  const std::string tiers = absl::StrJoin(herd.tiers, ", ", [](std::string* out, const auto& tier) {
    absl::StrAppendFormat(out, "\"%s\": %d", tier.first, tier.second);
  });
  std::cout << absl::StrFormat("{\"clients\": %d, \"failed\": %d, \"first\": %.4f, \"last\": %.4f, \"tiers\": {%s}}\n",
                               arguments.clients, herd.failed, absl::ToDoubleSeconds(*first - begin),
                               absl::ToDoubleSeconds(*last - begin), tiers);
  return herd.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::SkipLockOrderChecks();
  CLI::App app{"Many clients ask for one graph at the same moment."};
  kiln::Arguments arguments;
  app.add_option("--address", arguments.address, "Running servers, with commas between")->required();
  app.add_option("--clients", arguments.clients, "Connections")->check(CLI::PositiveNumber);
  app.add_option("--layers", arguments.layers, "How much there is to compile");
  app.add_option("--salt", arguments.salt, "Another graph for each");
  CLI11_PARSE(app, argc, argv);
  return kiln::Run(arguments);
}
