#include "service/serve.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/server_address.h"
#include "base/status_macros.h"
#include "cache/open_cache.h"
#include "cache/redis/redis_fleet_leases.h"
#include "google/protobuf/stubs/logging.h"
#include "service/admin_server.h"
#include "service/apply_trust.h"
#include "service/atomic_file.h"
#include "service/front.h"
#include "service/grpc_server.h"
#include "service/grpc_service.h"
#include "service/look_again.h"
#include "service/metrics_page.h"
#include "service/open_shared.h"
#include "service/signing_key_file.h"
#include "service/worker_main.h"

namespace kiln {
namespace {

// How often deadlines, queues and idleness are looked at. gRPC's own deadlines
// are exact; this is for what gRPC does not know.
constexpr absl::Duration kTick = absl::Milliseconds(50);
// How often observed sizes are written down.
constexpr absl::Duration kFlush = absl::Seconds(1);
// For answers that are on their way when everything else has ended.
constexpr absl::Duration kLastWords = absl::Milliseconds(100);

// How often the files of trusted keys and revocations are looked at.
constexpr absl::Duration kTrustInterval = absl::Seconds(1);

// Compiles at a time on the largest machines.
constexpr int kMaxWorkers = 1024;

// Calls to the shared tier at a time: as many as its client has connections. They
// wait for a network, not for a core.
constexpr int kSharedThreads = 8;
constexpr absl::Duration kSharedWait = absl::Seconds(2);

int Complain(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "kiln: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

absl::Status SetUpLogging(const std::string& level) {
  const spdlog::level::level_enum parsed = spdlog::level::from_str(level);
  // from_str() answers "off" for what it does not know.
  if (parsed == spdlog::level::off && level != "off") {
    return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("log level \"", level, "\" is none"));
  }
  auto logger = std::make_shared<spdlog::logger>("kiln", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(parsed);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

absl::Status CheckOptions(const ServeOptions& options) {
  if (options.listen.empty()) return MakeError(ErrorReason::kBadArgumentValue, "no address to listen on");
  if (options.workers < 0) {
    return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat(options.workers, " workers are too few"));
  }
  // A thread stands behind each; the kernel would refuse some number of them later.
  if (options.workers > kMaxWorkers) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat(options.workers, " workers are too many; ", kMaxWorkers, " are allowed"));
  }
  if (options.shape_threshold < 1 || options.shape_threshold > ShapeProfile::kMaxThreshold) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat("a shape threshold of ", options.shape_threshold, " is not within 1 and ",
                                  ShapeProfile::kMaxThreshold));
  }
  if (!options.metrics.empty()) KILN_RETURN_IF_ERROR(CheckServerAddress(options.metrics, AddressUse::kListen));
  for (const std::string& peer : options.peers) {
    if (absl::Status status = CheckServerAddress(peer, AddressUse::kDial); !status.ok()) {
      return AddContext(status, "peers");
    }
  }
  if (!options.peers.empty() && !options.redis.empty()) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     "servers share by Redis or ask each other as peers, not both: leave one of the two out");
  }
  if (!options.ready_file.empty()) {
    // Now, not when everything else has been set up.
    const std::filesystem::path folder = std::filesystem::absolute(options.ready_file).parent_path();
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored) || std::filesystem::is_directory(options.ready_file, ignored)) {
      return MakeError(ErrorReason::kBadArgumentValue,
                       absl::StrCat("ready file ", options.ready_file, ": no file can be made there"));
    }
  }
  return SetUpLogging(options.log_level);
}

// A burst of clients beyond the soft limit would make gRPC stop accepting.
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// SIGTERM, SIGINT and SIGHUP wait to be asked for, in every thread to come.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

