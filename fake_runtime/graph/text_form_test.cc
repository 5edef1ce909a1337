#include "fake_runtime/graph/text_form.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/graph/testing/random_graph.h"
#include "fake_runtime/graph/testing/test_schemas.h"

namespace kiln {
namespace {

absl::StatusOr<Graph> Parse(absl::string_view text, ExprPool& pool) {
  return ParseGraph(text, &pool, FindTestSchema);
}

struct Golden {
  const char* what;
  // Printed form; parsing it and printing gives it back.
  const char* text;
};

TEST(TextFormTest, GoldensPrintAsTheyWereWritten) {
  const Golden goldens[] = {
      {"plain", R"(graph main(%a: f32[s0, s1],
    %b: f32[s2, s1]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
}
)"},
      {"nothing at all", R"(graph main() {
  return ()
}
)"},
      {"list returns spread", R"(graph main(%a: f32[8]) {
  %p, %q = aten.split.Tensor(%a, 4)
  [] = aten.split.Tensor(%a, 4)
  %v, _ = aten.var_mean.correction(%a, [0], correction=0)
  return (%p, %q, %v, none, 3)
}
)"},
      {"symbols and assumptions", R"(graph f(%a: f32[s0, u0])
    symbols { s0 = 8 in [2, oo] dynamic, u0 in [0, 64] unbacked, s9 }
    assume { s0 == s9, s0 <= 64 } {
  return (%a)
}
)"},
      {"floats and storages", R"(graph f(%a: f32[s0] storage_bytes=4*s0 + 16 requires_grad,
    %b: f32[2] offset=1 storage_bytes=64 buffer,
    %z: float = 2.5 + zf0)
    symbols { s0 = 8, zf0 = 1e-05 } {
  return (%a)
}
)"},
      {"attributes of inputs",
       R"(graph f(%a: f32[4, 8] strides=[1, 4] offset=3 device=cuda:1 requires_grad parameter,
    %b: i64[] alias=%a conj neg tangent donated constant,
    %n: int = s0 saved,
    %c: bf16[2, 3] layout=sparse_coo policies=[static, dynamic] buffer) {
  return (%a)
}
)"},
      {"literals", R"(graph main(%a: f32[4],
    %n: int = s0) {
  %b = aten.mul.Tensor(%a, 0.9)
  %c = aten.add.Tensor(%b, %n, alpha=2)
  %d = aten.full.default([2, %n], -inf, dtype=bool, layout=strided, device=cuda:1, pin_memory=false)
  %e = aten.clone.default(%c, memory_format=channels_last)
  %f = aten.index.Tensor(%e, [none, %d])
  %g = aten.slice.Tensor(%f, 1, end=9223372036854775807)
  aten._assert_async.msg(%g, "a \"quoted\" line\n")
  %h = aten.mul.Tensor(%g, 1e-05)
  %i = aten.add.Tensor(%h, 1.0)
  %j = sym.add.default(%n, 1)
  return (%i, %j)
}
)"},
  };
  for (const Golden& golden : goldens) {
    ExprPool pool;
    absl::StatusOr<Graph> graph = Parse(golden.text, pool);
    ASSERT_TRUE(graph.ok()) << golden.what << ": " << graph.status();
    EXPECT_EQ(PrintGraph(*graph), golden.text) << golden.what;
  }
}

TEST(TextFormTest, SpacesCommentsAndKeywordsAreFree) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = Parse(R"(
    # A comment of its own.
    graph  main ( %a:f32[ 2*s0 ,4 ] , %b : f32[4,,] ) { # and here
      # not a location
      %c=aten.add.Tensor( other = %a, self=%a )
      %p = aten.split.Tensor(%c, 4)
      return(%c,%p)
    } # the end
  )",
                                      pool);
  // Two commas are an error, one behind the last item is not; the rest is fine.
  EXPECT_EQ(GetErrorReason(graph.status()), ErrorReason::kParseError);
  graph = Parse(R"(
    graph  main ( %a:f32[ 2*s0 ,4, ], ) { # and here
      # not a location
      %c=aten.add.Tensor( other = %a, self=%a )
      %p = aten.split.Tensor(%c, 4)
      return(%c,%p)
    } # the end
  )",
                pool);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->nodes[0].location, "");
  EXPECT_TRUE(graph->nodes[1].outputs[0].is_list);
}

