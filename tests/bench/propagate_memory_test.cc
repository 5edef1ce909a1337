// What a propagation holds is not in proportion to the tensors: a graph over
// 10^15 elements takes the memory of the same graph over a few.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "tests/bench/count_allocations.h"

namespace kiln {
namespace {

constexpr absl::string_view kGraph = R"(
  graph g(%x: f32[$N, $N, 1000], %w: f32[1000, 16], %b: f32[16]) {
    %view = aten.view.default(%x, [-1, 1000])
    %mm = aten.mm.default(%view, %w)
    %sum = aten.add.Tensor(%mm, %b)
    %copy = aten.clone.default(%x)
    %flat = aten.view.default(%copy, [-1])
    %twice = aten.cat.default([%flat, %flat])
    %ones = aten.full.default([$N, $N, 1000], 1.0)
    %count = aten.arange.default($N)
    %mean = aten.mean.dim(%copy, [2])
    return (%sum, %twice, %ones, %count, %mean)
  })";

// Most bytes held at a time.
int64_t Peak(int64_t n) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(absl::StrReplaceAll(kGraph, {{"$N", absl::StrCat(n)}}), &pool, FindOpSchema);
  EXPECT_TRUE(graph.ok()) << graph.status();
  ResetAllocationPeak();
  const AllocationCounts before = CountedAllocations();
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  EXPECT_TRUE(fake.ok()) << fake.status();
  return CountedAllocations().bytes_peak - before.bytes_live;
}

TEST(PropagateMemoryTest, TensorsOfAQuadrillionElementsTakeNoMoreThanSmallOnes) {
  Peak(10);  // What the first propagation of a process keeps.
  const int64_t small = Peak(10), large = Peak(1000000);
  EXPECT_GT(small, 0);
  // Numbers over 62 bits would be nodes of their own; there is none here.
  EXPECT_LE(large, small + 1024);
}

}  // namespace
}  // namespace kiln
