#include "compiler/schedule/index_analysis.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln::schedule {
namespace {

// A symbolic size about which nothing is known. Batch times sequence is then
// 4096, which is "many rows", as it is in practice.
constexpr int64_t kTypicalSize = 64;
// Estimates saturate here, so that their products do not overflow.
constexpr int64_t kLargestEstimate = int64_t{1} << 50;

// A prefix such that no taken name is prefix + digits.
std::string FreePrefix(std::string prefix, absl::Span<const std::string> taken) {
  auto clashes = [&](const std::string& name) {
    return name.size() > prefix.size() && name.compare(0, prefix.size(), prefix) == 0 &&
           std::all_of(name.begin() + prefix.size(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  while (std::any_of(taken.begin(), taken.end(), clashes)) prefix += "_";
  return prefix;
}

// The factors of a product; a power counts as often as its exponent says.
absl::InlinedVector<Expr, 6> FactorsOf(Expr e) {
  constexpr int64_t kLargestExponent = 8;
  absl::InlinedVector<Expr, 6> factors;
  auto add = [&](Expr factor) {
    std::optional<int64_t> exponent;
    if (factor.kind() == ExprKind::kPow) exponent = factor.args()[1].AsInt();
    if (!exponent.has_value() || *exponent > kLargestExponent) {
      factors.push_back(factor);
      return;
    }
    factors.insert(factors.end(), *exponent, factor.args()[0]);
  };
  if (e.kind() != ExprKind::kMul) {
    add(e);
    return factors;
  }
  for (Expr factor : e.args()) add(factor);
  return factors;
}

// Removes one occurrence of each factor of `b` from the factors of `a`.
std::optional<Expr> RemoveFactors(ExprPool& pool, Expr a, Expr b) {
  absl::InlinedVector<Expr, 6> rest = FactorsOf(a);
  int64_t constant = 1;
  for (auto it = rest.begin(); it != rest.end(); ++it) {
    if (std::optional<int64_t> value = it->AsInt(); value.has_value()) {
      constant = *value;
      rest.erase(it);
      break;
    }
  }
  for (Expr factor : FactorsOf(b)) {
    if (std::optional<int64_t> value = factor.AsInt(); value.has_value()) {
      if (*value == 0 || constant % *value != 0) return std::nullopt;
      constant /= *value;
      continue;
    }
    auto it = std::find(rest.begin(), rest.end(), factor);
    if (it == rest.end()) return std::nullopt;
    rest.erase(it);
  }
  rest.push_back(Expr(constant));
  return pool.Mul(absl::MakeConstSpan(rest));
}

}  // namespace

Expr AffineForm::CoefficientOf(Expr variable) const {
  for (const AffineTerm& term : terms) {
    if (term.variable == variable) return term.coefficient;
  }
  return Expr(0);
}

IndexAnalysis::IndexAnalysis(ExprPool* pool, ShapeEnv* env, absl::Span<const std::string> taken)
    : pool_(pool),
      env_(env),
      variable_prefix_(FreePrefix("i", taken)),
      indirect_prefix_(FreePrefix("j", taken)) {}

std::optional<Expr> IndexAnalysis::StrideAlong(Expr e, Expr variable) {
  const AffineForm& form = Form(e);
  if (form.is_affine) return form.CoefficientOf(variable);
  // Clamped and divided parts may belong to other variables.
  std::optional<LinearForm> linear = SplitLinear(*pool_, e, variable);
  if (!linear.has_value()) return std::nullopt;
  return linear->coefficient;
}

Expr IndexAnalysis::Variable(int n) {
  while (static_cast<int>(numbered_.size()) <= n) {
    numbered_.push_back(pool_->Symbol(absl::StrCat(variable_prefix_, numbered_.size())));
    AddVariable(numbered_.back());
  }
  return numbered_[n];
}

Expr IndexAnalysis::IndirectSymbol(int n) {
  while (static_cast<int>(indirect_.size()) <= n) {
    indirect_.push_back(pool_->Symbol(absl::StrCat(indirect_prefix_, indirect_.size())));
    AddVariable(indirect_.back());
  }
  return indirect_[n];
}

bool IndexAnalysis::IsVariableFree(Expr e) {
  if (e.kind() == ExprKind::kSymbol) return !IsVariable(e);
  if (!e.has_symbols()) return true;
  for (Expr arg : e.args()) {
    if (!IsVariableFree(arg)) return false;
  }
  return true;
}

void IndexAnalysis::AddTerm(AffineForm& form, Expr variable, Expr coefficient) {
  for (AffineTerm& term : form.terms) {
    if (term.variable != variable) continue;
    term.coefficient = pool_->Add(term.coefficient, coefficient);
    return;
  }
  form.terms.push_back({variable, coefficient});
}

bool IndexAnalysis::AnalyzeTerm(Expr term, AffineForm& form) {
  if (term.kind() == ExprKind::kSymbol && IsVariable(term)) {
    AddTerm(form, term, Expr(1));
    return true;
  }
  if (IsVariableFree(term)) {
    form.offset = pool_->Add(form.offset, term);
    return true;
  }
  if (term.kind() != ExprKind::kMul) return false;
  std::optional<Expr> variable;
  absl::InlinedVector<Expr, 6> coefficient;
  for (Expr factor : term.args()) {
    if (IsVariableFree(factor)) {
      coefficient.push_back(factor);
      continue;
    }
    if (variable.has_value() || factor.kind() != ExprKind::kSymbol) return false;
    variable = factor;
  }
  AddTerm(form, *variable, pool_->Mul(absl::MakeConstSpan(coefficient)));
  return true;
}

AffineForm IndexAnalysis::Analyze(Expr e) {
  AffineForm form;
  if (e.type() != ExprType::kInt) {
    form.is_affine = false;
    return form;
  }
  if (e.kind() != ExprKind::kAdd) {
    form.is_affine = AnalyzeTerm(e, form);
    return form;
  }
  for (Expr term : e.args()) {
    if (AnalyzeTerm(term, form)) continue;
    form.is_affine = false;
    break;
  }
  return form;
}

const AffineForm& IndexAnalysis::Form(Expr e) {
  auto it = forms_.find(e);
  if (it == forms_.end()) it = forms_.emplace(e, Analyze(e)).first;
  return it->second;
}

bool IndexAnalysis::Mentions(Expr e, Expr variable) {
  const AffineForm& form = Form(e);
  if (form.is_affine) return !form.CoefficientOf(variable).IsInt(0);
  bool found = false;
  VisitSymbols(e, [&](Expr symbol) { found |= symbol == variable; });
  return found;
}

bool IndexAnalysis::MentionsVariables(Expr e) { return !IsVariableFree(e); }

Expr IndexAnalysis::Substitute(Expr e, const Substitution& substitution) {
  if (substitution.empty() || !e.has_symbols()) return e;
  const AffineForm& form = Form(e);
  auto find = [&](Expr symbol) -> std::optional<Expr> {
    for (const auto& [from, to] : substitution) {
      if (from == symbol) return to;
    }
    return std::nullopt;
  };
  if (!form.is_affine) return pool_->Substitute(e, find);
  // Products with sums are written out, so that equal indices are the same bits.
  absl::InlinedVector<Expr, 12> sum = {form.offset};
  for (const AffineTerm& term : form.terms) {
    Expr to = find(term.variable).value_or(term.variable);
    if (to.kind() != ExprKind::kAdd) {
      sum.push_back(pool_->Mul(term.coefficient, to));
      continue;
    }
    for (Expr part : to.args()) sum.push_back(pool_->Mul(term.coefficient, part));
  }
  return pool_->Add(absl::MakeConstSpan(sum));
}

std::optional<Expr> IndexAnalysis::DivideExact(Expr a, Expr b) {
  if (b.IsInt(1)) return a;
  if (a == b) return Expr(1);
  if (a.IsInt(0)) return Expr(0);
  auto [it, inserted] = quotients_.try_emplace({a, b});
  if (!inserted) return it->second;
  std::optional<Expr> quotient;
  if (a.kind() == ExprKind::kAdd) {
    absl::InlinedVector<Expr, 6> terms;
    for (Expr term : a.args()) {
      std::optional<Expr> part = RemoveFactors(*pool_, term, b);
      if (!part.has_value()) break;
      terms.push_back(*part);
    }
    if (terms.size() == a.args().size()) quotient = pool_->Add(absl::MakeConstSpan(terms));
  } else {
    quotient = RemoveFactors(*pool_, a, b);
  }
  quotients_[{a, b}] = quotient;
  return quotient;
}

bool IndexAnalysis::KnownEqual(Expr a, Expr b) {
  if (a == b) return true;
  if (!a.has_symbols() && !b.has_symbols()) return false;
  return env_ != nullptr && env_->KnownEqual(a, b);
}

bool IndexAnalysis::KnownLessEqual(Expr a, Expr b) {
  if (a == b) return true;
  Expr difference = pool_->Sub(b, a);
  if (std::optional<int64_t> value = difference.AsInt(); value.has_value()) return *value >= 0;
  if (env_ == nullptr) return false;
  auto [it, inserted] = less_equal_.try_emplace({a, b}, false);
  if (inserted) it->second = env_->KnownTrue(pool_->Le(a, b));
  return it->second;
}

int64_t IndexAnalysis::Estimate(Expr e) {
  if (std::optional<int64_t> value = e.AsInt(); value.has_value()) return *value;
  auto [it, inserted] = estimates_.try_emplace(e, kLargestEstimate);
  if (!inserted) return it->second;
  std::optional<int64_t> value = EvaluateInt(e, [&](Expr symbol) -> std::optional<int64_t> {
    if (env_ == nullptr) return kTypicalSize;
    ValueRange range = env_->RangeOf(symbol);
    return std::clamp(kTypicalSize, range.lower, std::max(range.lower, range.upper));
  });
  if (value.has_value()) it->second = std::min(*value, kLargestEstimate);
  return it->second;
}

}  // namespace kiln::schedule
