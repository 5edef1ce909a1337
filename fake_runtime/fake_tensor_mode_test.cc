#include "fake_runtime/fake_tensor_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

using Hints = std::vector<std::pair<std::string, int64_t>>;

// A pool and what was propagated in it.
class Mode {
 public:
  absl::StatusOr<FakeGraph> Run(const std::string& text, const Hints& hints = {}) {
    absl::StatusOr<Graph> graph = ParseGraph(text, &pool_, FindOpSchema);
    if (!graph.ok()) return graph.status();
    if (!hints.empty()) {
      if (absl::Status status = BindSymbols(*graph, hints); !status.ok()) return status;
    }
    return Propagate(*std::move(graph), &pool_);
  }
  std::string Describe(const std::string& text, const Hints& hints = {}) {
    absl::StatusOr<FakeGraph> fake = Run(text, hints);
    return fake.ok() ? "\n" + DescribePropagation(*fake) : std::string(fake.status().message());
  }
  ExprPool& pool() { return pool_; }

 private:
  ExprPool pool_;
};

std::vector<std::string> Conditions(const FakeGraph& fake) {
  std::vector<std::string> out;
  for (const Guard& guard : fake.env->Guards()) out.push_back(guard.condition.ToString());
  return out;
}

constexpr char kAdd[] = R"(graph main(%a: f32[s0, s1], %b: f32[s2, s1]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
})";

TEST(PropagateTest, TwoBroadcastsOfOneGraphAreToldApartByAGuard) {
  Mode mode;
  absl::StatusOr<FakeGraph> equal = mode.Run(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  ASSERT_TRUE(equal.ok()) << equal.status();
  absl::StatusOr<FakeGraph> row = mode.Run(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 1}});
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_THAT(Conditions(*equal), testing::Contains("s0 == s2"));
  EXPECT_THAT(Conditions(*row), testing::Contains("s2 == 1"));
  EXPECT_THAT(Conditions(*row), testing::Not(testing::Contains("s0 == s2")));
  const Guard& guard = row->env->Guards().back();
  EXPECT_EQ(guard.reason.op, "aten.add.Tensor");
  EXPECT_EQ(guard.reason.location, "model.py:41");
  EXPECT_EQ(guard.reason.node, 0);
}

TEST(PropagateTest, WhoNeedsNoBroadcastSizesDoesNotAskWhichSizeIsOne) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(
      "graph g(%x: f32[s0], %m: bool[s1]) { %r = aten.masked_select.default(%x, %m) return () }", {{"s0", 4}, {"s1", 4}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(Conditions(*fake), testing::ElementsAre("Or(s0 == 1, s0 == s1, s1 == 1)"));
  EXPECT_THAT(mode.Describe("graph g(%x: f32[4], %m: bool[3]) { %r = aten.masked_select.default(%x, %m) return () }"),
              HasSubstr("must match the size of tensor b (3) at non-singleton dimension 0"));
}

TEST(PropagateTest, AStateOfTheGeneratorIsAsLargeAsPyTorchs) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph g() { %s = kiln.get_rng_state.default() kiln.set_rng_state.default(%s) return (%s) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
  const FakeTensor& state = fake->tensor(ValueId{0});
  EXPECT_EQ(state.dtype, DType::kUInt8);
  EXPECT_TRUE(state.sizes.size() == 1 && state.sizes[0].IsInt(5056)) << state.ToString();
  EXPECT_THAT(mode.Describe("graph g(%s: u8[16]) { kiln.set_rng_state.default(%s) return () }"), HasSubstr("5056"));
  EXPECT_THAT(mode.Describe("graph g(%s: f32[5056]) { kiln.set_rng_state.default(%s) return () }"), HasSubstr("u8[5056]"));
}

TEST(PropagateTest, ScatteringADiagonalDoesNotAskWhereItStarts) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(
      "graph g(%a: f32[s0, s1], %b: f32[s2]) { %r = aten.diagonal_scatter.default(%a, %b, 2) return () }",
      {{"s0", 4}, {"s1", 6}, {"s2", 4}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(Conditions(*fake), testing::ElementsAre("s2 == Max(0, Min(s0, s1 - 2))"));
}

TEST(PropagateTest, EqualExpressionsBroadcastWithoutAGuard) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph main(%a: f32[s0], %b: f32[s0]) { %c = aten.mul.Tensor(%a, %b) return (%c) }", {{"s0", 4}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_TRUE(fake->env->Guards().empty());
}

TEST(PropagateTest, ErrorsNameTheNodeAndBothValues) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph main(%a: f32[4, 64], %b: f32[32, 8]) {
    %c = aten.mm.default(%a, %b)  # model.py:41
    return (%c)
  })");
  EXPECT_EQ(GetErrorReason(fake.status()), ErrorReason::kShapeMismatch);
  EXPECT_THAT(std::string(fake.status().message()), HasSubstr("node 0 (aten.mm.default) at model.py:41"));
  EXPECT_THAT(std::string(fake.status().message()), HasSubstr("64"));
  EXPECT_THAT(std::string(fake.status().message()), HasSubstr("32"));
}

