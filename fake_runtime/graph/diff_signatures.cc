#include "fake_runtime/graph/diff_signatures.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/contiguous_default.h"
#include "fake_runtime/graph/literal_text.h"

namespace kiln {
namespace {

std::string YesNo(bool value) { return value ? "yes" : "no"; }

// A field of a tensor input that is compared as text.
struct TensorField {
  absl::string_view what;
  std::string (*text)(const FakeTensor& t);
};
constexpr TensorField kTensorFields[] = {
    {"dtype", [](const FakeTensor& t) { return std::string(DTypeText(t.dtype)); }},
    {"device", [](const FakeTensor& t) { return t.device.ToString(); }},
    {"layout", [](const FakeTensor& t) { return std::string(LayoutText(t.layout)); }},
    {"requires_grad", [](const FakeTensor& t) { return YesNo(t.requires_grad); }},
    {"conjugated", [](const FakeTensor& t) { return YesNo(t.conj_bit); }},
    {"negated", [](const FakeTensor& t) { return YesNo(t.neg_bit); }},
};

// The same of any input.
struct InputField {
  absl::string_view what;
  std::string (*text)(const GraphInput& input);
};
constexpr InputField kInputFields[] = {
    {"kind", [](const GraphInput& i) { return std::string(InputKindName(i.kind)); }},
    {"type", [](const GraphInput& i) -> std::string {
       const Expr* e = std::get_if<Expr>(&i.value);
       if (e == nullptr) return "tensor";
       static constexpr absl::string_view kTypes[] = {"int", "float", "bool"};
       return std::string(kTypes[static_cast<int>(e->type())]);
     }},
    {"donated", [](const GraphInput& i) { return YesNo(i.donated); }},
    {"constant", [](const GraphInput& i) { return YesNo(i.constant); }},
};

class SignatureDiffer {
 public:
  SignatureDiffer(const Graph& yours, const Graph& theirs, const std::vector<std::string>& names, size_t max)
      : yours_(yours), theirs_(theirs), names_(names), max_(max) {}

  std::vector<InputDifference> Run() {
    if (yours_.inputs.size() != theirs_.inputs.size()) {
      Add(-1, "number of inputs", absl::StrCat(yours_.inputs.size()), absl::StrCat(theirs_.inputs.size()));
    }
    for (size_t i = 0; i < std::min(yours_.inputs.size(), theirs_.inputs.size()); ++i) {
      CompareInput(static_cast<int>(i), yours_.inputs[i], theirs_.inputs[i]);
    }
    ComparePolicies();
    return std::move(found_);
  }

 private:
  void CompareInput(int i, const GraphInput& l, const GraphInput& r) {
    for (const InputField& field : kInputFields) CompareText(i, field.what, field.text(l), field.text(r));
    const Expr* x = std::get_if<Expr>(&l.value);
    const Expr* y = std::get_if<Expr>(&r.value);
    if (x != nullptr && y != nullptr) CompareExpr(i, "value", *x, *y);
    if (x == nullptr && y == nullptr) CompareTensor(i, l, r);
  }

  void CompareTensor(int i, const GraphInput& l, const GraphInput& r) {
    const FakeTensor& t = std::get<FakeTensor>(l.value);
    const FakeTensor& u = std::get<FakeTensor>(r.value);
    for (const TensorField& field : kTensorFields) CompareText(i, field.what, field.text(t), field.text(u));
    if (t.rank() != u.rank()) return CompareText(i, "rank", absl::StrCat(t.rank()), absl::StrCat(u.rank()));
    for (int d = 0; d < t.rank(); ++d) CompareSize(i, d, t.sizes[d], u.sizes[d]);
    const bool both_default = HasDefaultStrides(t, yours_) && HasDefaultStrides(u, theirs_);
    for (int d = 0; d < t.rank() && !both_default; ++d) {
      CompareExpr(i, absl::StrCat("stride of dimension ", d), t.strides[d], u.strides[d]);
    }
    CompareExpr(i, "storage offset", t.storage_offset, u.storage_offset);
    CompareText(i, "storage", StorageText(yours_, i), StorageText(theirs_, i));
    CompareBytes(i, l.storage_bytes, r.storage_bytes);
    for (int d = 0; d < t.rank(); ++d) {
      CompareText(i, absl::StrCat("policy of dimension ", d), PolicyOf(l, d), PolicyOf(r, d));
    }
  }

  void CompareSize(int i, int d, Expr x, Expr y) {
    if (Same(x, y)) return;
    InputDifference* added = Add(i, absl::StrCat("size of dimension ", d), x.ToString(), y.ToString());
    if (added != nullptr && x.AsInt().has_value()) added->static_dim = d;
  }

