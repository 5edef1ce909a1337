// A small host for tests: loads an artifact, gives it memory, threads and extern
// operators, and counts what it hands out.
//
//   KILN_ASSIGN_OR_RETURN(TestArtifact artifact, TestArtifact::Load(elf));
//   TestHost host;
//   host.AddExternOp([](TestCall& call, auto args, auto outs) { ... return KILN_OK; });
//   absl::StatusOr<std::vector<PlainTensor>> out = host.Run(artifact, TestSignature::Of(program), {x}, {{"s0", 2}});
//   EXPECT_EQ(host.live_allocations(), 0);
#ifndef KILN_COMPILER_CODEGEN_TESTING_TEST_HOST_H_
#define KILN_COMPILER_CODEGEN_TESTING_TEST_HOST_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/testing/interpret_loop_program.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// A shared object in memory, open for as long as this lives.
class TestArtifact {
 public:
  static absl::StatusOr<TestArtifact> Load(absl::string_view elf);
  KilnEntry entry() const { return entry_; }

 private:
  std::shared_ptr<void> library_;
  KilnEntry entry_ = nullptr;
};

// One call's bookkeeping, as extern operators see it.
class TestCall {
 public:
  virtual ~TestCall() = default;
  // Gives `out`, which says dtype, sizes and strides, memory that the host owns.
  virtual void MakeResult(KilnTensor& out) = 0;
};

// How a call looks from outside: the symbols' order, and what each output is.
struct TestSignature {
  struct Output {
    enum class Kind { kMade, kInput, kScalar, kNone } kind = Kind::kMade;
    int alias_of = -1;
  };
  std::vector<std::string> symbols;
  std::vector<Output> outputs;

  static TestSignature Of(const LoopProgram& program);
  static TestSignature Of(const v1::Manifest& manifest);
};

class TestHost {
 public:
  using ExternOp =
      std::function<int32_t(TestCall& call, absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs)>;

  // In the order of the artifact's indices.
  void AddExternOp(ExternOp op) { ops_.push_back(std::move(op)); }
  // 1: serial. More: ranges of `grain` iterations on that many threads.
  void set_threads(int threads) { threads_ = threads; }
  // allocate gives NULL from now on.
  void set_out_of_memory(bool value) { out_of_memory_ = value; }

  // The outputs in order; those of KIND_INPUT are the inputs themselves. A
  // failed call is an Internal status "status 4 at node 3: message".
  absl::StatusOr<std::vector<PlainTensor>> Run(const TestArtifact& artifact, const TestSignature& signature,
                                               const std::vector<PlainTensor>& inputs,
                                               const std::map<std::string, int64_t>& symbols);

  int live_allocations() const { return live_allocations_; }
  int live_results() const { return live_results_; }
  int num_parallel_calls() const { return num_parallel_calls_; }
  const std::vector<int>& released_inputs() const { return released_inputs_; }
  // Kernels begun, less kernels ended.
  int open_kernels() const { return open_kernels_; }
  const std::vector<int>& kernels() const { return kernels_; }

 private:
  friend struct ::KilnContext;
  std::vector<ExternOp> ops_;
  int threads_ = 1;
  bool out_of_memory_ = false;
  int live_allocations_ = 0;
  int live_results_ = 0;
  int num_parallel_calls_ = 0;
  int open_kernels_ = 0;
  std::vector<int> released_inputs_;
  std::vector<int> kernels_;
};

// Bytes of a storage, and back.
std::vector<char> StorageBytes(const PlainTensor& tensor);
std::shared_ptr<std::vector<PlainNumber>> NumbersOf(DType dtype, std::string_view bytes);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_TEST_HOST_H_