TEST(PropagateTest, ASizeThatOverflowsIsRefused) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph main(%a: f32[4294967296, 1], %b: f32[1, 4294967296]) {
    %c = aten.mul.Tensor(%a, %b)
    return (%c)
  })");
  EXPECT_EQ(GetErrorReason(fake.status()), ErrorReason::kSizeOverflow);
}

TEST(PropagateTest, TensorsOfAnySizeCostNothing) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(
      "graph main(%a: f32[1000000, 1000000, 1000]) { %c = aten.exp.default(%a) %d = aten.sum.default(%c) return (%d) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
}

TEST(PropagateTest, ADynamicDimensionIsNotSpecialised) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(
      R"(graph main(%a: f32[s0, 4]) symbols { s0 = 3 dynamic } {
    %p, %q, %r = aten.unbind.int(%a, 0)
    return (%p)
  })");
  EXPECT_EQ(GetErrorReason(fake.status()), ErrorReason::kSpecializedDynamic);
  EXPECT_THAT(std::string(fake.status().message()), HasSubstr("aten.unbind.int"));
}

TEST(PropagateTest, AnItemOfAConstantIsKnownAndAWriteForgetsIt) {
  Mode mode;
  absl::StatusOr<FakeGraph> known = mode.Run(
      "graph main() { %c = aten.scalar_tensor.default(7, dtype=i64) %n = aten._local_scalar_dense.default(%c) return (%n) }");
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_TRUE(std::get<Expr>(known->values[1]).IsInt(7));
  absl::StatusOr<FakeGraph> written = mode.Run(R"(graph main(%x: i64[]) {
    %c = aten.scalar_tensor.default(7, dtype=i64)
    %v = aten.view.default(%c, [1])
    %w = aten.copy_.default(%v, %x)
    %n = aten._local_scalar_dense.default(%c)
    return (%n)
  })");
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_TRUE(std::get<Expr>(written->values[4]).has_unbacked());
}

TEST(PropagateTest, InPlaceFormsReturnTheirArgument) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph main(%a: f32[2, 3], %b: f32[3]) { %c = aten.add_.Tensor(%a, %b) return (%c) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(fake->tensor(ValueId{2}).storage, fake->tensor(ValueId{0}).storage);
  EXPECT_EQ(fake->num_storages, 2);
  absl::StatusOr<FakeGraph> wide =
      mode.Run("graph main(%a: f32[3], %b: f32[2, 3]) { %c = aten.add_.Tensor(%a, %b) return (%c) }");
  EXPECT_EQ(GetErrorReason(wide.status()), ErrorReason::kShapeMismatch);
  absl::StatusOr<FakeGraph> cut =
      mode.Run("graph main(%a: i64[3], %b: f32[3]) { %c = aten.add_.Tensor(%a, %b) return (%c) }");
  EXPECT_EQ(GetErrorReason(cut.status()), ErrorReason::kDtypeMismatch);
}

TEST(PropagateTest, DataDependentSizesAreUnbackedWithARange) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph main(%a: f32[3, 5]) { %n = aten.nonzero.default(%a) return (%n) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
  const FakeTensor& n = fake->tensor(ValueId{1});
  EXPECT_TRUE(n.sizes[0].has_unbacked());
  EXPECT_EQ(fake->env->RangeOf(n.sizes[0]), (ValueRange{0, 15}));
  // Indices come column by column.
  EXPECT_EQ(n.strides[1], n.sizes[0]);
}

