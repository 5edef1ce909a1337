#include "clients/cli/describe.h"

#include "base/digest.h"
#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

v1::Guard SomeGuard() {
  v1::Guard guard;
  guard.set_condition("s0 == s2");
  guard.set_kind(v1::Guard::KIND_SHAPE);
  guard.mutable_reason()->set_node(3);
  guard.mutable_reason()->set_op("aten.add.Tensor");
  guard.mutable_reason()->set_what("broadcast of dim 0");
  return guard;
}

TEST(DescribeTest, AGuardSaysWhereItCameFrom) {
  v1::Guard guard = SomeGuard();
  EXPECT_EQ(DescribeGuard(guard), "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0");
  EXPECT_EQ(DescribeGuard(guard, "a.py:1"), "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, a.py:1");
  guard.mutable_reason()->set_location("b.py:2");
  EXPECT_EQ(DescribeGuard(guard, "a.py:1"), "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, b.py:2");
  guard.clear_reason();
  guard.mutable_reason()->set_node(-1);
  EXPECT_EQ(DescribeGuard(guard), "s0 == s2  [shape]");
}

TEST(DescribeTest, AnErrorSaysItsReasonAndTheNextStep) {
  EXPECT_EQ(DescribeError(MakeError(ErrorReason::kGraphNotFound, "graph abc")),
            "error: GRAPH_NOT_FOUND: graph abc\n  next: Send Compile again with the graph inline.\n");
  EXPECT_EQ(DescribeError(absl::NotFoundError("x: No such file")), "error: NOT_FOUND: x: No such file\n");
}

TEST(DescribeTest, BytesHaveUnits) {
  EXPECT_EQ(DescribeBytes(812), "812 B");
  EXPECT_EQ(DescribeBytes(15667), "15.3 KiB");
  EXPECT_EQ(DescribeBytes(2 << 20), "2.0 MiB");
}

TEST(DescribeTest, AnArtifactGolden) {
  v1::Manifest m;
  m.set_abi_version(1);
  m.set_arch("x86_64");
  m.set_compiler_build("b1");
  m.mutable_key()->set_graph(std::string(Sha256("g").bytes()));
  m.mutable_key()->set_target_family("cpu/x86_64");
  m.add_isa_features("avx2");
  m.add_symbols("s0");
  v1::ManifestInput& input = *m.add_inputs();
  input.set_kind(v1::INPUT_KIND_USER);
  input.set_used(true);
  input.mutable_tensor()->set_dtype(7);
  input.mutable_tensor()->add_sizes()->set_expr("s0");
  input.mutable_tensor()->add_sizes()->set_value(4);
  input.mutable_tensor()->add_strides()->set_value(4);
  input.mutable_tensor()->add_strides()->set_value(1);
  v1::ManifestOutput& output = *m.add_outputs();
  output.set_kind(v1::ManifestOutput::KIND_VIEW);
  *output.mutable_tensor() = input.tensor();
  *m.add_guards() = SomeGuard();
  v1::ExternOp& op = *m.add_extern_ops();
  op.set_name("aten.mm.out");
  op.set_into(true);
  op.set_call_sites(2);
  v1::ExternEpilogue& epilogue = *op.add_epilogues();
  epilogue.set_what("add, relu");
  epilogue.set_calls(1);
  v1::KernelInfo& kernel = *m.add_kernels();
  kernel.set_symbol("k0");
  kernel.set_launches(1);
  kernel.add_nodes(0);
  kernel.add_nodes(1);
  kernel.add_ops("aten.mul.Tensor");
  kernel.add_ops("aten.add.Tensor");
  kernel.set_why("2 kernels joined over the same points");
  v1::ApartKernel& apart = *kernel.add_apart();
  apart.set_kernel(1);
  apart.set_reason(v1::APART_REASON_FEW_ROWS);
  kernel.add_apart()->set_kernel(2);
  v1::KernelInfo& other = *m.add_kernels();
  other.set_symbol("k1");
  other.set_launches(2);
  v1::StepInfo& step = *m.add_steps();
  step.set_kernel(0);
  step.mutable_bytes()->set_expr("32*s0");
  step.mutable_operations()->set_expr("8*s0");
  v1::VariantRecord record;
  record.set_compile_seconds(0.25);
  record.set_requester("me");
  record.add_locations("model.py:7");
  v1::StageTime& stage = *record.add_stage_times();
  stage.set_stage("codegen");
  stage.set_milliseconds(3.5);
  EXPECT_EQ(DescribeArtifact(m, 2048, &record),
            "artifact  2.0 KiB, ABI 1, x86_64, compiler b1\n"
            "key       graph cd0aa9856147, signature , options , cpu/x86_64\n"
            "needs     avx2\n"
            "made      1970-01-01 00:00:00 UTC in 0.250 s for me\n"
            "  codegen           3.500 ms\n"
            "symbols   s0\n"
            "inputs    1\n"
            "  0: f32[s0, 4] strides=[4, 1]  user\n"
            "outputs   1\n"
            "  0: f32[s0, 4] strides=[4, 1]  a view of input 0\n"
            "guards    1\n"
            "  s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0\n"
            "extern    1\n"
            "  aten.mm.out into given memory, 2 calls: matrix product: a tuned library\n"
            "    1 with add, relu: the library has it, and nothing else reads what it is computed from\n"
            "kernels   2\n"
            "  k0 x1: aten.mul.Tensor #0 (model.py:7), aten.add.Tensor #1\n"
            "    one kernel: 2 kernels joined over the same points\n"
            "    apart from k1: too few rows would be left for threads\n"
            "    moves 32*s0 bytes, 8*s0 operations\n"
            "  k1 x2: \n"
            "arena     0 bytes\n");
}

TEST(DescribeTest, AServerSaysWhatItDid) {
  v1::GetServerInfoResponse info;
  info.mutable_counters()->set_compiles(3);
  info.mutable_counters()->set_hits_memory(2);
  info.mutable_counters()->set_hits_disk(1);
  const std::string text = DescribeServer(info);
  EXPECT_NE(text.find("compiles  3, 0 failed"), std::string::npos) << text;
  EXPECT_NE(text.find("hits      3: 2 from memory, 1 from disk; "), std::string::npos) << text;
  EXPECT_EQ(text.find("shared"), std::string::npos) << text;
}

TEST(DescribeTest, AServerSaysWhatItSharedWithOthers) {
  v1::GetServerInfoResponse info;
  v1::ServerCounters& counters = *info.mutable_counters();
  counters.set_hits_memory(2);
  counters.set_hits_shared(4);
  counters.set_shared_pulls(9);
  counters.set_shared_rows(5);
  counters.set_shared_restored(1);
  counters.set_shared_failures(7);
  counters.set_shared_put_failures(3);
  counters.set_shared_untrusted(6);
  counters.set_shared_times_down(8);
  const std::string text = DescribeServer(info);
  EXPECT_NE(text.find("hits      6: 2 from memory, 0 from disk, 4 from the shared tier; "), std::string::npos) << text;
  EXPECT_NE(text.find("shared    5 variants of others taken, 1 lost things restored, "), std::string::npos) << text;
  EXPECT_NE(text.find("; 7 calls failed, 3 writes not taken, 6 things refused; down 8 times\n"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace kiln
