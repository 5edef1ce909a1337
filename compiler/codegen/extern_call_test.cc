// What the host's operators get: arguments, memory for results, and the end when one of them fails.
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
using ::testing::SizeIs;

constexpr absl::string_view kExterns = R"(program symbols=[s0] inputs=2 {
  buffer b0 input 0 f32[2*s0]
  buffer b1 temporary f32[2*s0] at [0]
  buffer b2 extern f32[s0]
  buffer b3 extern i64[s0]
  buffer b4 output 0 f32[s0]
  inputs [b0, _]
  arena 8*s0
  extern aten.double.out into node=3 (b0: f32[s0] strides=[2] offset=1, [1, s0 + 1, 2.5], none, true, "hi", f32, cpu, 2*s0) -> (b1: f32[s0] strides=[1] offset=0)
  extern aten.pair.default node=4 (b1: f32[s0] strides=[1] offset=0) -> (b2: f32[s0] strides=[1] offset=0, _, b3: i64[s0] strides=[1] offset=0)
  kernel mix nodes=[5] {
    vector i0 < s0 {
      %0 = load f32 b2[i0]
      %1 = load i64 b3[i0]
      %2 = cast f32 %1
      %3 = add f32 %0, %2
      store b4[i0], %3
    }
  }
  release b3
  return new b4: f32[s0] strides=[1] offset=0
  return view of -1 b2: f32[2] strides=[1] offset=1
}
)";

// out[i] = 2 * in[i], for strided tensors.
void Double(const KilnTensor& in, const KilnTensor& out) {
  for (int64_t i = 0; i < in.sizes[0]; ++i) {
    static_cast<float*>(out.data)[i * out.strides[0]] = 2 * static_cast<const float*>(in.data)[i * in.strides[0]];
  }
}

TestHost::ExternOp CheckedDouble() {
  return [](TestCall&, absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs) {
    EXPECT_THAT(args, SizeIs(8));
    EXPECT_EQ(args[0].kind, KILN_VALUE_TENSOR);
    EXPECT_EQ(args[0].u.tensor->storage_offset, 1);
    EXPECT_NE(args[0].u.tensor->handle, nullptr);
    EXPECT_EQ(static_cast<char*>(args[0].u.tensor->data) - static_cast<char*>(args[0].u.tensor->storage), 4);
    EXPECT_EQ(args[1].kind, KILN_VALUE_LIST);
    EXPECT_EQ(args[1].count, 3);
    EXPECT_EQ(args[1].u.list[0].u.i, 1);
    EXPECT_EQ(args[1].u.list[1].kind, KILN_VALUE_INT);
    EXPECT_EQ(args[1].u.list[1].u.i, args[0].u.tensor->sizes[0] + 1);
    EXPECT_EQ(args[1].u.list[2].u.f, 2.5);
    EXPECT_EQ(args[2].kind, KILN_VALUE_NONE);
    EXPECT_EQ(args[3].kind, KILN_VALUE_BOOL);
    EXPECT_EQ(args[3].u.i, 1);
    EXPECT_EQ(args[4].kind, KILN_VALUE_STRING);
    EXPECT_EQ(std::string(args[4].u.s, static_cast<size_t>(args[4].count)), "hi");
    EXPECT_EQ(args[5].kind, KILN_VALUE_DTYPE);
    EXPECT_EQ(args[5].u.i, 7);
    EXPECT_EQ(args[6].kind, KILN_VALUE_DEVICE);
    EXPECT_EQ(std::string(args[6].u.s, static_cast<size_t>(args[6].count)), "cpu");
    EXPECT_EQ(args[7].u.i, 2 * args[0].u.tensor->sizes[0]);
    EXPECT_EQ(outs[0].handle, nullptr);
    Double(*args[0].u.tensor, outs[0]);
    return int32_t{KILN_OK};
  };
}

TestHost::ExternOp Pair() {
  return [](TestCall& call, absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs) {
    EXPECT_THAT(outs, SizeIs(3));
    EXPECT_EQ(outs[1].dtype, 0);
    EXPECT_EQ(outs[0].data, nullptr);
    call.MakeResult(outs[0]);
    call.MakeResult(outs[2]);
    Double(*args[0].u.tensor, outs[0]);
    for (int64_t i = 0; i < outs[2].sizes[0]; ++i) static_cast<int64_t*>(outs[2].data)[i] = 100 * i;
    return int32_t{KILN_OK};
  };
}

TEST(ExternCallTest, ExternOperatorsGetTheirArgumentsAndMemory) {
  Compiled compiled = Compile(kExterns);
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  host.AddExternOp(CheckedDouble());
  host.AddExternOp(Pair());
  auto out = host.Run(compiled->artifact, compiled->signature, {F32({3, 2}, Ramp(6)), PlainTensor()}, {{"s0", 3}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(4, 112, 220));
  // A view of the host's own result, which lives on with it.
  EXPECT_THAT((*out)[1].Values(), ElementsAre(12, 20));
  EXPECT_EQ(host.live_results(), 0);
  EXPECT_EQ(host.live_allocations(), 0);
}

TEST(ExternCallTest, AFailingOperatorEndsTheCallAndReleasesEverything) {
  Compiled compiled = Compile(kExterns);
  ASSERT_NE(compiled, nullptr);
  for (bool at_first : {true, false}) {
    TestHost host;
    auto fail = [](TestCall&, absl::Span<const KilnValue>, absl::Span<KilnTensor>) { return int32_t{KILN_ERROR_HOST}; };
    host.AddExternOp(at_first ? TestHost::ExternOp(fail) : CheckedDouble());
    host.AddExternOp(fail);
    absl::Status status =
        host.Run(compiled->artifact, compiled->signature, {F32({3, 2}, Ramp(6)), PlainTensor()}, {{"s0", 3}}).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("status 1"));
    EXPECT_EQ(host.live_results(), 0);
    EXPECT_EQ(host.live_allocations(), 0);
  }
}

}  // namespace
}  // namespace kiln