absl::Status MakeFolder(const std::string& folder) {
  for (size_t at = 0; at != std::string::npos;) {
    at = folder.find('/', at + 1);
    const std::string part = folder.substr(0, at);
    if (mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    return MakeError(ErrorReason::kStorage, absl::StrCat("data folder ", folder, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

// "" if there is none.
std::string RevokedFile(const ServeOptions& options) {
  if (!options.revoked_file.empty() || options.data_folder.empty()) return options.revoked_file;
  return absl::StrCat(options.data_folder, "/revoked");
}

absl::StatusOr<std::shared_ptr<Trust>> LoadTrust(const ServeOptions& options, const Front& front) {
  const TrustFiles files{.keys = options.trusted_keys_file,
                         .revoked = RevokedFile(options),
                         .revoked_may_be_missing = options.revoked_file.empty()};
  TrustPolicy always;
  KILN_RETURN_IF_ERROR(always.keys.Add(front.key.public_key()));
  return Trust::Load(files, std::move(always), front.clock);
}

absl::Status OpenData(const ServeOptions& options, Front& front) {
  CacheOptions cache_options;
  cache_options.memory_bytes = options.memory_cache_bytes;
  cache_options.disk_bytes = options.disk_cache_bytes;
  cache_options.pin_lease = options.pin_lease;
  cache_options.scrub_bytes_per_second = options.scrub_bytes_per_second;
  cache_options.clock = front.clock;
  std::string key_file = options.key_file;
  if (!options.data_folder.empty()) {
    KILN_RETURN_IF_ERROR(MakeFolder(options.data_folder));
    cache_options.folder = absl::StrCat(options.data_folder, "/cache");
    if (key_file.empty()) key_file = absl::StrCat(options.data_folder, "/signing_key");
  }
  if (!key_file.empty()) {
    KILN_ASSIGN_OR_RETURN(front.key, LoadOrCreateSigningKey(key_file));
  }
  KILN_ASSIGN_OR_RETURN(front.trust, LoadTrust(options, front));
  cache_options.trusted = front.trust;
  UseShared(options, front, cache_options);
  KILN_ASSIGN_OR_RETURN(OpenedCache cache, OpenCache(cache_options));
  front.cache = std::move(cache.variants);
  front.graphs = std::move(cache.graphs);
  KILN_ASSIGN_OR_RETURN(front.shapes, ShapeProfile::Open(std::move(cache.profiles), options.shape_threshold));
  UseSharedShapes(options, front);
  front.bounded = std::move(cache.bounded);
  front.pins = std::move(cache.pins);
  front.scrubber = std::move(cache.scrubber);
  front.caretaker = std::move(cache.caretaker);
  front.caretaker->Start();
  return absl::OkStatus();
}

ServiceGauges ReadGauges(const Front& front) {
  CacheCounters cache = front.cache->Counters();
  cache.hits_memory += front.compile_hits_memory;
  cache.hits_disk += front.compile_hits_disk;
  cache.hits_shared += front.compile_hits_shared;
  return {.cache = cache,
          .better_compiles = front.better == nullptr ? 0 : front.better->num_compiled(),
          .scrub = front.scrubber == nullptr ? ScrubCounters() : front.scrubber->Counters(),
          .flights = front.flights->num_flights(),
          .waiters = front.flights->num_waiters(),
          .joined = front.flights->num_joined(),
          .workers_running = front.compiles->num_running(),
          .workers_allowed = front.compiles->num_threads(),
          .compiles_queued = front.compiles->num_queued(),
          .fleet = front.fleet == nullptr ? FleetCounters() : front.fleet->flights().Counters(),
          .failures = front.failures.Counters(),
          .shapes = front.shared_shapes == nullptr ? SharedShapesCounters() : front.shared_shapes->Counters()};
}

void MakeParts(const ServeOptions& options, Front& front) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int workers = options.workers > 0 ? options.workers : cores;
  const int64_t queued = GetLimit(Limit::kQueuedCompiles);
  const absl::Duration wait = absl::Seconds(GetLimit(Limit::kQueueWaitSeconds));
  front.compiles = std::make_unique<TaskQueue>(TaskQueue::Options{"compiles", workers, queued, wait}, front.clock);
  front.propagations = std::make_unique<TaskQueue>(TaskQueue::Options{"propagations", 1, queued, wait}, front.clock);
  front.imports = std::make_unique<TaskQueue>(
      TaskQueue::Options{"imports", cores, GetLimit(Limit::kWaitersPerFlight), wait}, front.clock);
  front.shared_calls = std::make_unique<TaskQueue>(
      TaskQueue::Options{"calls to the shared tier", front.cache->has_shared() ? kSharedThreads : 1,
                         GetLimit(Limit::kWaitersPerFlight), kSharedWait},
      front.clock);
  front.shared = std::make_unique<SharedLookups>(front.cache.get(), front.shared_calls.get());
  if (options.better_isa) front.better = std::make_unique<BetterCompiles>(front);
  front.flights = std::make_unique<Flights>(
      front.clock, [&front](const FlightRequest& request) { return LookAgainHere(front, request); });
  if (front.redis != nullptr) {
    front.fleet = std::make_unique<FleetThread>(
        options.fleet, std::make_unique<RedisFleetLeases>(front.redis),
        [&front](const FlightRequest& request) { return LookAgainEverywhere(front, request); });
  }
  front.metrics = std::make_unique<ServiceMetrics>([&front] { return ReadGauges(front); });
}

absl::StatusOr<std::unique_ptr<MetricsPage>> ExposeMetrics(const std::string& address, const ServiceMetrics& metrics) {
  if (address.empty()) return nullptr;
  return MetricsPage::Start(address, metrics);
}

absl::StatusOr<std::unique_ptr<GrpcServer>> StartAdmin(const ServeOptions& options, Front& front) {
  return StartAdminServer({.listen = options.admin_listen,
                           .token_file = options.admin_token_file,
                           .data_folder = options.data_folder,
                           .revoked_file = RevokedFile(options)},
                          front);
}

absl::Status SayReady(const ServeOptions& options, const std::string& address, const std::string& metrics_url) {
  const std::string line = absl::StrCat("kiln: serving on ", address, " metrics ", metrics_url, "\n");
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
  if (options.ready_file.empty()) return absl::OkStatus();
  return WriteFileAtomically(options.ready_file, line, 0644);
}

void FlushShapes(Front& front) {
  if (absl::Status status = front.shapes->Flush(); !status.ok()) {
    spdlog::warn("observed sizes are not written: {}", std::string(status.message()));
  }
}

// Until a signal, or nobody is there any more.
void AwaitEnd(const ServeOptions& options, const sigset_t& signals, Front& front) {
  const timespec tick = absl::ToTimespec(kTick);
  absl::Duration flush_at = front.clock->Monotonic() + kFlush;
  SharedWatch shared_watch;
  absl::Duration next_look = front.clock->Monotonic();
  while (front.activity.Idle() < options.idle_exit) {
    const int number = sigtimedwait(&signals, nullptr, &tick);
    if (number == SIGTERM || number == SIGINT) {
      spdlog::info("stopping: told to by a signal");
      return;
    }
    const bool is_told = number == SIGHUP;
    if (is_told || front.clock->Monotonic() >= next_look) {
      ReloadTrust(front, is_told);
      next_look = front.clock->Monotonic() + kTrustInterval;
    }
    front.flights->Expire();
    front.compiles->Prune();
    front.imports->Prune();
    front.propagations->Prune();
    front.shared_calls->Prune();
    shared_watch.Look(front);
    if (front.clock->Monotonic() < flush_at) continue;
    FlushShapes(front);
    flush_at = front.clock->Monotonic() + kFlush;
  }
  spdlog::info("stopping: idle for {}", absl::FormatDuration(options.idle_exit));
}

void Drain(const ServeOptions& options, Front& front, GrpcServer& server) {
  front.draining = true;
  server.SetNotServing();
  // Calls that go on may end by themselves. gRPC's own shutdown would wait for
  // idle connections as well.
  const absl::Duration deadline = front.clock->Monotonic() + options.drain;
  while (front.activity.Busy() && front.clock->Monotonic() < deadline) {
    front.flights->Expire();
    absl::SleepFor(kTick);
  }
  front.flights->Shutdown();
  server.Shutdown(kLastWords);
}

int RunServer(const ServeOptions& options, const sigset_t& signals, Front& front) {
  absl::StatusOr<std::shared_ptr<RedisClient>> redis = MakeRedisClient(options, front.clock);
  if (!redis.ok()) return Complain(kExitBadOptions, redis.status());
  front.redis = *std::move(redis);
  if (absl::Status status = OpenData(options, front); !status.ok()) return Complain(kExitBadData, status);
  MakeParts(options, front);
  absl::StatusOr<std::unique_ptr<MetricsPage>> metrics = ExposeMetrics(options.metrics, *front.metrics);
  if (!metrics.ok()) return Complain(kExitCannotListen, metrics.status());
  absl::StatusOr<std::unique_ptr<GrpcServer>> admin = StartAdmin(options, front);
  if (!admin.ok()) return Complain(kExitCannotListen, admin.status());
  absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(
      options.listen, MakeGrpcService(front), /*max_threads=*/0, MakePeerService(front));
  if (!server.ok()) return Complain(kExitCannotListen, server.status());
  for (const std::string& address : (*server)->addresses()) spdlog::info("listening on {}", address);
  absl::Status said = SayReady(options, (*server)->addresses().front(), *metrics == nullptr ? "-" : (*metrics)->url());
  if (said.ok()) AwaitEnd(options, signals, front);
  if (*admin != nullptr) (*admin)->Shutdown(absl::ZeroDuration());
  Drain(options, front, **server);
  FlushShapes(front);
  return said.ok() ? 0 : Complain(kExitBadOptions, said);
}

}  // namespace

int Serve(ServeOptions options) {
  // protobuf prints a line for each malformed message; the typed error says it.
  google::protobuf::SetLogHandler(nullptr);
  if (absl::Status status = CheckOptions(options); !status.ok()) return Complain(kExitBadOptions, status);
  RaiseDescriptorLimit();
  Front front(Clock::Real());
  front.compiler = options.compiler;
  front.started = front.clock->Now();
  absl::StatusOr<std::unique_ptr<Zygote>> zygote = Zygote::Start(
      {.initialize = options.compiler.initialize,
       .work = [compiler = options.compiler](UniqueFd socket) { return RunWorker(std::move(socket), compiler); }});
  if (!zygote.ok()) return Complain(kExitNoWorkers, zygote.status());
  front.zygote = *std::move(zygote);
  const sigset_t signals = BlockSignals();
  return RunServer(options, signals, front);
}

}  // namespace kiln
