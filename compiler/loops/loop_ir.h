// The loop IR: what a graph is once every operator is a loop nest over memory or
// a call of an extern op. It knows nothing of vector widths or thread blocks.
//
// A LoopProgram is a list of steps over buffers. A step is a Kernel, an extern
// call, or a release. A Kernel is a tree of loops with scalar instructions:
//
//   kernel k3 nodes=[4, 7] {
//     parallel i0 < s0*s1 {
//       %0 = accumulate sum f32
//       vector i1 < 384 {
//         %1 = load f32 b0[384*i0 + i1]
//         update %0, %1
//       }
//       %2 = result f32 %0, 0
//       vector i1 < 384 {
//         %3 = load f32 b0[384*i0 + i1]
//         %4 = sub f32 %3, %2
//         store b1[384*i0 + i1], %4
//       }
//     }
//   }
//
// Semantics. Loop variables are integer symbols (i0, i1, ...) of the program's
// pool, in [0, extent). Iterations of a `parallel` loop are independent; a
// kernel has at most one, outermost. Lanes of a `vector` loop are independent
// but for accumulator updates; it holds instructions only, no loops. A `serial`
// loop runs in order. An instruction's value is visible to later statements of
// its own loop body and inside their loops, and not outside; only accumulators
// carry values out of a loop. Loads see what earlier statements of the same
// iteration stored. Indices are element indices into a buffer, expressions over
// loop variables, size symbols and the symbols of `indirect` instructions.
//
// Versions. A kernel with `when` runs only in calls whose sizes make it true; sizes
// are known before the first step, so this is one test a call and not one a row.
// Of the versions of a computation, each one kernel or several in a row, exactly
// one runs, and leaves in memory what any other would have.
//
// One Kernel reads and writes buffers; aliasing between different buffers of a
// kernel does not exist unless `Buffer::alias_of` says so.
//
// Dtypes. An instruction's dtype is the one that it computes in: float16 and
// bfloat16 never appear there. A load gives ComputationDType(buffer's dtype), a
// store takes it, and the cast happens at the memory access. Operands of a
// scalar op have the instruction's dtype, but for comparisons and isnan/isinf
// (operands of one dtype, bool result), `cast` (any) and `where` (bool, then
// two of the result's dtype). A cast to bool is `!= 0`, one to integer truncates;
// to float16 and bfloat16 only a cast is, which rounds. `random` and `state` go by the call's own seed; with
// two i64 operands by the first as seed, and the second is added to the slot. `store`, `store_add` and
// `update` carry the dtype of the value that they take; a `result` has its
// accumulator's dtype, but for the index of argmax/argmin, which is i64.
//
// Lowered form. What LowerToLoops makes, and the scheduler may rely on:
//  (P) A pointwise kernel is one perfect nest of serial loops, one for each
//      output dimension whose size is not 1, outermost first (none for rank 0).
//      The innermost body is straight-line and ends in its stores. Loads and
//      stores have affine index expressions, sum of stride*variable plus an
//      offset; a broadcast dimension is a missing term. A gather is such a
//      nest with `indirect` statements before its loads.
//  (R) A reduction kernel is a perfect nest of serial loops over the kept
//      dimensions; inside, accumulators, one perfect nest of serial loops over
//      the reduced dimensions that ends in updates, then results, a
//      straight-line epilogue, and the stores.
//  (O) Anything else (scans, scatters with store_add, cat as sibling nests,
//      indirect accesses) is serial loops in any shape.
// Loop variables are symbols i0, i1, ... unique within a kernel; indirect
// symbols are j0, j1, .... Both may repeat in other kernels. A name that the
// graph's own symbols have is passed over.
// Each node writes buffers of its own; a buffer is written by one step, but
// where the graph itself mutates (copy_) or fills and then scatters.
// Views cost nothing: an access goes straight to the storage's buffer, by the
// view's strides and offset. Nothing is released: that is the memory plan's
// business, and so are arena offsets and alias_of.
#ifndef KILN_COMPILER_LOOPS_LOOP_IR_H_
#define KILN_COMPILER_LOOPS_LOOP_IR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/tensor/dtype.h"
#include "fake_runtime/tensor/fake_tensor.h"

