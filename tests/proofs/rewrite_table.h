// The rewrite rules as data: what is written, what the engine makes of it, and
// the facts under which that is asked for. rules_as_data_proof.cc holds both sides
// to each row: the engine must print `becomes` for `written`, and Z3 must prove
// that the two are equal for all integers that `when` admits, taking `written`
// as it stands. A rule that changes in the code fails the first; a rule that is
// wrong, the second.
//
// The engine does not read the table. Its rules are local only on paper: in the
// code they pick terms of sums, contents and polynomial quotients, and a matcher
// of patterns modulo associativity would be slower than what it replaced and no
// clearer. So the table states the rules, and the tests tie both ends to it;
// canonical_forms_proof.cc does the same for random trees.
#ifndef KILN_TESTS_PROOFS_REWRITE_TABLE_H_
#define KILN_TESTS_PROOFS_REWRITE_TABLE_H_

namespace kiln {

struct RewriteRow {
  const char* name;
  const char* written;
  const char* becomes;
  // Besides divisors that are not 0. What the engine knows, it was told as a fact.
  const char* when = "";
};

// Letters are integers. Rules with a constant stand for each value of it by a few.
constexpr RewriteRow kRewriteTable[] = {
    // Division and remainder, for all integers.
    {"sign of the divisor", "x//(-d)", "(-x)//d"},
    {"sign of the modulus", "x % (-d)", "-((-x) % d)"},
    {"divisible terms leave a quotient", "(d*x + y)//d", "x + y//d"},
    {"divisible terms leave a remainder", "(d*x + y) % d", "y % d"},
    {"divisible constants leave a quotient", "(x + 9)//8", "(x + 1)//8 + 1"},
    {"divisible constants leave a remainder", "(x + 9) % 8", "(x + 1) % 8"},
    {"common factors of a quotient", "(c*x)//(c*d)", "x//d"},
    {"common factors of a remainder", "(c*x) % (c*d)", "c*(x % d)"},
    {"constants that a factor cannot reach", "(4*x + 3)//8", "x//2"},
    {"constants beside a factor", "(4*x + 3) % 8", "4*(x % 2) + 3"},
    {"nested quotients", "(x//2 + y)//3", "(x + 2*y)//6"},
    {"inner remainders", "(3*(x % 8) + y) % 4", "(-x + y) % 4"},
    {"coefficients of a remainder", "(13*x) % 8", "(-3*x) % 8"},
    {"small remainders under a quotient", "(x % 4)//8", "0"},
    {"small remainders under a remainder", "(x % 4) % 8", "x % 4"},
    {"a remainder divided by its divisor", "(x % d)//d", "0"},
    {"a remainder of a remainder", "(x % d) % d", "x % d"},
    {"a remainder and its quotient", "d*(x//d) + x % d", "x"},
    {"polynomial quotients", "(x*y + x)//(y + 1)", "x"},
    {"itself", "x//x", "1"},
    {"ceiling division", "CeilDiv(x, 8)", "(x + 7)//8"},
    {"ceiling division by a size", "CeilDiv(x, d)", "-((-x)//d)"},
    // Extrema.
    {"operands apart by a constant", "Max(x + 2, x, y)", "Max(y, x + 2)"},
    {"operands apart by a constant, smaller", "Min(x + 2, x, y)", "Min(x, y)"},
    {"extrema are flat", "Max(x, Max(y, z))", "Max(x, y, z)"},
    {"equal operands", "Min(x, x)", "x"},
    // Comparisons.
    {"strictness", "x + 1 <= y", "x < y"},
    {"strictness of a constant", "x < 6", "x <= 5"},
    {"content of an inequality", "2*x <= 7", "x <= 3"},
    {"content of an inequality from below", "-4*x <= 7", "-1 <= x"},
    {"content of an equality", "6*x == 9*y + 3", "2*x == 3*y + 1"},
    {"content that no constant reaches", "6*x == 9*y + 2", "False"},
    {"terms change sides", "x - y <= 3", "x <= y + 3"},
    {"remainders are bounded", "x % 8 == 9", "False"},
    {"remainders are not negative", "x % 8 >= 0", "True"},
    {"negated order", "Not(x < y)", "y <= x"},
    {"negated conjunction", "Not(And(x == 1, y < 2))", "Or(x != 1, 2 <= y)"},
    {"a condition and its opposite", "And(x < y, y <= x)", "False"},
    // By facts: simplify_known.cc and decide.cc.
    {"known multiples", "d*(x//d)", "x", "x % d == 0"},
    {"known constant multiples", "16*y*(x//8)", "2*x*y", "x % 8 == 0"},
    {"multiples of known multiples", "x % 4", "0", "x % 8 == 0"},
    {"terms that are multiples", "(x + y) % 4", "y % 4", "x % 8 == 0"},
    {"small dividends", "x//d", "0", "And(0 <= x, x < d)"},
    {"small dividends remain", "x % d", "x", "And(0 <= x, x < d)"},
    {"the larger one", "Max(x, y)", "y", "x <= y"},
    {"the smaller one", "Min(x, y)", "x", "x <= y"},
    {"transitive order", "x <= z", "True", "And(x <= y, y <= z)"},
    {"positive factors of an equality", "c*x == c*y", "x == y", "1 <= c"},
    {"replacement", "y*z", "x*y", "x == z"},
    {"excluded ends", "3 <= x", "True", "And(2 <= x, x != 2)"},
    {"choices that are made", "Where(x < y, x, z)", "x", "x < y"},
};

}  // namespace kiln

#endif  // KILN_TESTS_PROOFS_REWRITE_TABLE_H_
