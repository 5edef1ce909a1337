// Inputs and outputs of a call: views, scalars, shared storages, offsets.
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

TEST(EntryOutputsTest, OutputsAreNewViewsScalarsInputsAndNone) {
  Compiled compiled = Compile(R"(program symbols=[s0] inputs=2 {
  buffer b0 input 0 f32[8]
  buffer b1 input 1 f32[8]
  buffer b2 output 1 f32[s0]
  inputs [b0, b1]
  kernel fill nodes=[0] {
    vector i0 < s0 {
      %0 = expr f32 2*i0 + 1
      store b2[i0], %0
    }
  }
  release b0
  return view of 0 b0: f32[2, 2] strides=[1, 2] offset=3
  return new b2: f32[s0] strides=[1] offset=0
  return output_view of 1 b2: f32[2] strides=[2] offset=1
  return scalar s0 + 1
  return scalar s0 / 2
  return scalar s0 < 4
  return input 1
  return none
}
)");
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {F32({8}, Ramp(8)), F32({8}, Ramp(8, 5))}, {{"s0", 5}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(3, 5, 4, 6));
  EXPECT_THAT((*out)[1].Values(), ElementsAre(1, 3, 5, 7, 9));
  EXPECT_THAT((*out)[2].Values(), ElementsAre(3, 7));
  EXPECT_EQ((*out)[3].scalar.i, 6);
  EXPECT_EQ((*out)[4].scalar.f, 2.5);
  EXPECT_EQ((*out)[5].scalar.i, 0);
  EXPECT_EQ((*out)[6].Values(), Ramp(8, 5));
}

TEST(EntryOutputsTest, InputsMayShareAStorageAndHaveOffsets) {
  Compiled compiled = Compile(R"(program symbols=[] inputs=2 {
  buffer b0 input 0 f32[8]
  buffer b1 output 0 f32[2]
  inputs [b0, b0]
  kernel k nodes=[0] {
    serial i0 < 2 {
      %0 = load f32 b0[i0 + 1]
      %1 = load f32 b0[i0 + 5]
      %2 = sub f32 %1, %0
      store b1[i0], %2
    }
  }
  release b0
  return new b1: f32[2] strides=[1] offset=0
}
)");
  ASSERT_NE(compiled, nullptr);
  PlainTensor first = F32({8}, {0, 1, 4, 9, 16, 25, 36, 49});
  PlainTensor second = first;
  first.sizes = second.sizes = {2};
  first.offset = 1;
  second.offset = 5;
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {first, second}, {});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(24, 32));
  EXPECT_THAT(host.released_inputs(), ElementsAre(0, 1));
}

}  // namespace
}  // namespace kiln