TEST(TextFormTest, SizesThatMayBeZeroCountAsOneInDefaultStrides) {
  ExprPool pool;
  Graph free = Parse("graph f(%a: f32[2, s0]) { return () }", pool).value();
  EXPECT_EQ(std::get<FakeTensor>(free.inputs[0].value).strides[0],
            pool.Max(Expr(1), pool.Symbol("s0")));
  Graph positive =
      Parse("graph f(%a: f32[2, s0]) symbols { s0 in [1, oo] } { return () }",
            pool)
          .value();
  EXPECT_EQ(std::get<FakeTensor>(positive.inputs[0].value).strides[0],
            pool.Symbol("s0"));
  Graph empty = Parse("graph f(%a: f32[2, 0]) { return () }", pool).value();
  EXPECT_TRUE(std::get<FakeTensor>(empty.inputs[0].value).strides[0].IsInt(1));
}

TEST(TextFormTest, UsedValuesWithoutNamesGetOne) {
  ExprPool pool;
  Graph graph =
      Parse("graph f(%a: f32[2]) { %b = aten.relu.default(%a) return (%b) }",
            pool)
          .value();
  graph.value_names[1] = "";
  EXPECT_EQ(PrintGraph(graph),
            "graph f(%a: f32[2]) {\n  %_1 = aten.relu.default(%a)\n  return "
            "(%_1)\n}\n");
}

TEST(TextFormTest, RandomGraphsSurvivePrintingAndParsing) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    ExprPool pool;
    Graph graph = RandomGraph(seed, 30, &pool);
    std::string text = PrintGraph(graph);
    absl::StatusOr<Graph> again = Parse(text, pool);
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << text;
    EXPECT_EQ(PrintGraph(*again), text);
    ASSERT_EQ(again->nodes.size(), graph.nodes.size());
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      EXPECT_EQ(again->nodes[n].op, graph.nodes[n].op);
      EXPECT_EQ(again->nodes[n].args, graph.nodes[n].args);
      EXPECT_EQ(again->nodes[n].location, graph.nodes[n].location);
    }
    EXPECT_EQ(again->outputs, graph.outputs);
    EXPECT_EQ(again->value_names, graph.value_names);
  }
}

TEST(TextFormTest, SaysWhyAnOperatorWithoutASchemaIsRefused) {
  TextFormOptions options;
  options.file = "m.kiln";
  options.refusal = [](absl::string_view op) {
    return op == "my.op" ? MakeError(ErrorReason::kCollectiveOp, "operator refused: mine") : absl::OkStatus();
  };
  ExprPool pool;
  const auto parse = [&](absl::string_view op) {
    return ParseGraph(absl::StrCat("graph f(%a: f32[2]) { %b = ", op, "(%a) return () }"), &pool, &FindTestSchema, options)
        .status();
  };
  EXPECT_EQ(GetErrorReason(parse("my.op")), ErrorReason::kCollectiveOp);
  EXPECT_EQ(parse("my.op").message(), "node 0 (my.op) at m.kiln:1: operator refused: mine");
  EXPECT_EQ(GetErrorReason(parse("my.other")), ErrorReason::kUnknownOp);
  EXPECT_TRUE(parse("aten.relu.default").ok());
}

struct BadText {
  const char* body;
  ErrorReason reason;
  const char* message;
};