TEST(PropagateNodeTest, RunsANodeThatADecompositionAdded) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph main(%a: f32[s0, 4]) { %b = aten.relu.default(%a) return (%b) }", {{"s0", 3}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  Node node;
  node.op = FindOpSchema("aten.t.default");
  node.args = {Argument(ValueId{1})};
  node.outputs = {{false, {ValueId{2}}}};
  fake->graph.value_names.push_back("c");
  fake->graph.nodes.push_back(node);
  ASSERT_TRUE(PropagateNode(*fake, 1).ok());
  EXPECT_EQ(fake->tensor(ValueId{2}).sizes, (Dims{Expr(4), mode.pool().Symbol("s0")}));
}

// Decompositions begin graphs of their own, which nobody propagated as a whole.
TEST(PropagateNodeTest, ANodeThatWritesMarksTheInputsOfAGraphThatADecompositionBegan) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake =
      mode.Run("graph main(%a: f32[3], %b: f32[3]) { %c = aten.view.default(%a, [1, 3]) return (%c) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
  fake->input_writes.clear();
  fake->storage_bytes.clear();
  Node node;
  node.op = FindOpSchema("aten.mul_.Tensor");
  node.args = {Argument(ValueId{2}), Argument(ValueId{1})};
  node.outputs = {{false, {ValueId{3}}}};
  fake->graph.value_names.push_back("d");
  fake->graph.nodes.push_back(node);
  ASSERT_TRUE(PropagateNode(*fake, 1).ok());
  ASSERT_EQ(fake->input_writes.size(), 2u);
  EXPECT_TRUE(fake->input_writes[0].data);
  EXPECT_FALSE(fake->input_writes[1].data);
  EXPECT_EQ(fake->tensor(ValueId{3}).storage, fake->tensor(ValueId{0}).storage);
}

TEST(PropagateTest, ArithmeticOnConstantsIsKnownByAllNamesOfItsStorage) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph main() {
    %c = aten.scalar_tensor.default(7, dtype=i64)
    %v = aten.view.default(%c, [1])
    %w = aten.mul_.Scalar(%v, 6)
    %n = aten._local_scalar_dense.default(%c)
    return (%n)
  })");
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_TRUE(std::get<Expr>(fake->values[3]).IsInt(42));
}

TEST(PropagateTest, AnElementIsNotWrittenTwice) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(
      "graph main(%a: f32[3] strides=[0]) { %c = aten.mul_.Scalar(%a, 2) return (%c) }");
  EXPECT_EQ(GetErrorReason(fake.status()), ErrorReason::kBadArgumentValue);
}

// PyTorch's words: setStorage: sizes ..., out of bounds for storage of size.
TEST(PropagateTest, AsStridedStaysInTheStorageThatAnInputSays) {
  struct Case {
    const char* input;
    const char* view;
    bool fits;
  } cases[] = {
      {"f32[4] storage_bytes=32", "[8], [1]", true},
      {"f32[4] storage_bytes=32", "[9], [1]", false},
      {"f32[4] storage_bytes=32", "[2, 2], [5, 1], 1", true},
      {"f32[4] storage_bytes=32", "[2, 2], [5, 1], 2", false},
      {"f32[4] storage_bytes=32", "[0, 9], [9, 1], 100", true},
      {"f32[4] offset=4 storage_bytes=32", "[4], [1]", true},
      {"f32[4] offset=4 storage_bytes=32", "[5], [1]", false},
      {"f32[4] storage_bytes=18", "[4], [1]", true},
      {"f32[4] storage_bytes=18", "[5], [1]", false},
      {"f32[0] storage_bytes=0", "[0], [1]", true},
      {"f32[0] storage_bytes=0", "[1], [1]", false},
      // As long as nobody says how large it is, it goes unchecked.
      {"f32[4]", "[9], [1]", true},
  };
  for (const Case& c : cases) {
    Mode mode;
    const absl::Status status =
        mode.Run(absl::StrCat("graph g(%x: ", c.input, ") { %y = aten.as_strided.default(%x, ", c.view, ") return (%y) }"))
            .status();
    EXPECT_EQ(status.ok(), c.fits) << c.input << " " << c.view << " " << status;
    if (c.fits) continue;
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kShapeMismatch) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("which is out of bounds for storage of size")) << status;
  }
}

