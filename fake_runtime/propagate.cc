// Propagate: every node's meta function, in order, over one environment.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/ops/constant_value.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/requires_grad.h"
#include "fake_runtime/ops/run_meta.h"
#include "fake_runtime/propagate_open_lists.h"
#include "fake_runtime/spread_requires_grad.h"
#include "fake_runtime/symbolic/poison_error.h"

namespace kiln {
namespace {

// Added to Limit::kRewriteSteps for each node, so that an honest graph may be as
// long as graphs may be: a broadcasting add of symbolic sizes takes 256.
constexpr int64_t kStepsOfANode = 1000;

// Symbols that stand for a size of some input by themselves: those are never
// negative, while a plain SymInt may be.
absl::flat_hash_set<Expr> SizeSymbols(const Graph& graph) {
  absl::flat_hash_set<Expr> out;
  for (const GraphInput& input : graph.inputs) {
    const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr) continue;
    for (Expr size : t->sizes) {
      if (size.kind() == ExprKind::kSymbol) out.insert(size);
    }
  }
  return out;
}

absl::Status DeclareSymbols(const Graph& graph, ShapeEnv& env) {
  const absl::flat_hash_set<Expr> sizes = SizeSymbols(graph);
  for (const SymbolDeclaration& s : graph.symbols) {
    const ValueRange natural = sizes.contains(s.symbol) ? ValueRange::AtLeast(0) : ValueRange{};
    const ValueRange range = s.range.Intersect(natural);
    const std::string where = absl::StrCat("symbol ", s.symbol.ToString());
    if (range.empty()) {
      return MakeError(ErrorReason::kBadInputMetadata,
                       absl::StrCat(where, ": it is a size, but its range is ", s.range.ToString()));
    }
    if (s.policy == DimPolicy::kUnbacked) {
      KILN_RETURN_IF_ERROR(env.AddUnbackedSymbol(s.symbol, range));
      continue;
    }
    if (!s.has_hint()) return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat(where, " has no hint"));
    if (s.float_hint.has_value()) {
      KILN_RETURN_IF_ERROR(env.AddBackedFloatSymbol(s.symbol, *s.float_hint));
      continue;
    }
    KILN_RETURN_IF_ERROR(env.AddBackedSymbol(s.symbol, *s.hint, range, natural, s.policy));
  }
  for (Expr assumption : graph.assumptions) {
    KILN_RETURN_IF_ERROR(env.AddAssumption(assumption, "the client's guard"));
  }
  return absl::OkStatus();
}

// What has hints for all its symbols has a value at them: it neither overflows nor divides by zero.
absl::Status CheckHint(const ShapeEnv& env, Expr e, absl::string_view what, int dim) {
  if (e.is_poison() || e.has_unbacked() || env.HintOf(e).has_value()) return absl::OkStatus();
  return MakeError(ErrorReason::kSizeOverflow, absl::StrCat(what, " ", dim, " of its result, ", e.ToString(),
                                                            ", overflows int64 or divides by zero at the hints"));
}

// The number of bytes that `t` reaches, at its hints, fits int64; so do its
// expressions.
absl::Status CheckTensor(const ShapeEnv& env, const FakeTensor& t) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, t.rank(), "its result"));
  std::optional<int64_t> last = env.HintOf(t.storage_offset).value_or(0);
  std::optional<int64_t> numel = 1;
  bool poison = t.storage_offset.is_poison();
  for (int d = 0; d < t.rank(); ++d) {
    for (Expr e : {t.sizes[d], t.strides[d]}) {
      if (e.is_poison() && IsLimitPoison(e)) return PoisonError(e, "a size or stride of its result");
      poison = poison || e.is_poison();
    }
    KILN_RETURN_IF_ERROR(CheckHint(env, t.sizes[d], "size", d));
    KILN_RETURN_IF_ERROR(CheckHint(env, t.strides[d], "stride", d));
    const int64_t size = t.sizes[d].is_poison() ? 1 : env.HintOf(t.sizes[d]).value_or(1);
    if (size < 0) {
      return MakeError(ErrorReason::kShapeMismatch,
                       absl::StrCat("size ", d, " of its result is ", t.sizes[d].ToString(), ", which is negative"));
    }
    if (size == 0) return absl::OkStatus();
    const int64_t stride = t.strides[d].is_poison() ? 0 : env.HintOf(t.strides[d]).value_or(0);
    const std::optional<int64_t> reach = CheckedMul(size - 1, stride);
    last = last && reach ? CheckedAdd(*last, *reach) : std::nullopt;
    numel = numel ? CheckedMul(*numel, size) : std::nullopt;
  }
  if (last) last = CheckedAdd(*last, 1);
  if (last) last = CheckedMul(*last, DTypeSizeBytes(t.dtype));
  if (numel) numel = CheckedMul(*numel, DTypeSizeBytes(t.dtype));
  if (!poison && last && numel) return absl::OkStatus();
  return MakeError(ErrorReason::kSizeOverflow,
                   absl::StrCat("the sizes or bytes of its result overflow int64: ", t.ToString()));
}

