#include "tests/bench/stress_bodies.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {
namespace {

// Collects the pieces of a graph in text form.
class GraphText {
 public:
  void Input(absl::string_view input) { inputs_.emplace_back(input); }
  void Symbol(absl::string_view symbol) { symbols_.emplace_back(symbol); }
  template <typename... Piece>
  void Node(const Piece&... pieces) {
    absl::StrAppend(&nodes_, "  ", pieces..., "\n");
  }
  std::string Finish(absl::string_view result) const {
    std::string text = absl::StrCat("graph stress(", absl::StrJoin(inputs_, ", "), ")");
    if (!symbols_.empty()) absl::StrAppend(&text, " symbols { ", absl::StrJoin(symbols_, ", "), " }");
    return absl::StrCat(text, " {\n", nodes_, "  return (", result, ")\n}\n");
  }

 private:
  std::vector<std::string> inputs_, symbols_;
  std::string nodes_;
};

// s0, s1, ... with hints that differ and have no small common divisor.
void DeclareSizes(GraphText& g, int n, absl::string_view range = "[2, oo]") {
  for (int i = 0; i < n; ++i) g.Symbol(absl::StrCat("s", i, " = ", 1009 + 2 * i, " in ", range));
}

// torch.ones(sum of n data-dependent integers).
std::string SumUnbacked(int n) {
  GraphText g;
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": i64[]"));
  for (int i = 0; i < n; ++i) {
    g.Node("%u", i, " = aten._local_scalar_dense.default(%x", i, ")");
    g.Node("aten.sym_constrain_range_for_size.default(%u", i, ")");
  }
  g.Node("%t1 = sym.add.default(%u0, %u1)");
  for (int i = 2; i < n; ++i) g.Node("%t", i, " = sym.add.default(%t", i - 1, ", %u", i, ")");
  g.Node("%ones = aten.full.default([%t", n - 1, "], 1.0)");
  return g.Finish("%ones");
}

std::string SumBacked(int n) {
  GraphText g;
  DeclareSizes(g, n);
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i < n; ++i) g.Node("%n", i, " = aten.sym_size.int(%x", i, ", 0)");
  g.Node("%t1 = sym.add.default(%n0, %n1)");
  for (int i = 2; i < n; ++i) g.Node("%t", i, " = sym.add.default(%t", i - 1, ", %n", i, ")");
  g.Node("%ones = aten.full.default([%t", n - 1, "], 1.0)");
  return g.Finish("%ones");
}

std::string MatmulLoop(int n) {
  GraphText g;
  DeclareSizes(g, 2);
  g.Input("%x0: f32[s0, s1]");
  g.Input("%w: f32[s1, s1]");
  g.Input("%b: f32[s1]");
  for (int i = 0; i < n; ++i) {
    g.Node("%m", i, " = aten.mm.default(%x", i, ", %w)");
    g.Node("%x", i + 1, " = aten.add.Tensor(%m", i, ", %b)");
  }
  return g.Finish(absl::StrCat("%x", n));
}

// Two guards for each of n symbols: one on divisibility, one on a bound. 5,000
// at the largest size.
std::string ManyGuards(int n) {
  GraphText g;
  for (int i = 0; i < n; ++i) g.Symbol(absl::StrCat("s", i, " = ", 8 * (200 + i), " in [2, oo]"));
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i < n; ++i) {
    g.Node("%v", i, " = aten.view.default(%x", i, ", [-1, 8])");
    g.Node("%w", i, " = aten.slice.Tensor(%x", i, ", 0, 0, ", 100 + i % 97, ")");
  }
  return g.Finish("%w0");
}