TEST(TextFormTest, RefusesWithReasonAndPlace) {
  const BadText cases[] = {
      {"graph f(%a: f32[2]) { return (%b) }", ErrorReason::kDanglingValue,
       "output 0: value 'b' is not defined anywhere"},
      {"graph f(%a: f32[2]) { %c = aten.relu.default(%b) %b = "
       "aten.relu.default(%c) return (%b) }",
       ErrorReason::kGraphCycle,
       "node 0 (aten.relu.default): value 'b' is used before"},
      {"graph f(%a: f32[2]) { %a = aten.relu.default(%a) return () }",
       ErrorReason::kDuplicateName,
       "node 0 (aten.relu.default): value 'a' is defined twice"},
      {"graph f(%a: f32[2]) { %b = aten.oops.default(%a) return () }",
       ErrorReason::kUnknownOp, "node 0 (aten.oops.default)"},
      {"graph f(%a: f32[2]) { %b = aten.relu.default(1) return () }",
       ErrorReason::kBadArgumentType,
       "argument 'self' must be Tensor but is an int"},
      {"graph f(%a: f32[2]) { %b = aten.relu.default() return () }",
       ErrorReason::kBadArgumentCount, "argument 'self' is missing"},
      {"graph f(%a: f32[2]) { %b, %c = aten.relu.default(%a) return () }",
       ErrorReason::kBadArgumentCount, "defines 2 results but returns 1"},
      {"graph f(%a: f32[-2]) { return () }", ErrorReason::kBadInputMetadata,
       "input 0 (a): size 0 is -2"},
      {"graph f(%a: f32[9223372036854775807, 2]) { return () }",
       ErrorReason::kSizeOverflow, "overflow"},
      {"graph f(%a: f32[99999999999999999999]) { return () }",
       ErrorReason::kSizeOverflow, ""},
      {"graph f(%a: f32[2],\n  %b: f33[2]) { return () }",
       ErrorReason::kParseError, "2:"},
      {"graph f(%a: f32[2]) {\n  %b = aten.relu.default(@)\n  return () }",
       ErrorReason::kParseError, "2:26: '' is no literal"},
      {"graph f(%a: f32[s0 +]) { return () }", ErrorReason::kParseError,
       "1:17: "},
      {"graph f(%a: f32[2]) { ", ErrorReason::kParseError,
       "expected a node or 'return'"},
      {"graph f(%a: f32[2]) { return () } x", ErrorReason::kParseError,
       "unexpected text"},
      {"graph f(%a: f32[2] alias=%b) { return () }",
       ErrorReason::kDanglingValue, "value 'b'"},
      {"graph f(%a: int = s0 + 1 bogus) { return () }",
       ErrorReason::kParseError, "1:26: 'bogus'"},
      {"graph f(%a: float = s0) { return () }", ErrorReason::kParseError,
       "the type is 'float'"},
      {"graph f(%a: f32[2]) { %b = aten.index.Tensor(%a, [[[[%a]]]]) return () "
       "}",
       ErrorReason::kParseError, "nest too deeply"},
      {"graph f(%a: f32[2]) { aten._assert_async.msg(%a, \"x) return () }",
       ErrorReason::kParseError, "without an end"},
      {"graph f(%a: f32[s0]) symbols { s0 = 1 in [2, 4] } { return () }",
       ErrorReason::kBadInputMetadata, "hint 1"},
      {"graph f(%a: float = zf0) symbols { zf0 = x } { return () }",
       ErrorReason::kParseError, "expected a finite number, the hint of a float"},
      {"graph f(%a: float = zf0) symbols { zf0 = inf } { return () }",
       ErrorReason::kParseError, "expected a finite number"},
      {"graph f(%a: f32[s0=2.5]) { return () }",
       ErrorReason::kParseError, ""},
      {"graph f(%a: float = zf0) symbols { zf0 = 2.5 in [0, 4] } { return () }",
       ErrorReason::kBadInputMetadata, "symbol zf0: a float has no range"},
      {"graph f(%a: f32[4] storage_bytes=15) { return () }",
       ErrorReason::kBadInputMetadata, "it reaches 16 bytes into a storage of 15"},
      {"graph f(%a: f32[4] storage_bytes=zf0) symbols { zf0 = 2.5 } { return () }",
       ErrorReason::kBadExpression, "the bytes of its storage are zf0"},
      {"graph f(%n: int = s0 storage_bytes=8) { return () }",
       ErrorReason::kParseError, "'storage_bytes' is no attribute of a scalar"},
      {"graph f(%a: f32[s0]) assume { s0 + 1 } { return () }",
       ErrorReason::kBadExpression, "not a boolean"},
      {"", ErrorReason::kParseError, "1:1: expected 'graph'"},
  };
  for (const BadText& c : cases) {
    ExprPool pool;
    absl::Status status = Parse(c.body, pool).status();
    EXPECT_EQ(GetErrorReason(status), c.reason) << c.body << "\n" << status;
    EXPECT_NE(status.message().find(c.message), absl::string_view::npos)
        << c.body << "\n"
        << status;
  }
}

TEST(TextFormTest, WhatIsNotUtf8IsNamedByItsPlace) {
  ExprPool pool;
  EXPECT_TRUE(Parse("graph f() {\n  return ()  # caf\xC3\xA9\n}", pool).ok());
  const absl::Status status = Parse("graph f() {\n  return ()  # caf\xE9\n}", pool).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError);
  EXPECT_NE(status.message().find("2:19: this byte is not UTF-8"), absl::string_view::npos) << status;
}

