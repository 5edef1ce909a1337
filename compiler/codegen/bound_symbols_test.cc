// Sizes that an operator of the host tells, and numbers that memory holds: what hangs on them is computed, allocated and
// made after the step that binds them.
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The places of what is not zero, twice: of an input, and of a temporary that is as long as there were places.
constexpr absl::string_view kTwice = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 extern i64[u0]
  buffer b2 temporary f32[s0] at [0]
  buffer b3 temporary f32[u0] at [0] of 1
  buffer b4 extern i64[u1]
  buffer b5 temporary f32[u1] at [64*s0] of 2
  buffer b6 output 0 f32[u1]
  buffer b7 output 4 f32[s0]
  inputs [b0]
  arena 4*s0
  kernel twice nodes=[0] {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = add f32 %0, %0
      store b2[i0], %1
      store b7[i0], %1
    }
  }
  extern aten.nonzero.default node=1 (b2: f32[s0] strides=[1] offset=0) -> (b1: i64[u0, 1] strides=[1, u0] offset=0) binds [u0 0 0] arena 4*u0
  kernel places nodes=[2] {
    vector i0 < u0 {
      %0 = load i64 b1[i0]
      %1 = cast f32 %0
      store b3[i0], %1
    }
  }
  extern aten.nonzero.default node=3 (b3: f32[u0] strides=[1] offset=0) -> (b4: i64[u1, 1] strides=[1, u1] offset=0) binds [u1 0 0] arena 4*u1 + 64*s0
  kernel again nodes=[4] {
    vector i0 < u1 {
      %0 = load i64 b4[i0]
      %1 = cast f32 %0
      store b5[i0], %1
    }
  }
  assert node=5 "none is left" u1 > 0
  kernel out nodes=[6] {
    vector i0 < u1 {
      %0 = load f32 b5[i0]
      %1 = constant f32 100.0
      %2 = add f32 %0, %1
      store b6[i0], %2
    }
  }
  return new b6: f32[u1] strides=[1] offset=0
  return scalar u0 + u1
  return view of 0 b0: f32[u1] strides=[1] offset=u0 - u1
  return view of -1 b1: i64[u1] strides=[1] offset=0
  return new b7: f32[s0] strides=[1] offset=0
  return output_view of 4 b7: f32[u0] strides=[1] offset=0
}
)";

// Tells how many there are, and is asked for a size that nobody knows.
TestHost::ExternOp Nonzero() {
  return [](TestCall& call, absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs) {
    EXPECT_EQ(outs[0].sizes[0], -1);
    EXPECT_EQ(outs[0].sizes[1], 1);
    // How many dimensions lie within each; the one of size 1 counts as the inner one.
    EXPECT_EQ(outs[0].strides[0], 1);
    EXPECT_EQ(outs[0].strides[1], 0);
    const KilnTensor& in = *args[0].u.tensor;
    std::vector<int64_t> places;
    for (int64_t i = 0; i < in.sizes[0]; ++i) {
      if (static_cast<const float*>(in.data)[i] != 0) places.push_back(i);
    }
    const int64_t count = static_cast<int64_t>(places.size());
    const int64_t sizes[] = {count, 1};
    const int64_t strides[] = {1, count};
    outs[0].sizes = sizes;
    outs[0].strides = strides;
    call.MakeResult(outs[0]);
    for (int64_t i = 0; i < count; ++i) static_cast<int64_t*>(outs[0].data)[i] = places[i];
    return int32_t{KILN_OK};
  };
}