TEST(PropagateTest, AStorageInSymbolsIsAGuardWhereItMustBe) {
  constexpr char kGraph[] = R"(graph g(%x: f32[s0, 4] storage_bytes=16*s0, %n: int = s1) {
    %y = aten.as_strided.default(%x, [%n, 4], [4, 1])
    return (%y)
  })";
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(kGraph, {{"s0", 8}, {"s1", 5}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(Conditions(*fake), std::vector<std::string>{"Or(s1 == 0, s1 <= s0)"});
  EXPECT_EQ(GetErrorReason(mode.Run(kGraph, {{"s0", 8}, {"s1", 9}}).status()), ErrorReason::kShapeMismatch);
  // The same in its own sizes is known.
  absl::StatusOr<FakeGraph> known = mode.Run(R"(graph g(%x: f32[s0, 4] storage_bytes=16*s0) {
    %n = aten.sym_size.int(%x, 0)
    %y = aten.as_strided.default(%x, [4, %n], [1, 4])
    return (%y)
  })", {{"s0", 8}});
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_TRUE(Conditions(*known).empty()) << Conditions(*known)[0];
}

TEST(PropagateTest, AStorageGrowsWithWhatIsMadeInIt) {
  const auto run = [](const std::string& size) {
    Mode mode;
    return mode.Run(absl::StrCat("graph g(%x: f32[4] storage_bytes=16) { %r = aten.resize_.default(%x, [8]) ",
                                 "%y = aten.as_strided.default(%r, [", size, "], [1]) return () }")).status();
  };
  EXPECT_TRUE(run("8").ok()) << run("8");
  EXPECT_EQ(GetErrorReason(run("9")), ErrorReason::kShapeMismatch);
}

TEST(PropagateTest, AnInputLiesInItsStorageAtItsHints) {
  constexpr char kGraph[] = "graph g(%x: f32[s0, 4] offset=2 storage_bytes=16*s1) { return () }";
  Mode mode;
  EXPECT_TRUE(mode.Run(kGraph, {{"s0", 3}, {"s1", 4}}).ok());
  const absl::Status status = mode.Run(kGraph, {{"s0", 4}, {"s1", 4}}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_THAT(std::string(status.message()), HasSubstr("input 0 (x): it reaches 72 bytes into a storage of 64"));
  EXPECT_TRUE(mode.Run(kGraph, {{"s0", 0}, {"s1", 0}}).ok());
}

// "+" for each value that requires grad in the end, inputs first.
std::string Grads(const FakeGraph& fake) {
  std::string out;
  for (const FakeValue& value : fake.values) {
    const FakeTensor* t = std::get_if<FakeTensor>(&value);
    out += t == nullptr ? '.' : t->requires_grad ? '+' : '-';
  }
  return out;
}

TEST(RequiresGradTest, HangsOnOperandsOperatorAndDtype) {
  struct Case {
    const char* what;
    const char* nodes;
    const char* results;
  } cases[] = {
      {"a product", "%r = aten.mul.Tensor(%x, %y)", "+"},
      {"of what does not", "%r = aten.mul.Tensor(%y, %y)", "-"},
      {"one of a list", "%r = aten.cat.default([%y, %x])", "+"},
      {"a view, and a view of it", "%r = aten.view.default(%x, [2, 2]) %s = aten.t.default(%r)", "++"},
      {"detach, and what comes of it", "%r = aten.detach.default(%x) %s = aten.exp.default(%r)", "--"},
      {"a comparison", "%r = aten.gt.Tensor(%x, %y)", "-"},
      {"values and their indices", "%r, %s = aten.sort.default(%x)", "+-"},
      {"a cast to integers", "%r = aten._to_copy.default(%x, dtype=i64)", "-"},
      {"only its size counts", "%r = aten.zeros_like.default(%x)", "-"},
      {"the same bytes as another dtype", "%r = aten.view.dtype(%x, bf16)", "-"},
      {"a weight that is no variable", "%r = aten.binary_cross_entropy.default(%y, %y, %x)", "-"},
      {"several results", "%r, %s, %t = aten._linalg_det.default(%m)", "+--"},
  };
  for (const Case& c : cases) {
    Mode mode;
    absl::StatusOr<FakeGraph> fake = mode.Run(
        absl::StrCat("graph g(%x: f32[4] requires_grad, %y: f32[4], %m: f32[3, 3] requires_grad) { ", c.nodes, " return () }"));
    ASSERT_TRUE(fake.ok()) << c.what << ": " << fake.status();
    EXPECT_EQ(Grads(*fake), absl::StrCat("+-+", c.results)) << c.what;
  }
}

TEST(RequiresGradTest, InPlaceItBeginsForAllViewsButThoseOfDetach) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph g(%x: f32[4], %w: f32[4] requires_grad, %other: f32[4]) {
    %v = aten.view.default(%x, [2, 2])
    %d = aten.detach.default(%x)
    %dv = aten.view.default(%d, [2, 2])
    %r = aten.mul_.Tensor(%x, %w)
    %late = aten.view.default(%x, [2, 2])
    return ()
  })");
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(Grads(*fake), "++-" "+--" "++");
}