// Symbols by the hundred thousand meet the limit, not a search through all of them for each.
TEST(TextFormTest, TooManySymbolsAreRefusedAtTheLimit) {
  std::string inputs, block;
  for (int i = 0; i < 100000; ++i) {
    absl::StrAppend(&inputs, i == 0 ? "" : ", ", "%x", i, ": f32[s", i, "=8]");
    absl::StrAppend(&block, i == 0 ? "" : ", ", "s", i, " = 8");
  }
  for (const std::string& text : {absl::StrCat("graph f(", inputs, ") { return () }"),
                                  absl::StrCat("graph f() symbols { ", block, " } { return () }")}) {
    ExprPool pool;
    const absl::Status status = Parse(text, pool).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded);
    EXPECT_NE(status.message().find("over the limit symbols"), absl::string_view::npos) << status;
  }
}

TEST(TextFormTest, NoPrefixAndNoFlippedByteCrashes) {
  ExprPool pool;
  std::string text = PrintGraph(RandomGraph(3, 12, &pool));
  for (size_t i = 0; i < text.size(); ++i) {
    ExprPool scratch;
    if (i + 1 < text.size()) {
      EXPECT_FALSE(Parse(text.substr(0, i), scratch).ok());
    }
    std::string flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 7)));
    // Most are refused, some mean another graph; none may crash.
    (void)Parse(flipped, scratch);
  }
}

TEST(TextFormTest, SymbolsMayBeToldWhereTheyAreUsed) {
  ExprPool pool;
  absl::StatusOr<Graph> graph =
      Parse("graph f(%x: f32[s0=8 in [2, 64] dynamic, s1 = 4, 3 static, u0 in [0, 9]]) { return %x, }", pool);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(PrintGraph(*graph), R"(graph f(%x: f32[s0, s1, 3, u0] policies=[automatic, automatic, static, automatic])
    symbols { s0 = 8 in [2, 64] dynamic, s1 = 4, u0 in [0, 9] unbacked } {
  return (%x)
}
)");
}

TEST(TextFormTest, TwoPlacesMayNotTellASymbolDifferently) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = Parse("graph f(%x: f32[s0=8], %y: f32[s0=9]) { return (%x) }", pool);
  EXPECT_EQ(GetErrorReason(graph.status()), ErrorReason::kParseError);
  EXPECT_EQ(graph.status().message(), "1:32: symbol s0 has the hint 9 here but 8 elsewhere");
  graph = Parse("graph f(%x: f32[2*s0=8]) { return (%x) }", pool);
  EXPECT_EQ(graph.status().message(), "1:21: only a symbol has a hint or a range, and '2*s0' is none");
}

TEST(OverrideInputTest, TakesHintsFromTheSizesThatItReplaces) {
  ExprPool pool;
  absl::StatusOr<Graph> graph =
      Parse("graph f(%x: bf16[8, 128] device=cuda:1 parameter, %y: f32[s5=3]) { return (%x) }", pool);
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_TRUE(OverrideInput(*graph, "x: [s0, 128] strides=[1, s0]", &pool, FindTestSchema).ok());
  ASSERT_TRUE(OverrideInput(*graph, "%y: i64[2]", &pool, FindTestSchema).ok());
  EXPECT_EQ(PrintGraph(*graph), R"(graph f(%x: bf16[s0, 128] strides=[1, s0] device=cuda:1 parameter,
    %y: i64[2])
    symbols { s0 = 8 } {
  return (%x)
}
)");
}

TEST(OverrideInputTest, SaysWhereTheTextIsWrongAndWhatInputsThereAre) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = Parse("graph f(%x: f32[8], %y: f32[3]) { return (%x) }", pool);
  ASSERT_TRUE(graph.ok()) << graph.status();
  absl::Status status = OverrideInput(*graph, "x: f31[8]", &pool, FindTestSchema);
  EXPECT_EQ(status.message(), "1:4: 'f31' is no dtype, as f32, i64 and bool are");
  status = OverrideInput(*graph, "z: f32[8]", &pool, FindTestSchema);
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_EQ(status.message(), "the graph has no input 'z'; it has x, y");
}

}  // namespace
}  // namespace kiln