// An input lies within its storage, at its hints.
absl::Status CheckStorage(const ShapeEnv& env, const FakeTensor& t, const std::optional<Expr>& storage_bytes) {
  if (!storage_bytes.has_value()) return absl::OkStatus();
  for (Expr size : t.sizes) {
    if (env.HintOf(size) == 0) return absl::OkStatus();
  }
  const std::optional<int64_t> has = env.HintOf(*storage_bytes);
  const std::optional<int64_t> reaches = env.HintOf(SymbolicBytesReached(env.pool(), t));
  if (!has.has_value() || !reaches.has_value() || *reaches <= *has) return absl::OkStatus();
  return MakeError(ErrorReason::kBadInputMetadata,
                   absl::StrCat("it reaches ", *reaches, " bytes into a storage of ", *has));
}

// What PyTorch makes no tensor of.
absl::Status CheckMarks(const FakeTensor& t) {
  if (t.layout != Layout::kStrided)
    return MakeError(ErrorReason::kUnsupportedGraph, "its layout is not strided");
  if (t.conj_bit && !IsComplex(t.dtype)) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("it is a lazy conjugate, but ", DTypeText(t.dtype), " is not complex"));
  }
  if (t.requires_grad && !IsComplex(t.dtype) && !IsFloating(t.dtype)) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("it requires grad, but ", DTypeText(t.dtype), " is neither floating point nor complex"));
  }
  return absl::OkStatus();
}

absl::Status CheckInputs(const FakeGraph& fake) {
  // The first input of each storage.
  std::vector<const FakeTensor*> owners(fake.num_storages);
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    const FakeTensor* t = std::get_if<FakeTensor>(&fake.values[i]);
    if (t == nullptr) continue;
    absl::Status status = CheckTensor(*fake.env, *t);
    if (status.ok()) status = CheckStorage(*fake.env, *t, fake.storage_bytes[t->storage.value]);
    if (status.ok()) status = CheckMarks(*t);
    const FakeTensor*& owner = owners[t->storage.value];
    if (owner == nullptr) owner = t;
    if (status.ok() && !(t->device == owner->device)) {
      status = MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("it is on ", t->device.ToString(), ", but an earlier "
                                                                      "input that shares its storage is on ", owner->device.ToString()));
    }
    if (!status.ok()) return AddContext(status, absl::StrCat("input ", i, " (", fake.graph.inputs[i].name, ")"));
  }
  return absl::OkStatus();
}

ExprType TypeOf(const Argument& arg, absl::Span<const FakeValue> values) {
  if (arg.get_if<double>() != nullptr) return ExprType::kFloat;
  if (arg.get_if<bool>() != nullptr) return ExprType::kBool;
  if (const ValueId* id = arg.get_if<ValueId>()) {
    if (const Expr* e = std::get_if<Expr>(&values[id->value])) return e->type();
  }
  return ExprType::kInt;
}

bool FitsSlot(const OpSchema& schema, const ArgSchema& slot, const Argument& item, absl::Span<const FakeValue> values) {
  const ValueId* id = item.get_if<ValueId>();
  if (id == nullptr) return true;
  const FakeValue& value = values[id->value];
  if (std::holds_alternative<std::monostate>(value)) return slot.is_optional || slot.elements_optional;
  const bool is_tensor = std::holds_alternative<FakeTensor>(value);
  switch (slot.type) {
    case ArgType::kTensor:
      return is_tensor || schema.numbers_as_tensors;
    case ArgType::kScalar:
      return !is_tensor;
    case ArgType::kSymFloat:
      return !is_tensor && TypeOf(item, values) == ExprType::kFloat;
    case ArgType::kSymBool:
      return !is_tensor && TypeOf(item, values) == ExprType::kBool;
    case ArgType::kSymInt:
      return !is_tensor && TypeOf(item, values) == ExprType::kInt;
    default:
      return false;
  }
}

