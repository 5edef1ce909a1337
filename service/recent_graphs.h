// The graphs of the latest requests, ready: of a herd that asks for one graph, the
// first imports it and the others find it here.
#ifndef KILN_SERVICE_RECENT_GRAPHS_H_
#define KILN_SERVICE_RECENT_GRAPHS_H_

#include <cstddef>
#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/digest.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/prepared_graph.h"

namespace kiln {

// Thread-safe.
class RecentGraphs {
 public:
  // Holds graphs of about `max_bytes` together; those that were asked for last.
  explicit RecentGraphs(size_t max_bytes = size_t{64} << 20) : max_bytes_(max_bytes) {}

  // The name of what a request says of its graph, byte for byte, in its domain. All that
  // PrepareGraph() reads of the request is in it.
  static Digest NameOf(const v1::CompileRequest& request);

  // Null if it is not here.
  std::shared_ptr<const PreparedGraph> Find(const Digest& name);
  void Add(const Digest& name, std::shared_ptr<const PreparedGraph> graph);

 private:
  struct Entry {
    Digest name;
    std::shared_ptr<const PreparedGraph> graph;
    size_t bytes;
  };

  const size_t max_bytes_;
  absl::Mutex mutex_;
  // Latest first.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, std::list<Entry>::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_SERVICE_RECENT_GRAPHS_H_
