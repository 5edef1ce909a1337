// A formula is parsed once into a tree of terms, and a tree is held against the
// nodes from the result down to x.
#include "compiler/loops/activation_patterns.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {
namespace {

constexpr ActivationRow kRows[] = {
    {"relu(x)", "relu", "", false},
    {"sigmoid(x)", "sigmoid", "", true},
    {"tanh(x)", "tanh", "", true},
    {"hardsigmoid(x)", "hardsigmoid", "", false},
    {"hardswish(x)", "hardswish", "", true},
    {"hardtanh(x, a, b)", "hardtanh", "", false},
    {"leaky_relu(x, a)", "leaky_relu", "", true},
    {"silu(x)", "swish", "", true},
    {"gelu(x, 'none')", "gelu", "none", false},
    {"gelu(x, 'tanh')", "gelu", "tanh", true},
    // Decompositions of PyTorch.
    {"mul(x, sigmoid(x))", "swish", "", true},
    {"mul(mul(x, 0.5), add(erf(mul(x, 0.7071067811865476)), 1))", "gelu", "none", false},
    {"mul(mul(x, 0.5), add(tanh(mul(add(x, mul(mul(mul(x, x), x), 0.044715)), 0.7978845608028654)), 1))", "gelu", "tanh", true},
    {"div(mul(x, clamp(clamp(add(x, 3), 0), none, 6)), 6)", "hardswish", "", true},
    // GPT-2's own.
    {"mul(mul(x, 0.5), add(tanh(mul(add(x, mul(pow(x, 3), 0.044715)), 0.7978845608028654)), 1))", "gelu", "tanh", true},
};

// From x to the result; GELU by hand has nine operators, and casts.
constexpr int kMostNodes = 24;

struct Term {
  enum class Kind { kX, kAnyNumber, kNumber, kNone, kString, kCall };
  Kind kind = Kind::kX;
  double number = 0;
  std::string text;  // of a call, the operator; of a string, itself
  std::vector<Term> args;
};

class TermParser {
 public:
  explicit TermParser(absl::string_view text) : rest_(text) {}

  Term Parse() {
    Term term;
    if (absl::ConsumePrefix(&rest_, "'")) {
      term.kind = Term::Kind::kString;
      term.text = std::string(rest_.substr(0, rest_.find('\'')));
      rest_.remove_prefix(term.text.size() + 1);
      return term;
    }
    const size_t end = rest_.find_first_of(",() ");
    const std::string word(rest_.substr(0, end));
    rest_.remove_prefix(word.size());
    if (absl::ConsumePrefix(&rest_, "(")) return Call(word);
    if (word == "none") {
      term.kind = Term::Kind::kNone;
    } else if (absl::SimpleAtod(word, &term.number)) {
      term.kind = Term::Kind::kNumber;
    } else {
      term.kind = word == "x" ? Term::Kind::kX : Term::Kind::kAnyNumber;
    }
    return term;
  }

 private:
  Term Call(const std::string& op) {
    Term term;
    term.kind = Term::Kind::kCall;
    term.text = op;
    do {
      term.args.push_back(Parse());
    } while (absl::ConsumePrefix(&rest_, ", "));
    absl::ConsumePrefix(&rest_, ")");
    return term;
  }

  absl::string_view rest_;
};

const std::vector<Term>& Formulas() {
  static const std::vector<Term>* const formulas = [] {
    auto* terms = new std::vector<Term>;
    for (const ActivationRow& row : kRows) terms->push_back(TermParser(row.formula).Parse());
    return terms;
  }();
  return *formulas;
}

std::optional<double> NumberOf(const Argument& arg) {
  if (const int64_t* i = arg.get_if<int64_t>()) return static_cast<double>(*i);
  if (const double* d = arg.get_if<double>()) return *d;
  return std::nullopt;
}

// Models round the constants of their formulas as they like.
bool IsAlmost(double a, double b) { return std::abs(a - b) <= 1e-7 * std::abs(b); }

// From `narrow` to float32 or back. What is float32 by itself is not rounded in between.
bool IsCastOf(const FakeGraph& fake, const Node& node, DType narrow) {
  if (node.op->name != "prims.convert_element_type.default" && node.op->name != "aten._to_copy.default") return false;
  const ValueId* from = node.args[0].get_if<ValueId>();
  const auto* t = from == nullptr ? nullptr : std::get_if<FakeTensor>(&fake.values[from->value]);
  const FakeTensor& to = fake.tensor(node.outputs[0].values[0]);
  auto is_between = [&](DType dtype) { return dtype == narrow || dtype == DType::kFloat32; };
  const bool is_narrow = narrow == DType::kBFloat16 || narrow == DType::kFloat16;
  return is_narrow && t != nullptr && is_between(t->dtype) && is_between(to.dtype) && t->strides == to.strides;
}

// One formula against the nodes that make one value.
class Matcher {
 public:
  Matcher(const FakeGraph& fake, const ValueReaders& readers, ValueId x) : fake_(fake), readers_(readers), x_(x) {}

  bool Matches(const Term& term, const Argument& arg) {
    if (const ValueId* id = arg.get_if<ValueId>()) return MatchesValue(term, BeforeCasts(*id));
    switch (term.kind) {
      case Term::Kind::kNone: return arg.is_none();
      case Term::Kind::kString: return arg.get_if<std::string>() != nullptr && *arg.get_if<std::string>() == term.text;
      case Term::Kind::kNumber: return NumberOf(arg).has_value() && IsAlmost(*NumberOf(arg), term.number);
      case Term::Kind::kAnyNumber:
        if (!NumberOf(arg).has_value()) return false;
        numbers_.push_back(*NumberOf(arg));
        return true;
      case Term::Kind::kX:
      case Term::Kind::kCall: return false;
    }
    return false;
  }