// Import accepts a scalar of unknown type anywhere and a result that may be
// None; only now their values are known.
absl::Status CheckArguments(const Node& node, absl::Span<const FakeValue> values) {
  for (size_t i = 0; i < node.args.size(); ++i) {
    const ArgSchema& slot = node.op->args[i];
    const ArgumentList* list = node.args[i].get_if<ArgumentList>();
    const absl::Span<const Argument> items =
        list != nullptr ? absl::MakeConstSpan(*list) : absl::MakeConstSpan(&node.args[i], 1);
    for (const Argument& item : items) {
      if (FitsSlot(*node.op, slot, item, values)) continue;
      return MakeError(ErrorReason::kBadArgumentType,
                       absl::StrCat("argument '", slot.name, "' is not a ", ArgTypeName(slot.type),
                                    "; schema: ", node.op->ToString()));
    }
  }
  return absl::OkStatus();
}

// A storage is as large as the largest tensor that an operator made in it: views
// stay inside, and resize_, set_ and out= make it larger.
void RecordStorage(FakeGraph& fake, const FakeTensor& t, int first_new, bool mutates) {
  const size_t id = t.storage.value;
  const bool is_new = t.storage.value >= first_new;
  if (id >= fake.storage_bytes.size()) {
    fake.storage_bytes.resize(id + 1);
    // Of an older storage, which whoever made this graph did not describe, a view says too little.
    const std::optional<int64_t> reached = is_new ? BytesReached(t) : std::nullopt;
    if (reached.has_value()) fake.storage_bytes[id] = fake.env->pool().Int(*reached);
    return;
  }
  std::optional<Expr>& bytes = fake.storage_bytes[id];
  if (!bytes.has_value() || !(mutates || is_new)) return;
  const std::optional<int64_t> reached = BytesReached(t), known = bytes->AsInt();
  if (reached.has_value() && known.has_value()) {
    bytes = fake.env->pool().Int(std::max(*known, *reached));
    return;
  }
  ExprPool& pool = fake.env->pool();
  if (!fake.env->KnownTrue(pool.Le(SymbolicBytesReached(pool, t), *bytes))) bytes.reset();
}

void RecordConstant(FakeGraph& fake, int value) {
  const FakeTensor* t = std::get_if<FakeTensor>(&fake.values[value]);
  if (t != nullptr && t->constant.has_value()) (*fake.constants)[t->storage.value].push_back(value);
}

std::vector<int>& ConstantsIn(FakeGraph& fake, StorageId storage) {
  if (!fake.constants.has_value()) {
    fake.constants.emplace();
    for (size_t v = 0; v < fake.values.size(); ++v) RecordConstant(fake, static_cast<int>(v));
  }
  return (*fake.constants)[storage.value];
}

absl::Status StoreOutputs(FakeGraph& fake, const Node& node, MetaContext& ctx, int first_new) {
  std::vector<MetaContext::Returned>& returned = ctx.mutable_returned();
  if (returned.size() != node.outputs.size()) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("its meta function gave ", returned.size(), " results for ",
                                                             node.outputs.size()));
  }
  for (size_t r = 0; r < returned.size(); ++r) {
    const NodeOutput& output = node.outputs[r];
    std::vector<FakeValue>& values = returned[r].values;
    if (output.values.size() != values.size()) {
      return MakeError(ErrorReason::kBadArgumentCount, absl::StrCat("it names ", output.values.size(), " results of a list of ",
                                                                    values.size()));
    }
    for (size_t k = 0; k < values.size(); ++k) {
      if (const FakeTensor* t = std::get_if<FakeTensor>(&values[k])) {
        KILN_RETURN_IF_ERROR(CheckTensor(*fake.env, *t));
        RecordStorage(fake, *t, first_new, node.op->is_mutating());
      }
      fake.values[output.values[k].value] = std::move(values[k]);
      if (fake.constants.has_value()) RecordConstant(fake, output.values[k].value);
    }
  }
  return absl::OkStatus();
}

int SameTensor(const FakeGraph& fake, int value) {
  auto it = fake.same_tensor.find(value);
  return it == fake.same_tensor.end() ? value : it->second;
}

