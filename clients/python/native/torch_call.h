// One call of an artifact inside PyTorch: outputs are PyTorch's tensors, memory
// for temporaries is kept between calls, threads are PyTorch's.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TORCH_CALL_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TORCH_CALL_H_

#include <Python.h>

#include <vector>

#include "absl/types/span.h"
#include "clients/python/native/extern_op.h"
#include "clients/python/native/packed_weights.h"
#include "clients/python/native/step_timer.h"
#include "clients/python/native/torch_shim.h"
#include "clients/runtime/call_host.h"

namespace kiln {

// What became of one output.
struct CallOutput {
  enum class Kind : uint8_t { kMissing, kTensor, kScalar };
  Kind kind = Kind::kMissing;
  TensorHandle tensor = nullptr;  // owned
  KilnValue scalar = {};
};

// Runs without the GIL; takes it only to drop an input.
class TorchCall : public CallHost {
 public:
  // `inputs` are owned references, one per input of the graph (nullptr: nothing to
  // drop); `keep[i]` forbids dropping input i early.
  TorchCall(absl::Span<ExternOp* const> extern_ops, std::vector<PyObject*>* inputs, const std::vector<bool>& keep,
            int num_outputs)
      : outputs(num_outputs), extern_ops_(extern_ops), inputs_(inputs), keep_(keep) {}
  // Outputs that were not taken are deleted.
  ~TorchCall() override;

  // Extern ops take weights packed; both outlive the call.
  void set_packed_weights(PackedWeights* weights, absl::Span<const KilnValue> inputs) {
    packed_weights_ = weights;
    values_ = inputs;
  }
  // Every step that follows is timed. The timer outlives the call.
  void set_timer(StepTimer* timer) { timer_ = timer; }

  void* Allocate(int32_t device, uint64_t bytes) override;
  void Free(int32_t device, void* memory) override;
  int32_t NewOutput(int32_t index, int32_t dtype, absl::Span<const int64_t> sizes, const int64_t* strides,
                    KilnTensor* out) override;
  int32_t ViewOutput(int32_t index, const KilnTensor& base, absl::Span<const int64_t> sizes, const int64_t* strides,
                     int64_t storage_offset) override;
  int32_t ScalarOutput(int32_t index, const KilnValue& value) override;
  void ReleaseInput(int32_t index) override;
  void ReleaseResult(void* handle) override;
  void ParallelFor(int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) override;
  uint64_t RandomSeed() override;

  // The function of every extern op in the host's table.
  static int32_t ServeExternOp(KilnContext* context, int32_t index, const KilnValue* args, int32_t num_args,
                               KilnTensor* outs, int32_t num_outs);
  // For kernel_begin and kernel_end of the host's table, where calls have timers.
  static void BeginKernel(KilnContext* context, int32_t kernel);
  static void EndKernel(KilnContext* context, int32_t kernel);

  std::vector<CallOutput> outputs;

 private:
  int32_t Refuse(std::string message);
  bool Claim(int32_t index);

  const absl::Span<ExternOp* const> extern_ops_;
  std::vector<PyObject*>* const inputs_;
  const std::vector<bool>& keep_;
  StepTimer* timer_ = nullptr;
  PackedWeights* packed_weights_ = nullptr;
  absl::Span<const KilnValue> values_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TORCH_CALL_H_
