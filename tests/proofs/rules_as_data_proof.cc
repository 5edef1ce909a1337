// Each row of the rewrite table against the engine and against Z3.
#include <cctype>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fake_runtime/symbolic/knowledge.h"
#include "tests/proofs/prover.h"
#include "tests/proofs/rewrite_table.h"

namespace kiln {
namespace {

// Reads an expression straight into Z3, with no rule applied: what is written is
// what is proven. Conditions are booleans, all else integers.
class RawReader {
 public:
  // Names in `fixed` stand for a number.
  RawReader(Prover& prover, const char* text, const std::map<std::string, int>& fixed)
      : p_(prover), at_(text), fixed_(fixed) {}

  z3::expr Read() { return Comparison(); }

 private:
  void Skip() {
    while (*at_ == ' ') ++at_;
  }
  bool Accept(const std::string& token) {
    Skip();
    if (std::string(at_).compare(0, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }

  z3::expr Comparison() {
    z3::expr a = Sum();
    if (Accept("==")) return a == Sum();
    if (Accept("!=")) return a != Sum();
    if (Accept("<=")) return a <= Sum();
    if (Accept(">=")) return a >= Sum();
    if (Accept("<")) return a < Sum();
    if (Accept(">")) return a > Sum();
    return a;
  }
  z3::expr Sum() {
    z3::expr a = Product();
    for (;;) {
      if (Accept("+")) {
        a = a + Product();
      } else if (Accept("-")) {
        a = a - Product();
      } else {
        return a;
      }
    }
  }
  z3::expr Product() {
    z3::expr a = Unary();
    for (;;) {
      if (Accept("*")) {
        a = a * Unary();
      } else if (Accept("//")) {
        a = p_.FloorDiv(a, Unary());
      } else if (Accept("%")) {
        a = p_.Mod(a, Unary());
      } else {
        return a;
      }
    }
  }
  z3::expr Unary() {
    if (Accept("-")) return -Unary();
    if (Accept("(")) {
      z3::expr e = Comparison();
      EXPECT_TRUE(Accept(")")) << at_;
      return e;
    }
    Skip();
    if (std::isdigit(*at_)) return Number();
    std::string name;
    while (std::isalpha(*at_)) name += *at_++;
    if (name == "True" || name == "False") return p_.context().bool_val(name == "True");
    if (Accept("(")) return Call(name);
    auto it = fixed_.find(name);
    return it == fixed_.end() ? p_.Int(name) : p_.Value(it->second);
  }
  z3::expr Number() {
    int64_t value = 0;
    while (std::isdigit(*at_)) value = value * 10 + (*at_++ - '0');
    return p_.Value(value);
  }
  z3::expr Call(const std::string& name) {
    std::vector<z3::expr> v;
    do {
      v.push_back(Comparison());
    } while (Accept(","));
    EXPECT_TRUE(Accept(")")) << at_;
    if (name == "Not") return !v[0];
    if (name == "CeilDiv") return -p_.FloorDiv(-v[0], v[1]);
    if (name == "Where") return z3::ite(v[0], v[1], v[2]);
    z3::expr result = v[0];
    for (size_t i = 1; i < v.size(); ++i) {
      result = name == "And"  ? (result && v[i])
               : name == "Or" ? (result || v[i])
               : name == "Max" ? p_.Max(result, v[i])
                               : p_.Min(result, v[i]);
    }
    return result;
  }

  Prover& p_;
  const char* at_;
  const std::map<std::string, int>& fixed_;
};

constexpr int kLargestDivisor = 5;

class RulesAsData : public ::testing::TestWithParam<RewriteRow> {};

TEST_P(RulesAsData, TheEngineRewritesSo) {
  const RewriteRow& row = GetParam();
  ExprPool pool;
  Knowledge knowledge(&pool);
  for (const char* name : {"c", "d", "x", "y", "z"}) knowledge.AddSymbol(pool.Symbol(name), {}, {}, false);
  if (*row.when != '\0') knowledge.AddFact(pool.Parse(row.when).value());
  Knowledge::Trail trail;
  Expr simple = knowledge.Simplify(pool.Parse(row.written).value());
  if (simple.type() == ExprType::kBool) {
    std::optional<bool> known = knowledge.Decide(simple, &trail);
    simple = known ? Expr::Bool(*known) : knowledge.SimplifyCondition(simple, &trail);
  }
  EXPECT_EQ(simple.ToString(), row.becomes);
}

Verdict JudgeRow(const RewriteRow& row, const std::map<std::string, int>& fixed, unsigned timeout_ms) {
  Prover p(timeout_ms);
  if (*row.when != '\0') p.Assume(RawReader(p, row.when, fixed).Read());
  z3::expr written = RawReader(p, row.written, fixed).Read();
  z3::expr becomes = RawReader(p, row.becomes, fixed).Read();
  return p.Judge(written == becomes);
}

// With a product of two unknowns Z3 may not find an end. Then the coefficient c
// and the divisor d stand for each small number in turn; rewrite_rules_proof.cc
// has those rules for all c and d, by lemmas.
TEST_P(RulesAsData, BothSidesAreEqual) {
  const RewriteRow& row = GetParam();
  const Verdict in_general = JudgeRow(row, {}, /*timeout_ms=*/300);
  ASSERT_NE(in_general, Verdict::kRefuted) << row.written;
  if (in_general == Verdict::kProven) return;
  for (int c : {-3, -2, 1, 2, 5}) {
    for (int d = -kLargestDivisor; d <= kLargestDivisor; ++d) {
      if (d == 0) continue;
      EXPECT_EQ(JudgeRow(row, {{"c", c}, {"d", d}}, /*timeout_ms=*/20000), Verdict::kProven)
          << row.written << " c = " << c << " d = " << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, RulesAsData, ::testing::ValuesIn(kRewriteTable), [](const auto& info) {
  std::string name;
  for (const char* c = info.param.name; *c; ++c) name += std::isalnum(*c) ? *c : '_';
  return name;
});

}  // namespace
}  // namespace kiln
