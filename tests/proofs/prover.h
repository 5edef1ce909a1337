// A thin cover of Z3 for proofs about integers.
//
//   Prover p;
//   z3::expr a = p.Int("a"), d = p.Int("d");
//   p.Assume(d > 0);
//   EXPECT_TRUE(p.Proves(p.FloorDiv(-a, -d) == p.FloorDiv(a, d)));
//
// Floor division and remainder are defined by Python's law, not by Z3's own
// operators, which round differently: a = b*q + r with r between 0 and b.
#ifndef KILN_TESTS_PROOFS_PROVER_H_
#define KILN_TESTS_PROOFS_PROVER_H_

#include <map>
#include <string>

#include <z3++.h>

namespace kiln {

enum class Verdict { kProven, kRefuted, kUnknown };

class Prover {
 public:
  explicit Prover(unsigned timeout_ms = 60000) : solver_(context_) {
    z3::params params(context_);
    params.set("timeout", timeout_ms);
    solver_.set(params);
  }

  z3::expr Int(const std::string& name) { return context_.int_const(name.c_str()); }
  z3::expr Bool(const std::string& name) { return context_.bool_const(name.c_str()); }
  z3::expr Value(int64_t v) { return context_.int_val(v); }
  void Assume(const z3::expr& fact) { solver_.add(fact); }

  // a // b; assumes that b is not 0.
  z3::expr FloorDiv(const z3::expr& a, const z3::expr& b) {
    z3::expr q = context_.int_const(("q" + std::to_string(fresh_++)).c_str());
    z3::expr r = a - b * q;
    Assume(b != 0);
    Assume(z3::implies(b > 0, r >= 0 && r < b));
    Assume(z3::implies(b < 0, r <= 0 && r > b));
    return q;
  }
  z3::expr Mod(const z3::expr& a, const z3::expr& b) { return a - b * FloorDiv(a, b); }
  z3::expr Max(const z3::expr& a, const z3::expr& b) { return z3::ite(a >= b, a, b); }
  z3::expr Min(const z3::expr& a, const z3::expr& b) { return z3::ite(a <= b, a, b); }

  Verdict Judge(const z3::expr& claim) {
    solver_.push();
    solver_.add(!claim);
    z3::check_result result = solver_.check();
    counterexample_.clear();
    if (result == z3::sat) counterexample_ = solver_.get_model().to_string();
    solver_.pop();
    if (result == z3::unsat) return Verdict::kProven;
    return result == z3::sat ? Verdict::kRefuted : Verdict::kUnknown;
  }
  // Proves the claim and, from then on, builds on it.
  bool Proves(const z3::expr& claim) {
    if (Judge(claim) != Verdict::kProven) return false;
    Assume(claim);
    return true;
  }
  // A proof from contradictory assumptions is none.
  bool AssumptionsAreConsistent() { return solver_.check() != z3::unsat; }
  const std::string& counterexample() const { return counterexample_; }
  z3::context& context() { return context_; }

 private:
  z3::context context_;
  z3::solver solver_;
  int fresh_ = 0;
  std::string counterexample_;
};

}  // namespace kiln

#endif  // KILN_TESTS_PROOFS_PROVER_H_
