// What the lowering of one node sees: its arguments, the windows of its
// tensors, and where the kernels and calls that it makes go.
//
//   absl::Status LowerRelu(LoweringContext& c) {
//     TensorOperand out = c.Out(0);
//     KernelBuilder b = c.NewKernel();
//     Dims i = b.BeginNest(out.sizes);
//     ...
//     b.EndNest(i);
//     c.Emit(std::move(b));
//     return absl::OkStatus();
//   }
//
// Not thread-safe.
#ifndef KILN_COMPILER_LOOPS_LOWERING_CONTEXT_H_
#define KILN_COMPILER_LOOPS_LOWERING_CONTEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/error.h"
#include "compiler/loops/kernel_builder.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

class ValueReaders;

// Where the next random number comes from.
struct RandomPosition {
  // Seed and first slot of a saved state, i64[2]; -1: the call's own seed, from slot 0.
  BufferId state;
  int slot = 0;
};

struct RandomState {
  RandomPosition next;
  // Of the states that this graph has saved, by their storage.
  absl::flat_hash_map<StorageId, RandomPosition> saved;
  StorageId saved_last;
  // The next random operator draws numbers that another graph draws again, or has drawn.
  bool is_replayed = false;
};

// What lasts from node to node.
struct LoweringState {
  FakeGraph& fake;
  LoopProgram& program;
  absl::Span<const std::string> host_extern_ops;
  // Canonical ids of the graph's nodes; empty: their own.
  absl::Span<const int> origins;
  // By StorageId: the storage's buffer, -1 until something makes it.
  std::vector<BufferId> storages;
  // By ValueId: whether something reads it.
  std::vector<bool> used;
  // By StorageId: the last node that looks at it; INT_MAX for what the caller sees.
  std::vector<int> last_use;
  // Names of symbols that loop variables may not have: those that have a value when the
  // entry begins, and those that the calls emitted so far bind.
  absl::flat_hash_set<std::string> taken_names;
  RandomState random;
  LoweringOptions options;
  // Who reads which value of the graph, and what memory it writes.
  const ValueReaders* readers = nullptr;
  absl::flat_hash_set<StorageId> written;

  // The window through which a tensor looks into its storage's buffer; sizes,
  // strides and offset are simplified. The buffer is -1 if nothing made it.
  TensorOperand WindowOf(const FakeTensor& t);
  // A new buffer for the storage of `t`, large enough for `t`.
  BufferId NewBuffer(const FakeTensor& t, BufferKind kind);
  // A temporary that is no value of the graph.
  BufferId NewTemporary(DType dtype, Expr num_elements);
  bool HostServes(absl::string_view op) const;
  // Whether every symbol of `e` has a value where the next step stands.
  bool AreSymbolsKnown(Expr e) const;
  int OriginOf(int node) const { return origins.empty() ? node : origins[node]; }
};

// Elements that a window reaches: the largest index + 1, 0 for no elements.
Expr WindowExtent(ShapeEnv& env, const TensorOperand& window);

class LoweringContext {
 public:
  LoweringContext(LoweringState& state, int node);

  ExprPool& pool() { return *state_.program.pool; }
  ShapeEnv& env() { return *state_.fake.env; }
  LoweringState& state() { return state_; }
  const Node& node() const { return state_.fake.graph.nodes[node_]; }
  int node_id() const { return state_.OriginOf(node_); }
  // Argument accessors, by the schema's index.
  MetaContext& args() { return args_; }

  // --- windows
  TensorOperand In(int arg);
  TensorOperand Window(const FakeTensor& t) { return state_.WindowOf(t); }
  // The fake value of output `i`, and its window; its buffer is made on first
  // use.
  const FakeTensor& OutTensor(int i = 0) const;
  ValueId OutValue(int i) const;
  bool IsUsed(int i) const { return state_.used[OutValue(i).value]; }
  TensorOperand Out(int i = 0);
  // The window of output 0, filled with what argument `arg` holds, which has its
  // shape: the argument's own memory where nobody looks at it after this node,
  // else a copy. For operators that then write into a part of it.
  TensorOperand OutFrom(int arg);

  // --- code
  KernelBuilder NewKernel();
  void Emit(KernelBuilder kernel);
  void EmitExtern(ExternCall call);

  // Errors that name the node. A lowering refuses before it asks for Out.
  absl::Status Fail(ErrorReason reason, absl::string_view message) const;
  absl::Status Unsupported(absl::string_view what) const { return Fail(ErrorReason::kUnsupportedGraph, what); }

 private:
  bool CanTakeOver(int arg);

  LoweringState& state_;
  int node_;
  int next_storage_;
  MetaContext args_;
  int num_kernels_ = 0;
};

// --- pieces that several families share

// A factor that changes nothing; an alpha of 1 may be written 1.0.
inline bool IsOne(const Argument& arg) { return arg == Argument(int64_t{1}) || arg == Argument(1.0); }

// The window's index where the output's indices are `indices`: aligned at the
// last dimension; a dimension of size 1 is broadcast.
Expr BroadcastIndex(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices);
Val LoadBroadcast(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices);
void StoreAt(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices, Val v);
// A nest that copies `from`, broadcast, into `to`.
void CopyNest(KernelBuilder& b, const TensorOperand& to, const TensorOperand& from);
// The part of `window` that a slice of dimension `dim` covers.
TensorOperand SliceWindow(ExprPool& pool, TensorOperand window, int dim, Expr start, Expr length, Expr step);
// The part with one index fixed, a dimension less.
TensorOperand SelectWindow(ExprPool& pool, TensorOperand window, int dim, Expr index);
// A 0-dim tensor as one of a single element.
TensorOperand AtLeastVector(TensorOperand window);
// A nest that stores `scalar` everywhere in `to`.
void FillNest(KernelBuilder& b, const TensorOperand& to, Expr scalar);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_LOWERING_CONTEXT_H_