namespace kiln {

struct BufferId {
  int value = -1;
  friend auto operator<=>(BufferId, BufferId) = default;
  template <typename H>
  friend H AbslHashValue(H h, BufferId id) { return H::combine(std::move(h), id.value); }
};

enum class BufferKind : uint8_t {
  kInput,         // storage of graph input `index`; data as the host gave it
  kOutput,        // storage of graph output `index`, made by new_output
  kTemporary,     // in the arena, at `arena_offset` once planned
  kExternResult,  // owned by the host, made by an owning extern call
};

// A run of memory: one storage. Element 0 is the first element that the tensor
// with storage offset 0 would see; for inputs, element 0 is the storage's first.
struct Buffer {
  BufferKind kind = BufferKind::kTemporary;
  DType dtype = DType::kFloat32;
  // Elements that must exist: max index + 1. Temporaries and outputs.
  Expr num_elements;
  int index = -1;  // graph input or output
  // Set by the memory plan; bytes.
  Expr arena_offset;
  // 0: the program's arena. k: that of the k-th step that binds symbols.
  int arena = 0;
  // A temporary or output that takes over the memory of a dead buffer (in
  // place): same index, same element order. -1: none.
  BufferId alias_of;
};

enum class ReduceKind : uint8_t {
  kSum, kProd, kMax, kMin, kAny, kAll,
  // Update takes value, index; results: 0 value, 1 index. NaN wins; of equals, as NaNs
  // are here, the smallest index does.
  kArgMax, kArgMin,
  // kArgMax but that of NaNs the largest index is taken: eager's maximum of a window.
  kWindowMax,
  kWelford,          // update takes value; results: 0 mean, 1 M2, 2 count
};

absl::string_view ReduceKindName(ReduceKind kind);  // "sum", "welford", ...
// Whether updates have an index, and results too.
inline bool HasIndex(ReduceKind kind) {
  return kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin || kind == ReduceKind::kWindowMax;
}

enum class InstKind : uint8_t {
  kConstant,    // `constant`
  kExpr,        // value of integer, float or bool expression `expr`, as dtype
  kLoad,        // buffer[expr]
  kStore,       // buffer[expr] = args[0]
  kStoreAdd,    // buffer[expr] += args[0]; only in serial order
  kScalar,      // `op`(args)
  kIndirect,    // args[0] becomes index symbol `expr`, wrapped into [0, bound);
                // out of range is KILN_ERROR_INDEX
  kAccumulate,  // declares an accumulator of `reduce` and dtype
  kUpdate,      // args[0] accumulator, args[1..] values. Of kWindowMax: an update whose
                // `expr` is greater than the last one's comes after it in the window, so
                // that it is not taken for an equal one, and for a NaN it is. (A place in
                // the padding may have any index: its value beats nothing.)
  kResult,      // args[0] accumulator, `result` which
  kRandom,      // uniform in [0, 1): Philox of (seed slot `result`, expr)
  kState,       // word `expr` of a state that says: slot `result` comes next
};

enum class ScalarOp : uint8_t {
#define KILN_SCALAR_OP(id, name, arity) id,
#include "compiler/loops/scalar_ops.def"
#undef KILN_SCALAR_OP
};
absl::string_view ScalarOpName(ScalarOp op);
int ScalarOpArity(ScalarOp op);
// eq, ne, lt, le, gt, ge: operands of one dtype, bool result.
bool IsComparison(ScalarOp op);

struct Inst {
  InstKind kind = InstKind::kConstant;
  DType dtype = DType::kFloat32;
  ScalarOp op = ScalarOp::kAdd;
  ReduceKind reduce = ReduceKind::kSum;
  absl::InlinedVector<int, 3> args;  // ids of instructions of this kernel
  ScalarValue constant;
  BufferId buffer;
  Expr expr;
  Expr bound;
  int result = 0;
};

enum class LoopKind : uint8_t { kParallel, kSerial, kVector };
absl::string_view LoopKindName(LoopKind kind);  // "parallel", ...

struct Loop;
// An instruction id, or a loop.
using Stmt = std::variant<int, std::unique_ptr<Loop>>;

struct Loop {
  LoopKind kind = LoopKind::kSerial;
  Expr variable;
  Expr extent;
  std::vector<Stmt> body;
};

enum class ApartReason : uint8_t {
#define KILN_APART_REASON(id, name, text) id,
#include "compiler/loops/apart_reasons.def"
#undef KILN_APART_REASON
};
absl::Span<const ApartReason> ApartReasons();
absl::string_view ApartReasonName(ApartReason reason);  // "few_rows"
absl::string_view ApartReasonText(ApartReason reason);  // "too few rows would be left for threads"

// An earlier kernel that shares memory with this one, and why the two are not one.
struct Apart {
  std::string kernel;
  ApartReason reason = ApartReason::kBetween;
};

struct Kernel {
  std::string name;          // "fused_add_native_layer_norm_3"
  std::vector<Inst> insts;   // by id
  std::vector<Stmt> body;
  std::vector<int> nodes;    // canonical node ids fused into it
  // Iterations of the parallel loop that one task should have at least.
  Expr grain;
  // Over size symbols: the calls in which it runs.
  Expr when = Expr::Bool(true);
  std::string why;           // the scheduler's reasons, for `kiln show`
  std::vector<Apart> apart;  // those of the joins that it refused
};

// A tensor argument of an extern op: a window into a buffer.
struct TensorOperand {
  BufferId buffer;
  DType dtype = DType::kFloat32;
  Dims sizes;
  Dims strides;
  Expr offset;
};

// Mirrors Argument, with tensors and symbolic scalars resolved.
struct Operand;
using OperandList = std::vector<Operand>;
struct Operand {
  std::variant<None, TensorOperand, Expr, double, bool, std::string, DType, Device,
               Layout, MemoryFormat, OperandList> v = None{};
};

// A size that only a call tells: `symbol` is dimension `dim` of its result `output`.
struct SizeBinding {
  Expr symbol;
  int output = 0;
  int dim = 0;
};

struct ExternCall {
  std::string op;  // "aten.addmm.out" or "aten.convolution.default"
  // True: writes `outputs`, which are buffers of the program's. False: each
  // output is a kExternResult buffer with this layout.
  bool into = false;
  std::vector<Operand> args;  // schema order, without out arguments
  std::vector<TensorOperand> outputs;  // buffer -1: not wanted
  int node = -1;
  // Canonical ids of the nodes after `node` that the operator computes with it,
  // ascending, and what they are, for `kiln show`: "gelu".
  std::vector<int> epilogue;
  std::string why;
  // Of an owning call. No step before it mentions these symbols.
  std::vector<SizeBinding> binds;
  // The arena of temporaries whose sizes it tells, set by the memory plan.
  Expr arena_bytes;
};

// The buffer's contents are not needed any more.
struct Release {
  BufferId buffer;
};

// A fact that must hold, or the call fails with KILN_ERROR_ASSERT.
struct RuntimeAssert {
  Expr condition;
  std::string message;
  int node = -1;
};

// From here on `symbol` is what the first element of `buffer` holds, i64, or f64 for a
// float symbol. No step before it mentions the symbol.
struct ReadNumber {
  Expr symbol;
  BufferId buffer;
  int node = -1;
  // As that of a call that binds sizes.
  Expr arena_bytes;
};

using Step = std::variant<Kernel, ExternCall, Release, RuntimeAssert, ReadNumber>;

// The symbols that have a value only after the step, in order; none for most steps.
std::vector<Expr> BoundSymbols(const Step& step);
inline bool BindsSymbols(const Step& step) {
  const ExternCall* call = std::get_if<ExternCall>(&step);
  return std::holds_alternative<ReadNumber>(step) || (call != nullptr && !call->binds.empty());
}

// How a graph output comes to be.
struct OutputBinding {
  enum class Kind : uint8_t { kNew, kInput, kView, kOutputView, kScalar, kNone };
  Kind kind = Kind::kNew;
  // kNew: the tensor made by new_output in `tensor.buffer`. kInput: input
  // `alias_of` itself. kView: view of input `alias_of` or of the extern result
  // in tensor.buffer. kOutputView: shares the storage of output `alias_of`.
  TensorOperand tensor;
  int alias_of = -1;
  Expr scalar;
};

struct LoopProgram {
  // Owned by the caller; outlives the program.
  ExprPool* pool = nullptr;
  // Facts for index analysis; performance guards go through it. Not owned.
  ShapeEnv* env = nullptr;
  std::vector<std::string> symbols;  // the entry's symbol order
  std::vector<Buffer> buffers;       // by BufferId
  std::vector<Step> steps;
  std::vector<OutputBinding> outputs;
  int num_inputs = 0;
  // For input i: the buffer of its storage (-1 for scalars and unread inputs).
  std::vector<BufferId> input_buffers;
  Expr arena_bytes;
};

// The buffer whose memory `id` lives in: the end of its chain of alias_of.
inline BufferId MemoryRoot(const LoopProgram& program, BufferId id) {
  while (program.buffers[id.value].alias_of.value >= 0) id = program.buffers[id.value].alias_of;
  return id;
}

// The text form; instructions with a value are numbered in printed order.
//
//   program symbols=[s0] inputs=2 {
//     buffer b0 input 0 f32[384*s0]
//     buffer b1 temporary f32[s0] at [64*s0] in b2
//     buffer b4 temporary i64[u0] at [0] of 1
//     inputs [b0, _]
//     arena 4*s0
//     kernel k3 nodes=[4, 7] grain=64 {
//       when s0 < 16
//       why "..."
//       apart from k2 few_rows
//       ...
//     }
//     extern aten.mm.out into node=5 (b0: f32[s0, 384] strides=[384, 1] offset=0, 2.5, none) -> (b1: ..., _)
//     extern lib.mm.default node=5 epilogue=[6, 7] "gelu" (b0: ...) -> (b1: ...)
//     extern aten.nonzero.default node=8 (b0: ...) -> (b3: i64[u0, 2] ...) binds [u0 0 0] arena 8*u0
//     read u1 from b5 node=9 arena 4*u1
//     release b0
//     assert node=3 "message" s0 == 4
//     return new b1: f32[s0] strides=[1] offset=0
//   }
//
// Bodies also hold `%1 = constant f32 2.5`, `%2 = expr i64 4*i0`,
// `store_add b1[i0], %1`, `indirect j0 < 384, %2`, `%4 = random f32 0, i0`,
// `%5 = random f32 0, i0, %2, %3`, `%6 = state i64 0, i0//8`.
// Returns are `new`, `input 0`, `view of 0 TENSOR`, `output_view of 0 TENSOR`,
// `scalar EXPR`, `none`. Lines that start with # are comments.
std::string PrintLoopProgram(const LoopProgram& program);
std::string PrintKernel(const Kernel& kernel);
// With the buffers that it touches, and what they are.
std::string PrintKernel(const LoopProgram& program, const Kernel& kernel);

// Reads the text form. The result has no `env`. PARSE_ERROR with the line.
absl::StatusOr<LoopProgram> ParseLoopProgram(absl::string_view text, ExprPool* pool);

// Checks the semantics above: operands defined and visible, arity, parallel
// loops outermost, vector loops innermost, buffers declared. COMPILER_BUG.
absl::Status VerifyLoopProgram(const LoopProgram& program);

struct LoweringOptions {
  // Random operators are extern calls, each of them, in the graph's order.
  bool eager_random = false;
  // What alone reads a convolution or a product is computed by the library that makes
  // it, where the host serves such an operator (epilogues.h): where that pays, and
  // with `all_epilogues` wherever it can be.
  bool library_epilogues = false;
  bool all_epilogues = false;
  // Convolutions and products whose weight is a parameter go to operators that take
  // it in the library's own layout, with an epilogue or without, where that pays.
  bool pack_weights = false;
  // Whether the library computes in bfloat16 on the target.
  bool library_bfloat16 = false;
};

// Lowers a decomposed graph: each tensor-computing node becomes kernels of its
// own (unfused) or an extern call; views become windows. `origins` gives the
// canonical node id for each node of `fake.graph` (Decompose makes it); without
// it they are the nodes' own. The program borrows `fake.env`.
// EXTERN_OP_MISSING, UNSUPPORTED_GRAPH, UNSUPPORTED_DTYPE, UNSUPPORTED_DEVICE,
// naming the node.
absl::StatusOr<LoopProgram> LowerToLoops(FakeGraph& fake, absl::Span<const std::string> host_extern_ops,
                                         absl::Span<const int> origins = {}, const LoweringOptions& options = {});

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_LOOP_IR_H_
