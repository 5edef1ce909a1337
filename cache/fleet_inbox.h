// What others tell the one thread that speaks with the fleet: flights that arrive or
// are left, compiles that have propagated or ended, leases that have changed.
#ifndef KILN_CACHE_FLEET_INBOX_H_
#define KILN_CACHE_FLEET_INBOX_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "cache/flight.h"
#include "cache/variant_key.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

class FleetLease;
// Starts a flight's compile, with its lease or, null, without.
using FleetCompile = std::function<void(std::shared_ptr<Flight>, std::shared_ptr<FleetLease>)>;

// Thread-safe.
class FleetInbox {
 public:
  struct Arrival {
    uint64_t id;
    std::shared_ptr<Flight> flight;
    FleetCompile compile;
  };
  struct News {
    uint64_t id;
    std::vector<v1::Guard> guards;
    double estimated_seconds;
  };
  struct Mail {
    std::vector<Arrival> arrivals;
    std::vector<uint64_t> left;  // nobody wants them any more
    std::vector<News> news;
    std::vector<uint64_t> released;
    // Keys whose leases have changed; all of them, if there were too many to say.
    absl::flat_hash_set<VariantKey> heard;
    bool heard_all = false;
  };

  explicit FleetInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  uint64_t NewId() {
    absl::MutexLock lock(&mutex_);
    return next_id_++;
  }
  void Arrive(Arrival arrival) {
    Put([&](Mail& mail) { mail.arrivals.push_back(std::move(arrival)); });
  }
  void Leave(uint64_t id) {
    Put([&](Mail& mail) { mail.left.push_back(id); });
  }
  void Tell(News news) {
    Put([&](Mail& mail) { mail.news.push_back(std::move(news)); });
  }
  void Release(uint64_t id) {
    Put([&](Mail& mail) { mail.released.push_back(id); });
  }
  void Hear(const VariantKey& key) {
    Put([&](Mail& mail) {
      if (mail.heard.size() >= kMaxHeard) mail.heard_all = true;
      if (!mail.heard_all) mail.heard.insert(key);
    });
  }

  Mail TakeAll() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(mail_, {});
  }

 private:
  // Strangers' keys among them.
  static constexpr size_t kMaxHeard = 1024;

  template <typename Change>
  void Put(Change change) {
    {
      absl::MutexLock lock(&mutex_);
      change(mail_);
    }
    wake_();
  }

  // Constant after construction.
  const std::function<void()> wake_;

  absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  Mail mail_ ABSL_GUARDED_BY(mutex_);
};

// A lease that is held for one compile, from its start to its end: dropping it
// releases the lease. Thread-safe; may outlive the fleet.
class FleetLease {
 public:
  FleetLease(std::shared_ptr<FleetInbox> inbox, uint64_t id) : inbox_(std::move(inbox)), id_(id) {}
  ~FleetLease() { inbox_->Release(id_); }
  FleetLease(const FleetLease&) = delete;
  FleetLease& operator=(const FleetLease&) = delete;

  // Other replicas learn the guards.
  void Propagated(std::vector<v1::Guard> guards, double estimated_seconds) {
    inbox_->Tell({id_, std::move(guards), estimated_seconds});
  }

 private:
  // Constant after construction.
  const std::shared_ptr<FleetInbox> inbox_;
  const uint64_t id_;
};

}  // namespace kiln

#endif  // KILN_CACHE_FLEET_INBOX_H_