TEST(RequiresGradTest, DetachInPlaceEndsItAndAWriteOfIntegersNeverBeginsIt) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph g(%w: f32[4] requires_grad, %i: i64[4]) {
    %x = aten.exp.default(%w)
    %d = aten.detach_.default(%x)
    %c = aten.copy_.default(%i, %w)
    return ()
  })");
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(Grads(*fake), "+---" "-");
}

TEST(BindSymbolsTest, RefusesUnknownNamesAndMissingHints) {
  Mode mode;
  EXPECT_EQ(GetErrorReason(mode.Run(kAdd, {{"s9", 1}}).status()), ErrorReason::kBadInputMetadata);
  EXPECT_EQ(GetErrorReason(mode.Run(kAdd, {{"s0", 1}}).status()), ErrorReason::kBadInputMetadata);
  EXPECT_EQ(GetErrorReason(mode.Run(kAdd, {{"s0", -1}, {"s1", 1}, {"s2", 1}}).status()), ErrorReason::kBadInputMetadata);
}

class SymbolizeInputsTest : public testing::Test {
 protected:
  std::string Symbolized(const std::string& text, const SymbolizeOptions& options) {
    absl::StatusOr<Graph> graph = ParseGraph(text, &pool_, FindOpSchema);
    if (!graph.ok()) return std::string(graph.status().message());
    absl::Status status = SymbolizeInputs(*graph, &pool_, options);
    if (!status.ok()) return std::string(status.message());
    std::string out;
    for (const GraphInput& input : graph->inputs) {
      const FakeTensor& t = std::get<FakeTensor>(input.value);
      for (const Dims* dims : {&t.sizes, &t.strides}) {
        for (Expr e : *dims) out += e.ToString() + " ";
        out += "| ";
      }
    }
    return out;
  }
  ExprPool pool_;
};

TEST_F(SymbolizeInputsTest, DuckShapesAndSpecialisesZeroAndOne) {
  const std::string text = "graph main(%a: f32[8, 16], %b: f32[8, 1]) { return (%a) }";
  EXPECT_EQ(Symbolized(text, {}), "s0 s1 | s1 1 | s0 1 | 1 1 | ");
  EXPECT_EQ(Symbolized(text, {false, true}), "s0 s1 | s1 1 | s2 1 | 1 1 | ");
  EXPECT_EQ(Symbolized(text, {true, false}), "s0 s1 | Max(1, s1) 1 | s0 s2 | Max(1, s2) 1 | ");
}

TEST_F(SymbolizeInputsTest, KeepsStaticDimensionsAndTransposedLayouts) {
  EXPECT_EQ(Symbolized("graph main(%a: f32[8, 16] policies=[automatic, static]) { return (%a) }", {}), "s0 16 | 16 1 | ");
  EXPECT_EQ(Symbolized("graph main(%a: f32[8, 16] strides=[1, 8]) { return (%a) }", {}), "s0 s1 | 1 s0 | ");
  EXPECT_EQ(Symbolized("graph main(%a: f32[8, 16] strides=[100, 3]) { return (%a) }", {}), "s0 s1 | 100 3 | ");
}

TEST(PropagateTest, ASymbolicDimensionOfAnFftIsPinned) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run(R"(graph g(%x: c64[s0, s1, s2], %n: int = s0) {
  %y = aten._fft_c2c.default(%x, [%n], 0, true)
  return (%y)
})", {{"s0", 2}, {"s1", 26}, {"s2", 16}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(Conditions(*fake), testing::Contains("s0 == 2"));
}

TEST(PropagateTest, ADimensionOfAnFftThatOnlyDataKnowsIsRefused) {
  Mode mode;
  absl::Status status = mode.Run(R"(graph g(%x: c64[4, 4], %i: i64[]) {
  %n = aten._local_scalar_dense.default(%i)
  %y = aten._fft_c2c.default(%x, [%n], 0, true)
  return (%y)
})").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDataDependentSize) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("node 1 (aten._fft_c2c.default)"));
}