  void CompareBytes(int i, const std::optional<Expr>& x, const std::optional<Expr>& y) {
    if (x.has_value() && y.has_value()) return CompareExpr(i, "storage bytes", *x, *y);
    const auto text = [](const std::optional<Expr>& e) { return e.has_value() ? e->ToString() : "unknown"; };
    CompareText(i, "storage bytes", text(x), text(y));
  }

  void ComparePolicies() {
    for (const SymbolDeclaration& mine : yours_.symbols) {
      auto partner = to_theirs_.find(mine.symbol.symbol_name());
      if (partner == to_theirs_.end()) continue;
      for (const SymbolDeclaration& other : theirs_.symbols) {
        if (other.symbol.symbol_name() != partner->second || mine.policy == other.policy) continue;
        Add(-1, absl::StrCat("policy of symbol ", mine.symbol.ToString()), std::string(PolicyText(mine.policy)),
            std::string(PolicyText(other.policy)));
      }
    }
  }

  static std::string PolicyOf(const GraphInput& input, int dim) {
    const bool given = static_cast<size_t>(dim) < input.policies.size();
    return std::string(PolicyText(given ? input.policies[dim] : DimPolicy::kAutomatic));
  }

  static bool HasDefaultStrides(const FakeTensor& t, const Graph& graph) {
    ExprPool scratch;
    Dims sizes;
    for (Expr size : t.sizes) {
      sizes.push_back(scratch.Import(size, [&](Expr s) { return scratch.Symbol(s.symbol_name()); }));
    }
    const Dims expected = DefaultStrides(scratch, sizes, graph.symbols);
    return std::equal(expected.begin(), expected.end(), t.strides.begin(), t.strides.end(),
                      [](Expr a, Expr b) { return Expr::Compare(a, b) == 0; });
  }

  static std::string StorageText(const Graph& graph, int input) {
    const StorageId mine = std::get<FakeTensor>(graph.inputs[input].value).storage;
    for (int i = 0; i < input; ++i) {
      const FakeTensor* t = std::get_if<FakeTensor>(&graph.inputs[i].value);
      if (t != nullptr && t->storage == mine) return absl::StrCat("that of input ", i);
    }
    return "its own";
  }

  // Symbols that stand alone are partners from their first meeting on.
  bool Same(Expr x, Expr y) {
    if (x.kind() == ExprKind::kSymbol && y.kind() == ExprKind::kSymbol) {
      const std::string mine(x.symbol_name()), other(y.symbol_name());
      if (x.has_unbacked() != y.has_unbacked() || x.type() != y.type()) return false;
      if (!to_theirs_.contains(mine) && !to_yours_.contains(other)) {
        to_theirs_[mine] = other;
        to_yours_[other] = mine;
      }
      auto partner = to_theirs_.find(mine);
      return partner != to_theirs_.end() && partner->second == other;
    }
    ExprPool scratch;
    const Expr renamed = scratch.Import(x, [&](Expr s) {
      auto partner = to_theirs_.find(s.symbol_name());
      return scratch.Symbol(partner == to_theirs_.end() ? std::string(s.symbol_name()) : partner->second);
    });
    return Expr::Compare(renamed, y) == 0;
  }

  void CompareExpr(int i, absl::string_view what, Expr x, Expr y) {
    if (!Same(x, y)) Add(i, what, x.ToString(), y.ToString());
  }

  void CompareText(int i, absl::string_view what, const std::string& x, const std::string& y) {
    if (x != y) Add(i, what, x, y);
  }

  // Null where there are enough.
  InputDifference* Add(int input, absl::string_view what, std::string x, std::string y) {
    if (found_.size() >= max_) return nullptr;
    InputDifference& d = found_.emplace_back();
    d.input = input;
    d.difference.kind = GraphDifference::Kind::kInput;
    d.difference.what = input < 0 ? std::string(what) : absl::StrCat(InputName(input), ", ", what);
    d.difference.yours = std::move(x);
    d.difference.theirs = std::move(y);
    return &d;
  }

  std::string InputName(int i) const {
    const bool named = static_cast<size_t>(i) < names_.size() && !names_[i].empty();
    return named ? absl::StrCat("input ", i, " (", names_[i], ")") : absl::StrCat("input ", i);
  }

  const Graph& yours_;
  const Graph& theirs_;
  const std::vector<std::string>& names_;
  const size_t max_;
  absl::flat_hash_map<std::string, std::string> to_theirs_;
  absl::flat_hash_map<std::string, std::string> to_yours_;
  std::vector<InputDifference> found_;
};

}  // namespace

std::vector<InputDifference> DiffSignatures(const Graph& yours, const Graph& theirs,
                                            const std::vector<std::string>& input_names, size_t max_differences) {
  return SignatureDiffer(yours, theirs, input_names, max_differences).Run();
}

}  // namespace kiln