// n equalities, each of which makes one symbol another one's stand-in.
std::string ManyEqualities(int n) {
  GraphText g;
  for (int i = 0; i <= n; ++i) g.Symbol(absl::StrCat("s", i, " = 64 in [2, oo]"));
  for (int i = 0; i <= n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  // From the far end, so that each replacement is itself replaced by the next.
  g.Node("%t", n, " = aten.relu.default(%x", n, ")");
  for (int i = n; i-- > 0;) g.Node("%t", i, " = aten.add.Tensor(%x", i, ", %t", i + 1, ")");
  return g.Finish("%t0");
}

// n guards about sums of neighbours, none of which follows from another.
std::string ManyInequalities(int n) {
  GraphText g;
  DeclareSizes(g, n + 1);
  for (int i = 0; i <= n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i <= n; ++i) g.Node("%n", i, " = aten.sym_size.int(%x", i, ", 0)");
  for (int i = 0; i < n; ++i) {
    g.Node("%c", i, " = sym.le.default(%n", i, ", %n", i + 1, ")");
    g.Node("aten._assert_scalar.default(%c", i, ", \"sorted\")");
  }
  return g.Finish("%x0");
}

std::string FloorDivSums(int n) {
  GraphText g;
  DeclareSizes(g, n);
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i < n; ++i) g.Node("%n", i, " = aten.sym_size.int(%x", i, ", 0)");
  g.Node("%t0 = sym.floordiv.default(%n0, 2)");
  for (int i = 1; i < n; ++i) {
    g.Node("%a", i, " = sym.add.default(%n", i, ", %n", i - 1, ")");
    g.Node("%q", i, " = sym.floordiv.default(%a", i, ", ", 2 + i % 7, ")");
    g.Node("%t", i, " = sym.add.default(%t", i - 1, ", %q", i, ")");
  }
  g.Node("%ones = aten.full.default([%t", n - 1, "], 1.0)");
  return g.Finish("%ones");
}

std::string DeepViews(int n) {
  GraphText g;
  DeclareSizes(g, 2);
  g.Input("%v0: f32[s0, s1, 4]");
  g.Node("%n0 = aten.sym_size.int(%v0, 0)");
  g.Node("%n1 = aten.sym_size.int(%v0, 1)");
  g.Node("%n01 = sym.mul.default(%n0, %n1)");
  static constexpr absl::string_view kSizes[] = {"[%n01, 4]", "[%n0, %n1, 2, 2]", "[-1]", "[%n1, %n0, 4]"};
  for (int i = 0; i < n; ++i) {
    const absl::string_view sizes = kSizes[i % 4];
    g.Node("%v", i + 1, " = aten.view.default(%v", i, ", ", sizes, ")");
  }
  return g.Finish(absl::StrCat("%v", n));
}

std::string DeepTransposes(int n) {
  GraphText g;
  DeclareSizes(g, 3);
  g.Input("%v0: f32[s0, s1, s2]");
  for (int i = 0; i < n; ++i) {
    g.Node("%v", i + 1, " = aten.transpose.int(%v", i, ", ", i % 3, ", ", (i + 1) % 3, ")");
  }
  g.Node("%r = aten.relu.default(%v", n, ")");
  return g.Finish("%r");
}

std::string CatOfMany(int n) {
  GraphText g;
  DeclareSizes(g, n);
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) {
    g.Input(absl::StrCat("%x", i, ": f32[s", i, ", 4]"));
    names.push_back(absl::StrCat("%x", i));
  }
  g.Node("%c = aten.cat.default([", absl::StrJoin(names, ", "), "])");
  g.Node("%r = aten.relu.default(%c)");
  return g.Finish("%r");
}

std::string SliceChain(int n) {
  GraphText g;
  g.Symbol("s0 = 1000003 in [100000, oo]");
  g.Input("%v0: f32[s0, 16]");
  for (int i = 0; i < n; ++i) g.Node("%v", i + 1, " = aten.slice.Tensor(%v", i, ", 0, 1, 9223372036854775807)");
  g.Node("%r = aten.relu.default(%v", n, ")");
  return g.Finish("%r");
}

std::string NestedExtrema(int n) {
  GraphText g;
  DeclareSizes(g, n, "[0, oo]");
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i < n; ++i) g.Node("%n", i, " = aten.sym_size.int(%x", i, ", 0)");
  g.Node("%t0 = sym.max.default(%n0, 3)");
  for (int i = 1; i < n; ++i) {
    g.Node("%m", i, " = sym.min.default(%n", i, ", %n", i - 1, ")");
    g.Node("%t", i, " = sym.max.default(%t", i - 1, ", %m", i, ")");
  }
  g.Node("%ones = aten.full.default([%t", n - 1, "], 1.0)");
  return g.Finish("%ones");
}

