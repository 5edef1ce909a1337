#include "compiler/loops/kernel_builder.h"

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {

KernelBuilder::KernelBuilder(ExprPool* pool, const absl::flat_hash_set<std::string>* taken, std::string name)
    : pool_(pool), taken_(taken) {
  kernel_.name = std::move(name);
}

std::vector<Stmt>& KernelBuilder::body() { return open_.empty() ? kernel_.body : open_.back()->body; }

int KernelBuilder::Add(Inst inst) {
  int id = static_cast<int>(kernel_.insts.size());
  kernel_.insts.push_back(std::move(inst));
  body().emplace_back(id);
  return id;
}

Expr KernelBuilder::FreshSymbol(char prefix, int* next) {
  std::string name;
  do {
    name = absl::StrCat(std::string(1, prefix), (*next)++);
  } while (taken_->contains(name));
  return pool_->Symbol(name);
}

Expr KernelBuilder::BeginLoop(Expr extent) {
  made_.push_back(!extent.IsInt(1));
  if (extent.IsInt(1)) return Expr(0);
  auto loop = std::make_unique<Loop>();
  loop->variable = FreshSymbol('i', &next_variable_);
  loop->extent = extent;
  Loop* raw = loop.get();
  body().emplace_back(std::move(loop));
  open_.push_back(raw);
  return raw->variable;
}

void KernelBuilder::EndLoop() {
  if (made_.back()) open_.pop_back();
  made_.pop_back();
}

Dims KernelBuilder::BeginNest(absl::Span<const Expr> sizes) {
  Dims indices;
  for (Expr size : sizes) indices.push_back(BeginLoop(size));
  return indices;
}

void KernelBuilder::EndNest(absl::Span<const Expr> indices) {
  for (size_t i = 0; i < indices.size(); ++i) EndLoop();
}

Val KernelBuilder::Constant(DType dtype, double value) {
  if (IsIntegralOrBool(dtype)) return Constant(dtype, static_cast<int64_t>(value));
  Inst inst;
  inst.kind = InstKind::kConstant;
  inst.dtype = dtype;
  inst.constant.type = ExprType::kFloat;
  inst.constant.f = value;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Constant(DType dtype, int64_t value) {
  if (dtype == DType::kBool) return ConstantBool(value != 0);
  if (!IsIntegralOrBool(dtype)) return Constant(dtype, static_cast<double>(value));
  Inst inst;
  inst.kind = InstKind::kConstant;
  inst.dtype = dtype;
  inst.constant.i = value;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::ConstantBool(bool value) {
  Inst inst;
  inst.kind = InstKind::kConstant;
  inst.dtype = DType::kBool;
  inst.constant.type = ExprType::kBool;
  inst.constant.i = value;
  return {Add(std::move(inst)), DType::kBool};
}

Val KernelBuilder::FromExpr(DType dtype, Expr e) {
  if (std::optional<int64_t> i = e.AsInt(); i.has_value()) return Constant(dtype, *i);
  if (std::optional<double> f = e.AsFloat(); f.has_value()) return Constant(dtype, *f);
  if (std::optional<bool> b = e.AsBool(); b.has_value()) return Cast(ConstantBool(*b), dtype);
  Inst inst;
  inst.kind = InstKind::kExpr;
  inst.dtype = dtype;
  inst.expr = e;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Load(BufferId buffer, DType buffer_dtype, Expr index) {
  Inst inst;
  inst.kind = InstKind::kLoad;
  inst.dtype = ComputationDType(buffer_dtype);
  inst.buffer = buffer;
  inst.expr = index;
  DType dtype = inst.dtype;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Cast(Val v, DType dtype) {
  dtype = ComputationDType(dtype);
  if (v.dtype == dtype) return v;
  Inst inst;
  inst.kind = InstKind::kScalar;
  inst.op = ScalarOp::kCast;
  inst.dtype = dtype;
  inst.args = {v.id};
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Op(ScalarOp op, Val a) {
  Inst inst;
  inst.kind = InstKind::kScalar;
  inst.op = op;
  bool tests = op == ScalarOp::kIsNan || op == ScalarOp::kIsInf || op == ScalarOp::kNot;
  inst.dtype = tests ? DType::kBool : a.dtype;
  inst.args = {a.id};
  DType dtype = inst.dtype;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Op(ScalarOp op, Val a, Val b) {
  Inst inst;
  inst.kind = InstKind::kScalar;
  inst.op = op;
  inst.dtype = IsComparison(op) ? DType::kBool : a.dtype;
  inst.args = {a.id, b.id};
  DType dtype = inst.dtype;
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::Where(Val condition, Val a, Val b) {
  Inst inst;
  inst.kind = InstKind::kScalar;
  inst.op = ScalarOp::kWhere;
  inst.dtype = a.dtype;
  inst.args = {condition.id, a.id, b.id};
  return {Add(std::move(inst)), a.dtype};
}

Val KernelBuilder::Random(DType dtype, int seed_slot, Expr counter, absl::Span<const Val> by) {
  Inst inst;
  inst.kind = InstKind::kRandom;
  inst.dtype = dtype;
  inst.result = seed_slot;
  inst.expr = counter;
  for (const Val& v : by) inst.args.push_back(v.id);
  return {Add(std::move(inst)), dtype};
}

Val KernelBuilder::State(int seed_slot, Expr word, absl::Span<const Val> by) {
  Inst inst;
  inst.kind = InstKind::kState;
  inst.dtype = DType::kInt64;
  inst.result = seed_slot;
  inst.expr = word;
  for (const Val& v : by) inst.args.push_back(v.id);
  return {Add(std::move(inst)), DType::kInt64};
}

void KernelBuilder::Store(BufferId buffer, DType buffer_dtype, Expr index, Val v) {
  v = Cast(v, buffer_dtype);
  Inst inst;
  inst.kind = InstKind::kStore;
  inst.dtype = v.dtype;
  inst.buffer = buffer;
  inst.expr = index;
  inst.args = {v.id};
  Add(std::move(inst));
}

void KernelBuilder::StoreAdd(BufferId buffer, DType buffer_dtype, Expr index, Val v) {
  v = Cast(v, buffer_dtype);
  Inst inst;
  inst.kind = InstKind::kStoreAdd;
  inst.dtype = v.dtype;
  inst.buffer = buffer;
  inst.expr = index;
  inst.args = {v.id};
  Add(std::move(inst));
}

Expr KernelBuilder::Indirect(Val index, Expr bound) {
  index = Cast(index, DType::kInt64);
  Inst inst;
  inst.kind = InstKind::kIndirect;
  inst.dtype = DType::kInt64;
  inst.expr = FreshSymbol('j', &next_indirect_);
  inst.bound = bound;
  inst.args = {index.id};
  Expr symbol = inst.expr;
  Add(std::move(inst));
  return symbol;
}

Val KernelBuilder::Accumulate(ReduceKind kind, DType dtype) {
  Inst inst;
  inst.kind = InstKind::kAccumulate;
  inst.reduce = kind;
  inst.dtype = dtype;
  return {Add(std::move(inst)), dtype};
}

void KernelBuilder::Update(Val accumulator, Val value) {
  Inst inst;
  inst.kind = InstKind::kUpdate;
  inst.dtype = value.dtype;
  inst.args = {accumulator.id, value.id};
  Add(std::move(inst));
}

void KernelBuilder::Update(Val accumulator, Val value, Val index, Expr order) {
  Inst inst;
  inst.kind = InstKind::kUpdate;
  inst.expr = order;
  inst.dtype = index.dtype;
  inst.args = {accumulator.id, value.id, index.id};
  Add(std::move(inst));
}

Val KernelBuilder::Result(Val accumulator, int which) {
  bool indexed = HasIndex(kernel_.insts[accumulator.id].reduce);
  Inst inst;
  inst.kind = InstKind::kResult;
  inst.dtype = indexed && which == 1 ? DType::kInt64 : accumulator.dtype;
  inst.result = which;
  inst.args = {accumulator.id};
  DType dtype = inst.dtype;
  return {Add(std::move(inst)), dtype};
}

Expr KernelBuilder::StrideInside(Expr stride) {
  if (!stride.has_symbols()) return stride;
  auto found = strides_inside_.find(stride);
  if (found != strides_inside_.end()) return found->second;
  absl::Span<const Expr> args = stride.args();
  Expr inside = stride;
  if (stride.kind() == ExprKind::kMax && args.size() == 2 && (args[0].IsInt(1) || args[1].IsInt(1))) {
    inside = StrideInside(args[0].IsInt(1) ? args[1] : args[0]);
  } else if (stride.kind() == ExprKind::kAdd || stride.kind() == ExprKind::kMul || stride.kind() == ExprKind::kPow) {
    std::vector<Expr> parts;
    for (Expr arg : args) parts.push_back(StrideInside(arg));
    inside = pool_->Make(stride.kind(), parts);
  }
  strides_inside_[stride] = inside;
  return inside;
}

Expr KernelBuilder::Index(const TensorOperand& window, absl::Span<const Expr> indices) {
  std::vector<Expr> terms = {window.offset};
  for (size_t d = 0; d < indices.size(); ++d) terms.push_back(pool_->Mul(StrideInside(window.strides[d]), indices[d]));
  return pool_->Add(terms);
}

namespace {

// Loops that never run go: later stages divide by extents.
void DropEmptyLoops(std::vector<Stmt>& body) {
  std::erase_if(body, [](Stmt& stmt) {
    auto* loop = std::get_if<std::unique_ptr<Loop>>(&stmt);
    if (loop == nullptr) return false;
    DropEmptyLoops((*loop)->body);
    return (*loop)->extent.IsInt(0) || (*loop)->body.empty();
  });
}

void VisitPlaced(const std::vector<Stmt>& body, const std::function<void(int id)>& visit) {
  for (const Stmt& stmt : body) {
    if (const int* id = std::get_if<int>(&stmt)) {
      visit(*id);
    } else {
      VisitPlaced(std::get<std::unique_ptr<Loop>>(stmt)->body, visit);
    }
  }
}

// What a reduction of no elements gives. The largest of nothing is refused before.
double IdentityOf(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::kProd:
    case ReduceKind::kAll: return 1;
    case ReduceKind::kMax:
    case ReduceKind::kArgMax:
    case ReduceKind::kWindowMax: return -std::numeric_limits<double>::infinity();
    case ReduceKind::kMin:
    case ReduceKind::kArgMin: return std::numeric_limits<double>::infinity();
    case ReduceKind::kSum:
    case ReduceKind::kAny:
    case ReduceKind::kWelford: return 0;
  }
  return 0;
}

void EraseInsts(std::vector<Stmt>& body, const absl::flat_hash_set<int>& ids) {
  std::erase_if(body, [&](Stmt& stmt) {
    if (const int* id = std::get_if<int>(&stmt)) return ids.contains(*id);
    EraseInsts(std::get<std::unique_ptr<Loop>>(stmt)->body, ids);
    return false;
  });
}

// An accumulator whose loop never runs is what it starts with, a constant: later
// stages know reductions by their loops.
void ReplaceIdleAccumulators(Kernel& kernel) {
  absl::flat_hash_set<int> idle;
  VisitPlaced(kernel.body, [&](int id) {
    if (kernel.insts[id].kind == InstKind::kAccumulate) idle.insert(id);
  });
  VisitPlaced(kernel.body, [&](int id) {
    if (kernel.insts[id].kind == InstKind::kUpdate) idle.erase(kernel.insts[id].args[0]);
  });
  if (idle.empty()) return;
  VisitPlaced(kernel.body, [&](int id) {
    Inst& inst = kernel.insts[id];
    if (inst.kind != InstKind::kResult || !idle.contains(inst.args[0])) return;
    const double identity = IdentityOf(kernel.insts[inst.args[0]].reduce);
    Inst constant;
    constant.dtype = inst.dtype;
    if (IsFloating(inst.dtype)) {
      constant.constant.type = ExprType::kFloat;
      constant.constant.f = identity;
    } else if (std::isfinite(identity)) {
      constant.constant.i = static_cast<int64_t>(identity);
    }
    inst = constant;
  });
  EraseInsts(kernel.body, idle);
}

}  // namespace

Kernel KernelBuilder::Finish(int node) && {
  DropEmptyLoops(kernel_.body);
  ReplaceIdleAccumulators(kernel_);
  kernel_.nodes = {node};
  return std::move(kernel_);
}

}  // namespace kiln
