// What compiled code checks while it runs: asserts, indices, bounds.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

TEST(RuntimeChecksTest, AFalseAssertNamesItsNode) {
  Compiled compiled = Compile(R"(program symbols=[u0] inputs=0 {
  inputs []
  assert node=9 "u0 must be small" u0 < 10
}
)");
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  EXPECT_TRUE(host.Run(compiled->artifact, compiled->signature, {}, {{"u0", 9}}).ok());
  absl::Status status = host.Run(compiled->artifact, compiled->signature, {}, {{"u0", 10}}).status();
  EXPECT_EQ(status.message(), "status 3 at node 9: u0 must be small");
}

constexpr absl::string_view kLookup = R"(program symbols=[s0] inputs=2 {
  buffer b0 input 0 i64[s0]
  buffer b1 input 1 f32[4]
  buffer b2 output 0 f32[s0]
  buffer b3 temporary f32[64] at [0]
  inputs [b0, b1]
  arena 256
  kernel touch nodes=[1] {
    vector i0 < 64 {
      %0 = constant f32 0.0
      store b3[i0], %0
    }
  }
  kernel lookup nodes=[2, 6] {
    parallel i0 < 1 {
      vector i1 < s0 {
        %0 = load i64 b0[i1]
        indirect j0 < 4, %0
        %1 = load f32 b1[j0]
        store b2[i1], %1
      }
    }
  }
  return new b2: f32[s0] strides=[1] offset=0
}
)";

TEST(RuntimeChecksTest, IndicesWrapAndAreChecked) {
  Compiled compiled = Compile(kLookup);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {I64({3}, {0, -1, 3}), F32({4}, Ramp(4, 10))}, {{"s0", 3}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(10, 13, 13));
  for (double bad : {4.0, -5.0, 9e18}) {
    for (int64_t place : {0, 5, 21, 36}) {
      std::vector<double> indices(37, 1);
      indices[place] = bad;
      absl::Status status =
          host.Run(compiled->artifact, compiled->signature, {I64({37}, indices), F32({4}, Ramp(4))}, {{"s0", 37}}).status();
      EXPECT_EQ(status.message(), absl::StrCat("status 4 at node 6: index ", static_cast<int64_t>(bad),
                                               " is out of range [-B, B), B = 4"));
    }
  }
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(RuntimeChecksTest, CheckedBoundsFindWildAccesses) {
  constexpr absl::string_view kWild = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 output 0 f32[s0]
  inputs [b0]
  kernel wild nodes=[4] {
    vector i0 < s0 {
      %0 = load f32 b0[i0 + 1]
      store b1[i0], %0
    }
  }
  return new b1: f32[s0] strides=[1] offset=0
}
)";
  Compiled compiled = Compile(kWild, {.check_bounds = true});
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  absl::Status status = host.Run(compiled->artifact, compiled->signature, {F32({5}, Ramp(5))}, {{"s0", 5}}).status();
  EXPECT_EQ(status.message(), "status 4 at node 4: index 5 is out of range [-B, B), B = 5");
}

}  // namespace
}  // namespace kiln