std::string WhereChain(int n) {
  GraphText g;
  DeclareSizes(g, n, "[0, oo]");
  for (int i = 0; i < n; ++i) g.Input(absl::StrCat("%x", i, ": f32[s", i, "]"));
  for (int i = 0; i < n; ++i) g.Node("%n", i, " = aten.sym_size.int(%x", i, ", 0)");
  for (int i = 1; i < n; ++i) {
    g.Node("%c", i, " = sym.lt.default(%n", i, ", %n", i - 1, ")");
    g.Node("%w", i, " = sym.ite.default(%c", i, ", %n", i, ", 5)");
    g.Node("%e", i, " = aten.full.default([%w", i, "], 1.0)");
  }
  return g.Finish(absl::StrCat("%e", n - 1));
}

std::string BroadcastChain(int n) {
  GraphText g;
  DeclareSizes(g, n, "[2, oo]");
  for (int i = 0; i < n; ++i) {
    g.Input(absl::StrCat("%a", i, ": f32[s", i, ", 1]"));
    g.Input(absl::StrCat("%b", i, ": f32[1, s", n - 1 - i, "]"));
  }
  for (int i = 0; i < n; ++i) {
    g.Node("%c", i, " = aten.add.Tensor(%a", i, ", %b", i, ")");
    g.Node("%d", i, " = aten.expand.default(%c", i, ", [3, -1, -1])");
    g.Node("%e", i, " = aten.mul.Tensor(%d", i, ", %b", i, ")");
  }
  return g.Finish(absl::StrCat("%e", n - 1));
}

std::string AddChain(int n) {
  GraphText g;
  DeclareSizes(g, 2, "[2, oo]");
  g.Input("%x0: f32[s0, s1]");
  g.Input("%y: f32[s0, s1]");
  for (int i = 0; i < n; ++i) g.Node("%x", i + 1, " = aten.add.Tensor(%x", i, ", %y)");
  return g.Finish(absl::StrCat("%x", n));
}

// A data-dependent size in every step, each from the one before.
std::string NonzeroChain(int n) {
  GraphText g;
  g.Symbol("s0 = 64 in [2, oo]");
  g.Input("%x0: f32[s0]");
  for (int i = 0; i < n; ++i) {
    g.Node("%z", i, " = aten.nonzero.default(%x", i, ")");
    g.Node("%f", i, " = aten.view.default(%z", i, ", [-1])");
    g.Node("%x", i + 1, " = aten.relu.default(%f", i, ")");
  }
  return g.Finish(absl::StrCat("%x", n));
}

constexpr StressBody kBodies[] = {
    {"add_chain", "additions in a row", 334, AddChain},
    {"broadcast_chain", "broadcasts and expands of different symbols", 64, BroadcastChain},
    {"cat_of_many", "tensors of different sizes, concatenated", 250, CatOfMany},
    {"deep_transposes", "transposes of transposes", 250, DeepTransposes},
    {"deep_views", "views of views", 125, DeepViews},
    {"floordiv_sums", "floor divisions of sums, added up", 25, FloorDivSums},
    {"many_equalities", "sizes found equal, one after another", 250, ManyEqualities},
    {"many_guards", "symbols with two guards each", 313, ManyGuards},
    {"many_inequalities", "sizes that are sorted", 250, ManyInequalities},
    {"matmul_loop", "matmuls and biases with symbolic sizes", 250, MatmulLoop},
    {"nested_extrema", "Max of Min of Max", 25, NestedExtrema},
    {"nonzero_chain", "data-dependent sizes, each from the one before", 125, NonzeroChain},
    {"slice_chain", "slices of slices", 250, SliceChain},
    {"sum_backed", "backed symbols, added up", 50, SumBacked},
    {"sum_unbacked", "unbacked symbols, added up", 50, SumUnbacked},
    {"where_chain", "sizes that depend on comparisons", 64, WhereChain},
};

}  // namespace

absl::Span<const StressBody> StressBodies() { return kBodies; }

}  // namespace kiln