TEST(BoundSymbolsTest, WhatHangsOnThemIsMadeAfterTheCall) {
  Compiled compiled = Compile(kTwice);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  host.AddExternOp(Nonzero());
  const PlainTensor x = F32({7}, {3, 0, 0, 5, 7, 0, 9});
  auto out = host.Run(compiled->artifact, compiled->signature, {x}, {{"s0", 7}});
  ASSERT_TRUE(out.ok()) << out.status();
  // 0, 3, 4 and 6 are not zero; of these 1, 2 and 3.
  EXPECT_THAT((*out)[0].Values(), ElementsAre(101, 102, 103));
  EXPECT_EQ((*out)[1].scalar.i, 7);
  EXPECT_THAT((*out)[2].Values(), ElementsAre(0, 0, 5));
  EXPECT_THAT((*out)[3].Values(), ElementsAre(0, 3, 4));
  EXPECT_THAT((*out)[5].Values(), ElementsAre(6, 0, 0, 10));
  EXPECT_EQ(host.live_results(), 0);
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(BoundSymbolsTest, AFactAboutThemIsTestedAfterTheCall) {
  Compiled compiled = Compile(kTwice);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  host.AddExternOp(Nonzero());
  absl::Status status =
      host.Run(compiled->artifact, compiled->signature, {F32({3}, {1, 0, 0})}, {{"s0", 3}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("status 3 at node 5: none is left"));
  EXPECT_EQ(host.live_results(), 0);
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(BoundSymbolsTest, MemoryThatIsRefusedAfterTheCallEndsIt) {
  Compiled compiled = Compile(kTwice);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  TestHost::ExternOp nonzero = Nonzero();
  host.AddExternOp([&](TestCall& call, absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs) {
    host.set_out_of_memory(true);
    return nonzero(call, args, outs);
  });
  absl::Status status =
      host.Run(compiled->artifact, compiled->signature, {F32({3}, {1, 1, 1})}, {{"s0", 3}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("status 2"));
  EXPECT_EQ(host.live_results(), 0);
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(BoundSymbolsTest, ASizeThatDoesNotFitIsAnError) {
  std::string text(kTwice);
  const std::string scalar = "return scalar u0 + u1";
  text.replace(text.find(scalar), scalar.size(), "return scalar 4611686018427387904*u0");
  Compiled compiled = Compile(text);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  host.AddExternOp(Nonzero());
  absl::Status status =
      host.Run(compiled->artifact, compiled->signature, {F32({3}, {1, 1, 1})}, {{"s0", 3}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("status 5"));
  EXPECT_EQ(host.live_results(), 0);
  EXPECT_EQ(host.live_allocations(), 0);
}

// As many numbers as the first element says, and all of them times the second.
constexpr absl::string_view kRead = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 temporary i64[1] at [0]
  buffer b2 temporary f64[1] at [64]
  buffer b3 temporary f32[u0] at [0] of 1
  buffer b4 output 0 f32[u0]
  buffer b5 output 1 f32[s0]
  inputs [b0]
  arena 128
  kernel first nodes=[0] {
    %0 = load f32 b0[0]
    %1 = cast i64 %0
    store b1[0], %1
  }
  read u0 from b1 node=1 arena 4*u0
  kernel ramp nodes=[2] {
    vector i0 < u0 {
      %0 = expr f32 i0
      store b3[i0], %0
    }
  }
  kernel second nodes=[3] {
    %0 = load f32 b0[1]
    %1 = cast f64 %0
    store b2[0], %1
  }
  read zuf0 from b2 node=4
  kernel times nodes=[5] {
    vector i0 < u0 {
      %0 = load f32 b3[i0]
      %1 = expr f32 zuf0
      %2 = mul f32 %0, %1
      store b4[i0], %2
    }
  }
  kernel all nodes=[6] {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = expr f32 0.5*zuf0
      %2 = add f32 %0, %1
      store b5[i0], %2
    }
  }
  return new b4: f32[u0] strides=[1] offset=0
  return new b5: f32[s0] strides=[1] offset=0
  return scalar 2.0*zuf0
  return scalar u0 + 1
}
)";

TEST(BoundSymbolsTest, ANumberThatATensorHoldsIsASizeOrAFactor) {
  Compiled compiled = Compile(kRead);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {F32({4}, {3, 2.5, 7, 9})}, {{"s0", 4}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(0, 2.5, 5));
  EXPECT_THAT((*out)[1].Values(), ElementsAre(4.25, 3.75, 8.25, 10.25));
  EXPECT_EQ((*out)[2].scalar.f, 5);
  EXPECT_EQ((*out)[3].scalar.i, 4);
  EXPECT_EQ(host.live_allocations(), 0);
}

}  // namespace
}  // namespace kiln
