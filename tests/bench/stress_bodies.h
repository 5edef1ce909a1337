// Graphs that grow with n and that an engine of symbolic sizes is slow on when
// something in it is not linear. In the manner of PyTorch's compile-time
// benchmarks (benchmarks/dynamo/pr_time_benchmarks: symint_sum, mm_loop,
// sum_floordiv), and what else has shown itself to hurt.
#ifndef KILN_TESTS_BENCH_STRESS_BODIES_H_
#define KILN_TESTS_BENCH_STRESS_BODIES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

struct StressBody {
  absl::string_view name;
  absl::string_view what;
  // The first of the sizes n, 2n, 4n, 8n at which it is run.
  int smallest;
  // A graph in text form.
  std::string (*make)(int n);
};

absl::Span<const StressBody> StressBodies();

}  // namespace kiln

#endif  // KILN_TESTS_BENCH_STRESS_BODIES_H_