  const std::vector<double>& numbers() const { return numbers_; }
  const std::set<int>& nodes() const { return nodes_; }

 private:
  ValueId BeforeCasts(ValueId id) {
    const DType narrow = fake_.tensor(x_).dtype;
    for (int n = readers_.ProducerOf(id); id != x_ && n >= 0 && IsCastOf(fake_, fake_.graph.nodes[n], narrow);
         n = readers_.ProducerOf(id)) {
      nodes_.insert(n);
      id = *fake_.graph.nodes[n].args[0].get_if<ValueId>();
    }
    return id;
  }

  bool MatchesValue(const Term& term, ValueId id) {
    if (term.kind == Term::Kind::kX) return id == x_;
    const int n = readers_.ProducerOf(id);
    if (term.kind != Term::Kind::kCall || id == x_ || n < 0) return false;
    const Node& node = fake_.graph.nodes[n];
    if (!IsOverload(term.text, *node.op) || term.args.size() > node.args.size()) return false;
    for (size_t i = term.args.size(); i < node.args.size(); ++i) {
      const ArgSchema& schema = node.op->args[i];
      if (!schema.has_default || !IsSame(node.args[i], schema.default_value)) return false;
    }
    const std::set<int> nodes = nodes_;
    const std::vector<double> numbers = numbers_;
    for (bool is_swapped : {false, true}) {
      if (is_swapped && !Commutes(term)) break;
      if (MatchesAll(term.args, node, is_swapped)) {
        nodes_.insert(n);
        return true;
      }
      nodes_ = nodes;
      numbers_ = numbers;
    }
    return false;
  }

  bool MatchesAll(const std::vector<Term>& terms, const Node& node, bool is_swapped) {
    for (size_t i = 0; i < terms.size(); ++i) {
      if (!Matches(terms[i], node.args[is_swapped ? 1 - i : i])) return false;
    }
    return true;
  }

  static bool Commutes(const Term& term) { return (term.text == "mul" || term.text == "add") && term.args.size() == 2; }

  static bool IsOverload(absl::string_view name, const OpSchema& op) {
    absl::string_view rest = op.name;
    return absl::ConsumePrefix(&rest, "aten.") && absl::ConsumePrefix(&rest, name) && absl::StartsWith(rest, ".") &&
           !op.is_mutating();
  }

  // An alpha of 1 may be written 1.0.
  static bool IsSame(const Argument& a, const Argument& b) {
    return a == b || (NumberOf(a).has_value() && NumberOf(a) == NumberOf(b));
  }

  const FakeGraph& fake_;
  const ValueReaders& readers_;
  const ValueId x_;
  std::vector<double> numbers_;
  std::set<int> nodes_;
};

// Nodes within reach of `x`, ascending.
std::set<int> Candidates(const FakeGraph& fake, const ValueReaders& readers, ValueId x) {
  std::set<int> found;
  std::vector<ValueId> ahead = {x};
  while (!ahead.empty() && found.size() < kMostNodes) {
    const ValueId id = ahead.back();
    ahead.pop_back();
    for (int reader : readers.Of(id)) {
      if (!found.insert(reader).second) continue;
      for (const NodeOutput& output : fake.graph.nodes[reader].outputs) {
        ahead.insert(ahead.end(), output.values.begin(), output.values.end());
      }
    }
  }
  return found;
}

// Whether x and what the nodes make, but for the last, is read by the nodes only.
bool IsClosed(const FakeGraph& fake, const ValueReaders& readers, ValueId x, const std::set<int>& nodes) {
  auto is_inside = [&](ValueId id) {
    return !readers.IsReturned(id) &&
           std::all_of(readers.Of(id).begin(), readers.Of(id).end(), [&](int n) { return nodes.contains(n); });
  };
  if (!is_inside(x)) return false;
  return std::all_of(nodes.begin(), std::prev(nodes.end()),
                     [&](int n) { return is_inside(fake.graph.nodes[n].outputs[0].values[0]); });
}

}  // namespace

absl::Span<const ActivationRow> ActivationPatterns() { return kRows; }

std::optional<MatchedActivation> MatchActivation(const FakeGraph& fake, const ValueReaders& readers, ValueId x) {
  for (int last : Candidates(fake, readers, x)) {
    const std::vector<NodeOutput>& outputs = fake.graph.nodes[last].outputs;
    if (outputs.size() != 1 || outputs[0].values.size() != 1) continue;
    const ValueId result = outputs[0].values[0];
    const FakeTensor* made = std::get_if<FakeTensor>(&fake.values[result.value]);
    if (made == nullptr || made->dtype != fake.tensor(x).dtype) continue;
    for (size_t i = 0; i < Formulas().size(); ++i) {
      Matcher matcher(fake, readers, x);
      if (!matcher.Matches(Formulas()[i], Argument(result)) || !matcher.nodes().contains(last)) continue;
      if (!IsClosed(fake, readers, x, matcher.nodes())) continue;
      return MatchedActivation{&kRows[i], matcher.numbers(), {matcher.nodes().begin(), matcher.nodes().end()}};
    }
  }
  return std::nullopt;
}

}  // namespace kiln
