// Stands between a client and a server and does to their bytes what networks and
// broken servers do. Seeded: what it draws (where a reply is cut, which bit flips)
// it draws again from the same seed for the same traffic.
#ifndef KILN_TESTS_CHAOS_FAULT_PROXY_H_
#define KILN_TESTS_CHAOS_FAULT_PROXY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace kiln {

enum class Fault {
  kNone,
  kRefuse,     // connections are reset as soon as they are made
  kBlackhole,  // what the client says is swallowed
  kDelay,      // replies come later
  kCut,        // a reply ends somewhere in its middle, and the connection
  kGarbage,    // a reply is replaced by noise
  kFlip,       // a bit of a reply is another
  kAnswer,     // every command gets one and the same answer, and never arrives
};

inline constexpr Fault kAllFaults[] = {Fault::kNone, Fault::kRefuse,  Fault::kBlackhole, Fault::kDelay,
                                       Fault::kCut,  Fault::kGarbage, Fault::kFlip,      Fault::kAnswer};

// Thread-safe.
class FaultProxy {
 public:
  // Listens on a free port of 127.0.0.1 and forwards to `upstream_port` there.
  FaultProxy(int upstream_port, uint64_t seed);
  ~FaultProxy();

  int port() const { return port_; }

  // From now on, also for connections that are there. `answer` is kAnswer's, without
  // its line end: "-LOADING Redis is loading the dataset in memory".
  void Set(Fault fault, std::string answer = "");
  void SetDelay(absl::Duration delay) { delay_nanos_ = absl::ToInt64Nanoseconds(delay); }

  // Replies that it has spoiled, delayed, cut or answered itself, and connections
  // that it has refused.
  int64_t num_faults() const { return faults_; }
  int64_t num_connections() const { return connections_; }

 private:
  class Loop;

  const int upstream_port_;
  const uint64_t seed_;
  int listener_ = -1;
  int port_ = 0;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<Fault> fault_{Fault::kNone};
  std::atomic<int64_t> delay_nanos_{0};
  std::atomic<int64_t> faults_{0};
  std::atomic<int64_t> connections_{0};
  absl::Mutex mutex_;
  std::string answer_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace kiln

#endif  // KILN_TESTS_CHAOS_FAULT_PROXY_H_
