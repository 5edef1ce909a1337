// Compiles behind the back of clients who got less than their processor can do: a
// variant that was compiled for a host without the vector instructions that this one
// has is served at once, and the same request is compiled again for this host, so that
// the next one gets better. Off unless the server is told (`kiln serve --better-isa`).
//
// One at a time, and only while nobody waits for a compile. A request is tried once for
// a kind of host, whatever becomes of it; what cannot be remembered is tried again.
//
// Thread-safe.
#ifndef KILN_SERVICE_BETTER_COMPILES_H_
#define KILN_SERVICE_BETTER_COMPILES_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "service/prepared_compile.h"

namespace kiln {

struct Front;

class BetterCompiles {
 public:
  // `front` must outlive it, and its flights must be gone before it goes.
  explicit BetterCompiles(Front& front) : front_(front) {}

  // After a request was served from the cache. Brief.
  void Consider(const std::shared_ptr<const PreparedCompile>& request, const IndexedVariant& served);
  // The same for a client of `host` that only named its graph: it is imported first, on
  // a thread of the import queue.
  void Consider(const v1::LookupRequest& request, const HostClass& host, const IndexedVariant& served);

  // Compiles that gave a variant.
  int64_t num_compiled() const { return compiled_.load(std::memory_order_relaxed); }

 private:
  // True once for a served variant and a kind of host.
  bool IsNew(const HostClass& host, const IndexedVariant& served);
  void Enqueue(std::shared_ptr<const PreparedCompile> wanted);
  void StartNext();
  void Finish(bool compiled);

  // Constant after construction.
  Front& front_;

  std::atomic<int64_t> compiled_{0};
  absl::Mutex mutex_;
  absl::flat_hash_set<Digest> tried_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<const PreparedCompile>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

// Whether `host` has vector instructions that the host of this variant's compile had
// not, and everything that it had. False where the record does not tell.
bool IsLesser(const v1::VariantRecord& record, const HostClass& host);

}  // namespace kiln

#endif  // KILN_SERVICE_BETTER_COMPILES_H_
