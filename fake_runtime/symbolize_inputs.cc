#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {
namespace {

// Makes symbols for plain sizes and declares them. With duck shaping one symbol
// serves all equal sizes of one policy.
class Symbolizer {
 public:
  Symbolizer(Graph& graph, ExprPool* pool, const SymbolizeOptions& options)
      : graph_(graph), pool_(pool), options_(options) {
    for (const SymbolDeclaration& s : graph.symbols) taken_.emplace(std::string(s.symbol.symbol_name()), true);
  }

  Expr SymbolFor(int64_t size, DimPolicy policy) {
    if (options_.specialize_zero_one && size <= 1 && policy == DimPolicy::kAutomatic) return Expr(size);
    const bool duck = options_.duck_shape && policy == DimPolicy::kAutomatic;
    if (duck) {
      auto it = by_size_.find(size);
      if (it != by_size_.end()) return it->second;
    }
    std::string name;
    do {
      name = absl::StrCat("s", next_++);
    } while (taken_.contains(name));
    SymbolDeclaration declaration;
    declaration.symbol = pool_->Symbol(name);
    declaration.hint = size;
    declaration.policy = policy;
    declaration.range = ValueRange::AtLeast(options_.specialize_zero_one && size >= 2 ? 2 : 0);
    graph_.symbols.push_back(declaration);
    if (duck) by_size_.emplace(size, declaration.symbol);
    return declaration.symbol;
  }

 private:
  Graph& graph_;
  ExprPool* pool_;
  const SymbolizeOptions& options_;
  absl::flat_hash_map<std::string, bool> taken_;
  absl::flat_hash_map<int64_t, Expr> by_size_;
  int next_ = 0;
};

// Which dimension's size times its stride is `t.strides[d]`, or nullopt. That is
// how a dense layout, in whatever order, is seen: torch's stride inference.
std::optional<int> InnerDimension(const FakeTensor& t, int d) {
  for (int inner = t.rank() - 1; inner >= 0; --inner) {
    if (inner == d) continue;
    const std::optional<int64_t> size = t.sizes[inner].AsInt(), stride = t.strides[inner].AsInt();
    const std::optional<int64_t> outer = t.strides[d].AsInt();
    if (!size || !stride || !outer || *size == 0 || *stride == 0) continue;
    // A dimension of size 1 has its neighbour's stride; it may only be inside of
    // dimensions before it, or the two would define each other.
    if (*size == 1 && inner < d) continue;
    if (*outer / *size == *stride && *outer % *size == 0) return inner;
  }
  return std::nullopt;
}

// The stride of dimension `d` in terms of symbolic sizes where it is dense over
// another dimension, else the integer that it is. `depth` bounds the walk.
Expr SymbolicStride(ExprPool& pool, const FakeTensor& plain, const Dims& sizes, int d, int depth) {
  const Expr stride = plain.strides[d];
  if (stride.IsInt(0) || stride.IsInt(1) || depth > plain.rank()) return stride;
  const std::optional<int> inner = InnerDimension(plain, d);
  if (!inner.has_value()) return stride;
  return pool.Mul(sizes[*inner], SymbolicStride(pool, plain, sizes, *inner, depth + 1));
}

bool IsPlain(const FakeTensor& t) {
  for (int d = 0; d < t.rank(); ++d) {
    if (t.sizes[d].has_symbols() || t.strides[d].has_symbols()) return false;
  }
  return true;
}

bool IsContiguous(ExprPool& pool, const FakeTensor& t) {
  Expr expected(1);
  for (int d = t.rank() - 1; d >= 0; --d) {
    if (!(t.strides[d] == expected)) return false;
    if (!t.sizes[d].IsInt(0)) expected = pool.Mul(expected, t.sizes[d]);
  }
  return true;
}

}  // namespace

absl::Status SymbolizeInputs(Graph& graph, ExprPool* pool, const SymbolizeOptions& options) {
  Symbolizer symbolizer(graph, pool, options);
  for (GraphInput& input : graph.inputs) {
    FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr || !IsPlain(*t)) continue;
    const FakeTensor plain = *t;
    const int64_t reached = BytesReached(plain).value_or(0);
    const bool fills = reached > 0 && input.storage_bytes.has_value() && input.storage_bytes->IsInt(reached);
    for (int d = 0; d < t->rank(); ++d) {
      const DimPolicy policy = input.policies.empty() ? DimPolicy::kAutomatic : input.policies[d];
      if (policy == DimPolicy::kStatic) continue;
      const std::optional<int64_t> size = t->sizes[d].AsInt();
      if (!size.has_value()) {
        return MakeError(ErrorReason::kBadInputMetadata,
                         absl::StrCat("input ", input.name, ": size ", d, " is ", t->sizes[d].ToString(), ", not an integer"));
      }
      if (policy != DimPolicy::kUnbacked) t->sizes[d] = symbolizer.SymbolFor(*size, policy);
    }
    if (IsContiguous(*pool, plain)) {
      Expr stride(1);
      for (int d = t->rank() - 1; d >= 0; --d) {
        t->strides[d] = stride;
        stride = pool->Mul(stride, options.specialize_zero_one ? t->sizes[d] : pool->Max(t->sizes[d], Expr(1)));
        if (plain.sizes[d].IsInt(0)) stride = t->strides[d];
      }
    } else {
      for (int d = 0; d < t->rank(); ++d) t->strides[d] = SymbolicStride(*pool, plain, t->sizes, d, 0);
    }
    // A storage that ends with its tensor goes on to do so.
    if (fills) input.storage_bytes = SymbolicBytesReached(*pool, *t);
  }
  return absl::OkStatus();
}

}  // namespace kiln
