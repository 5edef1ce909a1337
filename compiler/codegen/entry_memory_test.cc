// The arena: temporaries live in it, in place where they may, and a call without it fails.
#include <cstdint>
#include <string>

#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::string_view kTwoSteps = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 temporary f32[s0] at [64]
  buffer b2 output 0 f32[s0]
  buffer b3 temporary f32[s0] at [64] in b1
  inputs [b0]
  arena 64 + 4*s0
  kernel first nodes=[0] {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = mul f32 %0, %0
      store b1[i0], %1
    }
  }
  release b0
  kernel in_place nodes=[1] {
    vector i0 < s0 {
      %0 = load f32 b1[i0]
      %1 = constant f32 1.0
      %2 = add f32 %0, %1
      store b3[i0], %2
    }
  }
  kernel last nodes=[2] {
    vector i0 < s0 {
      %0 = load f32 b3[i0]
      store b2[i0], %0
    }
  }
  return new b2: f32[s0] strides=[1] offset=0
}
)";

TEST(EntryMemoryTest, TemporariesLiveInOneArenaAndInPlace) {
  Compiled compiled = Compile(kTwoSteps);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {F32({5}, Ramp(5))}, {{"s0", 5}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(1, 2, 5, 10, 17));
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(EntryMemoryTest, NoMemoryIsAnError) {
  Compiled compiled = Compile(kTwoSteps);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  host.set_out_of_memory(true);
  absl::Status status = host.Run(compiled->artifact, compiled->signature, {F32({5}, Ramp(5))}, {{"s0", 5}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("status 2 at node -1"));
}

TEST(EntryMemoryTest, SizesThatOverflowAreAnError) {
  Compiled compiled = Compile(kTwoSteps);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  absl::Status status =
      host.Run(compiled->artifact, compiled->signature, {F32({1}, {1})}, {{"s0", int64_t{1} << 62}}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("status 5 at node -1"));
}

}  // namespace
}  // namespace kiln