// The storage of `written` has other data. Constants in it are known no more, or
// are the one element that was written and whose value is known; an input that
// began in it is written.
void MarkDataWritten(FakeGraph& fake, const FakeTensor& written) {
  const StorageId storage = written.storage;
  std::vector<int>& constants = ConstantsIn(fake, storage);
  fake.env->pool().Spend(static_cast<int64_t>(constants.size()));
  size_t known = 0;
  for (int value : constants) {
    FakeTensor* t = std::get_if<FakeTensor>(&fake.values[value]);
    if (t == nullptr || !t->constant.has_value() || t->storage != storage) continue;
    const bool same_element = t->storage_offset == written.storage_offset && t->dtype == written.dtype;
    t->constant = same_element ? written.constant : std::nullopt;
    if (t->constant.has_value()) constants[known++] = value;
  }
  constants.resize(known);
  // Decompositions propagate nodes of graphs that they began themselves.
  fake.input_writes.resize(fake.graph.inputs.size());
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    const FakeTensor* t = std::get_if<FakeTensor>(&fake.graph.inputs[i].value);
    if (t != nullptr && t->storage == storage) fake.input_writes[i].data = true;
  }
}

bool SameMetadata(const FakeTensor& a, const FakeTensor& b) {
  return a.storage == b.storage && a.storage_offset == b.storage_offset && a.dtype == b.dtype && a.sizes == b.sizes &&
         a.strides == b.strides;
}

// The result that is written argument `arg`, or -1.
int WrittenResult(const Node& node, int arg) {
  const ArgSchema& slot = node.op->args[arg];
  for (size_t r = 0; r < node.outputs.size(); ++r) {
    const ReturnSchema& ret = node.op->returns[r];
    if (ret.is_written && !ret.is_list && !slot.is_list && ret.alias == slot.alias) return node.outputs[r].values[0].value;
  }
  return -1;
}

// Every value that is the tensor `value` has now the metadata of `result`, which
// is that tensor as well.
void BecomeResult(FakeGraph& fake, int value, int result) {
  const int first = SameTensor(fake, value);
  const FakeTensor* now = std::get_if<FakeTensor>(&fake.values[result]);
  FakeTensor* was = std::get_if<FakeTensor>(&fake.values[first]);
  if (now == nullptr || was == nullptr) return;
  fake.same_tensor[result] = first;
  std::vector<int>& names = fake.names_of_tensor[first];
  if (!SameMetadata(*was, *now)) {
    fake.env->pool().Spend(static_cast<int64_t>(names.size()));
    const bool moves = fake.constants.has_value() && was->storage != now->storage;
    *was = *now;
    if (moves) RecordConstant(fake, first);
    for (int other : names) {
      fake.values[other] = *now;
      if (moves) RecordConstant(fake, other);
    }
  }
  names.push_back(result);
}

// What a node wrote: data of the storages of its written arguments, and metadata,
// which in-place operators on views and out= change.
void ApplyWrites(FakeGraph& fake, const Node& node, MetaContext& ctx) {
  const bool writes_data = !RowOf(*node.op).has(kTagInplaceView);
  for (int i : ctx.written()) {
    const int result = WrittenResult(node, i);
    VisitValues(node.args[i], [&](ValueId id) {
      const FakeTensor* written = std::get_if<FakeTensor>(&fake.values[id.value]);
      if (written == nullptr) return;
      fake.env->data_memo().Forget(written->storage.value);
      if (result >= 0) SpreadRequiresGrad(fake, node, id.value, result);
      const FakeTensor* now = result >= 0 ? std::get_if<FakeTensor>(&fake.values[result]) : nullptr;
      if (writes_data) {
        FakeTensor to = *written;
        to.constant = now != nullptr ? now->constant : std::nullopt;
        MarkDataWritten(fake, to);
      }
      if (result >= 0) BecomeResult(fake, id.value, result);
    });
  }
}

enum class Lists {
  kNamed,  // every result of a list has a name
  kOpen,   // a list may have more results than names
};

// The results of `node`'s lists that have no value yet get one each.
void AddUnnamedResults(FakeGraph& fake, Node& node, const MetaContext& ctx) {
  const std::vector<MetaContext::Returned>& returned = ctx.returned();
  for (size_t r = 0; r < std::min(returned.size(), node.outputs.size()); ++r) {
    NodeOutput& output = node.outputs[r];
    if (!output.is_list) continue;
    while (output.values.size() < returned[r].values.size()) {
      output.values.push_back(ValueId{fake.graph.num_values()});
      fake.graph.value_names.emplace_back();
      fake.values.emplace_back();
    }
  }
}

