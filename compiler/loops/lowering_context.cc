#include "compiler/loops/lowering_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/loops/dense_places.h"

namespace kiln {

Expr WindowExtent(ShapeEnv& env, const TensorOperand& window) {
  ExprPool& pool = env.pool();
  if (DensePlaces(pool, window).has_value()) return pool.Add(window.offset, Numel(pool, window.sizes));
  // Where some dimension is empty the sum may be negative or too large, which
  // only wastes memory.
  std::vector<Expr> terms = {window.offset, Expr(1)};
  for (size_t d = 0; d < window.sizes.size(); ++d) {
    terms.push_back(pool.Mul(window.strides[d], pool.Sub(window.sizes[d], Expr(1))));
  }
  Expr extent = env.Simplify(pool.Add(terms));
  return env.KnownTrue(pool.Ge(extent, Expr(0))) ? extent : pool.Max(Expr(0), extent);
}

TensorOperand LoweringState::WindowOf(const FakeTensor& t) {
  TensorOperand window;
  if (t.storage.value >= 0 && t.storage.value < static_cast<int>(storages.size())) {
    window.buffer = storages[t.storage.value];
  }
  window.dtype = t.dtype;
  for (Expr size : t.sizes) window.sizes.push_back(fake.env->Simplify(size));
  for (Expr stride : t.strides) window.strides.push_back(fake.env->Simplify(stride));
  window.offset = fake.env->Simplify(t.storage_offset);
  return window;
}

BufferId LoweringState::NewBuffer(const FakeTensor& t, BufferKind kind) {
  Buffer buffer;
  buffer.kind = kind;
  buffer.dtype = t.dtype;
  buffer.num_elements = WindowExtent(*fake.env, WindowOf(t));
  BufferId id{static_cast<int>(program.buffers.size())};
  program.buffers.push_back(buffer);
  if (t.storage.value >= 0) {
    if (static_cast<int>(storages.size()) <= t.storage.value) storages.resize(t.storage.value + 1);
    storages[t.storage.value] = id;
  }
  return id;
}

BufferId LoweringState::NewTemporary(DType dtype, Expr num_elements) {
  Buffer buffer;
  buffer.dtype = dtype;
  buffer.num_elements = num_elements;
  program.buffers.push_back(buffer);
  return BufferId{static_cast<int>(program.buffers.size()) - 1};
}

bool LoweringState::AreSymbolsKnown(Expr e) const {
  bool known = true;
  VisitSymbols(e, [&](Expr symbol) { known &= taken_names.contains(symbol.symbol_name()); });
  return known;
}

bool LoweringState::HostServes(absl::string_view op) const {
  return std::any_of(host_extern_ops.begin(), host_extern_ops.end(), [&](const std::string& pattern) {
    return pattern == op || (absl::EndsWith(pattern, "*") &&
                             absl::StartsWith(op, absl::string_view(pattern).substr(0, pattern.size() - 1)));
  });
}

LoweringContext::LoweringContext(LoweringState& state, int node)
    : state_(state),
      node_(node),
      next_storage_(state.fake.num_storages),
      args_(*state.fake.graph.nodes[node].op, state.fake.graph.nodes[node].args, state.fake.values,
            state.fake.env.get(), &next_storage_) {}

TensorOperand LoweringContext::In(int arg) { return state_.WindowOf(args_.Tensor(arg)); }

ValueId LoweringContext::OutValue(int i) const {
  for (const NodeOutput& output : node().outputs) {
    if (i < static_cast<int>(output.values.size())) return output.values[i];
    i -= static_cast<int>(output.values.size());
  }
  return ValueId{};
}

const FakeTensor& LoweringContext::OutTensor(int i) const { return state_.fake.tensor(OutValue(i)); }

TensorOperand LoweringContext::Out(int i) {
  const FakeTensor& t = OutTensor(i);
  if (state_.WindowOf(t).buffer.value < 0) state_.NewBuffer(t, BufferKind::kTemporary);
  return state_.WindowOf(t);
}

bool LoweringContext::CanTakeOver(int arg) {
  const FakeTensor& from = args_.Tensor(arg);
  const FakeTensor& to = OutTensor();
  const bool is_made = from.storage.value >= 0 && from.storage.value < static_cast<int>(state_.last_use.size());
  if (!is_made || to.storage.value < 0 || state_.last_use[from.storage.value] != node_) return false;
  const TensorOperand window = state_.WindowOf(from);
  if (window.buffer.value < 0 || state_.program.buffers[window.buffer.value].kind != BufferKind::kTemporary) return false;
  if (state_.WindowOf(to).buffer.value >= 0) return false;
  // The whole of the storage, laid out alike.
  const bool is_alike = from.dtype == to.dtype && from.sizes == to.sizes && from.strides == to.strides &&
                        from.storage_offset == to.storage_offset &&
                        WindowExtent(env(), window) == state_.program.buffers[window.buffer.value].num_elements;
  if (!is_alike) return false;
  // Another argument must not see what is written.
  int readers = 0;
  for (const Argument& argument : node().args) {
    VisitValues(argument, [&](ValueId id) {
      const FakeTensor* t = std::get_if<FakeTensor>(&state_.fake.values[id.value]);
      if (t != nullptr && t->storage == from.storage) ++readers;
    });
  }
  return readers == 1;
}

TensorOperand LoweringContext::OutFrom(int arg) {
  if (CanTakeOver(arg)) {
    const StorageId storage = OutTensor().storage;
    if (static_cast<int>(state_.storages.size()) <= storage.value) state_.storages.resize(storage.value + 1);
    state_.storages[storage.value] = In(arg).buffer;
    return Out();
  }
  const TensorOperand from = In(arg);
  const TensorOperand out = Out();
  KernelBuilder b = NewKernel();
  CopyNest(b, out, from);
  Emit(std::move(b));
  return out;
}

KernelBuilder LoweringContext::NewKernel() {
  // "aten.add.Tensor" gives "add_7".
  std::vector<std::string> parts = absl::StrSplit(node().op->name, '.');
  std::string name = parts.size() > 1 ? parts[1] : parts[0];
  absl::StrAppend(&name, "_", node_id());
  if (num_kernels_ > 0) absl::StrAppend(&name, "_", num_kernels_);
  ++num_kernels_;
  return KernelBuilder(&pool(), &state_.taken_names, std::move(name));
}

void LoweringContext::Emit(KernelBuilder kernel) {
  Kernel finished = std::move(kernel).Finish(node_id());
  // Of an empty tensor nothing is left to do.
  if (!finished.body.empty()) state_.program.steps.emplace_back(std::move(finished));
}

void LoweringContext::EmitExtern(ExternCall call) {
  call.node = node_id();
  state_.program.steps.emplace_back(std::move(call));
}

absl::Status LoweringContext::Fail(ErrorReason reason, absl::string_view message) const {
  std::string where = DescribeNode(node_id(), node().op->name, node().location);
  return MakeError(reason, absl::StrCat(where, ": ", message));
}

Expr BroadcastIndex(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices) {
  ExprPool& pool = b.pool();
  std::vector<Expr> terms = {window.offset};
  size_t skip = indices.size() - window.sizes.size();
  for (size_t d = 0; d < window.sizes.size(); ++d) {
    if (window.sizes[d].IsInt(1)) continue;
    terms.push_back(pool.Mul(b.StrideInside(window.strides[d]), indices[skip + d]));
  }
  return pool.Add(terms);
}

Val LoadBroadcast(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices) {
  return b.Load(window.buffer, window.dtype, BroadcastIndex(b, window, indices));
}

void StoreAt(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> indices, Val v) {
  b.Store(window.buffer, window.dtype, b.Index(window, indices), v);
}

void CopyNest(KernelBuilder& b, const TensorOperand& to, const TensorOperand& from) {
  Dims i = b.BeginNest(to.sizes);
  StoreAt(b, to, i, LoadBroadcast(b, from, i));
  b.EndNest(i);
}

TensorOperand SliceWindow(ExprPool& pool, TensorOperand window, int dim, Expr start, Expr length, Expr step) {
  window.offset = pool.Add(window.offset, pool.Mul(window.strides[dim], start));
  window.strides[dim] = pool.Mul(window.strides[dim], step);
  window.sizes[dim] = length;
  return window;
}

TensorOperand SelectWindow(ExprPool& pool, TensorOperand window, int dim, Expr index) {
  window.offset = pool.Add(window.offset, pool.Mul(window.strides[dim], index));
  window.sizes.erase(window.sizes.begin() + dim);
  window.strides.erase(window.strides.begin() + dim);
  return window;
}

TensorOperand AtLeastVector(TensorOperand window) {
  if (window.sizes.empty()) {
    window.sizes.emplace_back(1);
    window.strides.emplace_back(1);
  }
  return window;
}

void FillNest(KernelBuilder& b, const TensorOperand& to, Expr scalar) {
  Dims i = b.BeginNest(to.sizes);
  StoreAt(b, to, i, b.FromExpr(ComputationDType(to.dtype), scalar));
  b.EndNest(i);
}

}  // namespace kiln
