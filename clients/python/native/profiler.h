// Times of kernels and extern operators, for whoever set KILN_PROFILE.
//
// Each step of an artifact is an event of PyTorch's profiler ("kiln::fused_gelu_3
// (model.py:41)"), and adds to the totals here. With `keep_events` every run of a
// step is kept too, up to a limit, for a Chrome trace.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_PROFILER_H_
#define KILN_CLIENTS_PYTHON_NATIVE_PROFILER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace kiln {

// Thread-safe.
class Profiler {
 public:
  struct Row {
    std::string graph;  // hexadecimal digest
    std::string name;   // the kernel's, or the operator's
    std::vector<std::string> nodes;  // "node 3 (aten.mm.default) at model.py:41"
    bool is_kernel = false;
    int64_t calls = 0;
    int64_t nanoseconds = 0;
    // What the step must move and compute at least, over all calls; 0 where unknown.
    int64_t bytes = 0;
    int64_t operations = 0;
  };
  struct Event {
    int row = 0;
    int thread = 0;
    // Since an arbitrary moment, the same for all.
    int64_t start_nanoseconds = 0;
    int64_t nanoseconds = 0;
  };
  // More are counted in `dropped_events`.
  static constexpr size_t kMostEvents = 1'000'000;

  static Profiler& Shared();

  // Artifacts that are loaded from now on are timed.
  void Enable(bool keep_events);
  bool is_enabled() const;

  // A new row, of no calls; its index.
  int AddRow(Row row);
  void Add(const Event& event, int64_t bytes, int64_t operations);

  std::vector<Row> rows() const;
  std::vector<Event> events() const;
  int64_t dropped_events() const;
  void Clear();

 private:
  Profiler() = default;

  mutable absl::Mutex mutex_;
  bool is_enabled_ ABSL_GUARDED_BY(mutex_) = false;
  bool keep_events_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Row> rows_ ABSL_GUARDED_BY(mutex_);
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  int64_t dropped_events_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_PROFILER_H_