absl::Status RunNode(FakeGraph& fake, Node& node, Lists lists) {
  KILN_RETURN_IF_ERROR(CheckArguments(node, fake.values));
  const int first_new = fake.num_storages;
  MetaContext ctx(*node.op, node.args, fake.values, fake.env.get(), &fake.num_storages);
  ctx.SetStorageBytes(fake.storage_bytes);
  KILN_RETURN_IF_ERROR(RunMeta(RowOf(*node.op), ctx));
  SetRequiresGrad(RowOf(*node.op), ctx);
  if (const std::optional<ScalarValue> constant = ConstantResult(RowOf(*node.op), ctx)) {
    std::get<FakeTensor>(ctx.mutable_returned()[0].values[0]).constant = constant;
  }
  if (lists == Lists::kOpen) AddUnnamedResults(fake, node, ctx);
  KILN_RETURN_IF_ERROR(StoreOutputs(fake, node, ctx, first_new));
  if (!ctx.written().empty()) ApplyWrites(fake, node, ctx);
  return absl::OkStatus();
}

absl::Status PropagateOneNode(FakeGraph& fake, int node, Lists lists) {
  Node& n = fake.graph.nodes[node];
  fake.values.resize(std::max<size_t>(fake.values.size(), fake.graph.num_values()));
  fake.env->SetReason({node, n.op->name, "", n.location});
  absl::Status status = RunNode(fake, n, lists);
  // Past a limit whatever else went wrong is a consequence.
  if (absl::Status limit = fake.env->LimitStatus(); !limit.ok()) status = limit;
  return status.ok() ? status : AddContext(status, DescribeNode(fake.graph, node));
}

absl::StatusOr<FakeGraph> PropagateGraph(Graph graph, ExprPool* pool, Lists lists) {
  FakeGraph fake;
  fake.graph = std::move(graph);
  fake.env = std::make_unique<ShapeEnv>(pool);
  pool->Refill(kStepsOfANode * static_cast<int64_t>(fake.graph.nodes.size()));
  KILN_RETURN_IF_ERROR(DeclareSymbols(fake.graph, *fake.env));
  fake.values.resize(fake.graph.num_values());
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    fake.values[i] = fake.graph.inputs[i].value;
    if (FakeTensor* t = std::get_if<FakeTensor>(&fake.values[i])) {
      fake.num_storages = std::max(fake.num_storages, t->storage.value + 1);
    }
  }
  fake.storage_bytes.resize(fake.num_storages);
  for (const GraphInput& input : fake.graph.inputs) {
    if (!input.storage_bytes.has_value()) continue;
    fake.storage_bytes[std::get<FakeTensor>(input.value).storage.value] = input.storage_bytes;
  }
  fake.input_writes.resize(fake.graph.inputs.size());
  KILN_RETURN_IF_ERROR(CheckInputs(fake));
  for (size_t node = 0; node < fake.graph.nodes.size(); ++node) {
    KILN_RETURN_IF_ERROR(PropagateOneNode(fake, static_cast<int>(node), lists));
  }
  // What comes after has a budget of its own.
  pool->Refill();
  // Who propagates a node again asks of the data as they were then.
  fake.env->data_memo().Clear();
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    const FakeTensor* before = std::get_if<FakeTensor>(&fake.graph.inputs[i].value);
    if (before != nullptr) fake.input_writes[i].metadata = !SameMetadata(*before, fake.tensor(ValueId{static_cast<int>(i)}));
  }
  return fake;
}

}  // namespace

absl::Status PropagateNode(FakeGraph& fake, int node) {
  // The caller may have put values there.
  fake.constants.reset();
  return PropagateOneNode(fake, node, Lists::kNamed);
}

absl::StatusOr<FakeGraph> Propagate(Graph graph, ExprPool* pool) {
  return PropagateGraph(std::move(graph), pool, Lists::kNamed);
}

absl::StatusOr<FakeGraph> PropagateOpenLists(Graph graph, ExprPool* pool) {
  return PropagateGraph(std::move(graph), pool, Lists::kOpen);
}

}  // namespace kiln