TEST(PropagateTest, TensorsOfTwoDevicesAreRefusedWithBoth) {
  Mode mode;
  absl::Status status = mode.Run("graph main(%a: f32[4], %b: f32[4] device=cuda:1) {"
                                 " %c = aten.add.Tensor(%a, %b) return (%c) }")
                            .status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDeviceMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("node 0 (aten.add.Tensor)"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("cpu"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("cuda:1"));
}

// The bit has no place in a message: only the text form tells of it.
TEST(PropagateTest, AConjugateIsComplex) {
  Mode mode;
  const absl::Status status = mode.Run("graph f(%x: f32[4] conj) { return (%x) }", {}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_NE(status.message().find("input 0 (x): it is a lazy conjugate, but f32 is not complex"), absl::string_view::npos)
      << status;
  EXPECT_TRUE(mode.Run("graph f(%x: c64[4] conj) { return (%x) }", {}).ok());
}

TEST(PropagateTest, ANumberOnTheCpuGoesWithAnyDeviceWhereverItStands) {
  Mode mode;
  absl::StatusOr<FakeGraph> fake = mode.Run("graph main(%n: f32[], %w: f32[4, 3] device=cuda:1, %i: i64[]) {"
                                            " %a = aten.stack.default([%n, %n])"
                                            " %b = aten.pow.Tensor_Tensor(%n, %w)"
                                            " %c = aten.embedding.default(%w, %i) return (%a, %b, %c) }");
  ASSERT_TRUE(fake.ok()) << fake.status();
  std::vector<std::string> devices;
  for (size_t i = fake->graph.inputs.size(); i < fake->values.size(); ++i) {
    devices.push_back(std::get<FakeTensor>(fake->values[i]).device.ToString());
  }
  EXPECT_THAT(devices, testing::ElementsAre("cpu", "cuda:1", "cuda:1"));
}

TEST(PropagateTest, WhatIsWrittenStaysOnItsDevice) {
  Mode mode;
  absl::Status status = mode.Run("graph main(%n: f32[], %m: f32[] device=cuda:0) {"
                                 " %c = aten.mul_.Tensor(%n, %m) return (%c) }")
                            .status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDeviceMismatch) << status;
}

TEST(DescribePropagationTest, ShowsValuesAliasesAndGuards) {
  Mode mode;
  EXPECT_EQ(mode.Describe(R"(graph main(%x: f32[s0, 4], %w: f32[4, 3]) {
  %y = aten.mm.default(%x, %w)  # model.py:7
  %t = aten.t.default(%y)
  %h = aten.view.default(%y, [2, -1])  # model.py:9
  %n = aten.sym_size.int(%h, 1)
  return (%t, %h, %n)
})",
                          {{"s0", 6}}),
            R"(
node  value  op                 dtype  sizes           strides                 notes
      %x     input              f32    [s0, 4]         [4, 1]
      %w     input              f32    [4, 3]          [3, 1]
0     %y     aten.mm.default    f32    [s0, 3]         [3, 1]
1     %t     aten.t.default     f32    [3, s0]         [1, 3]                  alias of %y
2     %h     aten.view.default  f32    [2, (3*s0)//2]  [Max(1, (3*s0)//2), 1]  alias of %y
             guard s0 % 2 == 0  # a view keeps the number of elements, model.py:9
3     %n     aten.sym_size.int  int    (3*s0)//2
guards:
  s0 % 2 == 0  # aten.view at model.py:9: a view keeps the number of elements
symbols:
  s0 = 6 in [0, oo]
)");
}

TEST(DescribePropagationTest, ShowsTheGuardsOfABroadcast) {
  Mode mode;
  EXPECT_EQ(mode.Describe(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 1}}), R"(
node  value  op               dtype  sizes     strides
      %a     input            f32    [s0, s1]  [Max(1, s1), 1]
      %b     input            f32    [s2, s1]  [Max(1, s1), 1]
0     %c     aten.add.Tensor  f32    [s0, s1]  [Max(1, s1), 1]
             guard s0 != 1  # broadcast of dim 0, model.py:41
             guard s2 == 1  # broadcast of dim 0, model.py:41
guards:
  s0 != 1  # aten.add.Tensor at model.py:41: broadcast of dim 0
  s2 == 1  # aten.add.Tensor at model.py:41: broadcast of dim 0
symbols:
  s0 = 8 in [0, oo]
  s1 = 16 in [0, oo]
  s2 = 1 in [1, 1], by the guards 1
)");
}

}  // namespace
}  // namespace kiln
