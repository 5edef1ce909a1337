#include "fake_runtime/import/import_graph.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "fake_runtime/graph/testing/random_graph.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"

namespace kiln {
namespace {

constexpr RefusedOp kRefused[] = {
    {"_c10d_functional.", "collective", ErrorReason::kCollectiveOp},
    {"aten._to_sparse", "sparse tensors have no fake tensors"}};

OpCatalog Ops() { return {FindTestSchema, kRefused}; }

v1::Graph FromProtoText(const std::string& text) {
  v1::Graph graph;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &graph))
      << text;
  return graph;
}

// A graph of two inputs and two nodes that import accepts.
v1::Graph ValidGraph() {
  return FromProtoText(R"(
    name: "main"
    locations: "model.py:41"
    symbols { name: "s0" hint: 8 lower: 2 policy: DIM_POLICY_AUTOMATIC }
    assumptions: "s0 <= 64"
    inputs {
      name: "a" kind: INPUT_KIND_PARAMETER
      tensor { dtype: 7 sizes { expr: "s0" } sizes { value: 4 } strides { value: 4 } strides { value: 1 }
               device { type: "cpu" } layout: LAYOUT_STRIDED requires_grad: true }
    }
    inputs { name: "n" kind: INPUT_KIND_USER sym_int { expr: "s0" } }
    nodes {
      target: "aten.add.Tensor" location: 1
      inputs { value { value: "a" } } inputs { value { float: 0.5 } } inputs { name: "alpha" value { int: 2 } }
      outputs { names: "b" }
    }
    nodes {
      target: "aten.split.Tensor"
      inputs { value { value: "b" } } inputs { value { value: "n" } }
      outputs { names: "p" names: "" is_list: true }
    }
    outputs { value: "p" }
    outputs { none: true }
    outputs { int: 3 }
  )");
}

TEST(ImportGraphTest, ReadsEveryPart) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ImportGraph(ValidGraph(), &pool, Ops());
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(PrintGraph(*graph),
            R"(graph main(%a: f32[s0, 4] requires_grad parameter,
    %n: int = s0)
    symbols { s0 = 8 in [2, oo] }
    assume { s0 <= 64 } {
  %b = aten.add.Tensor(%a, 0.5, alpha=2)  # model.py:41
  %p, _ = aten.split.Tensor(%b, %n)
  return (%p, none, 3)
}
)");
}

TEST(ImportGraphTest, FloatsAndStoragesTravel) {
  constexpr absl::string_view kText = R"(graph main(%x: f32[s0, 4] storage_bytes=16*s0 + 8,
    %scale: float = zf0,
    %half: float = 0.5,
    %more: float = 2.0*zuf0)
    symbols { s0 = 8 in [2, oo], zf0 = 0.1, zuf0 unbacked } {
  return (%x)
}
)";
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(kText, &pool, FindTestSchema);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const v1::Graph wire = ExportGraph(*graph);
  EXPECT_EQ(wire.symbols(1).float_hint(), 0.1);
  EXPECT_FALSE(wire.symbols(1).has_hint());
  EXPECT_EQ(wire.inputs(1).sym_float().expr(), "zf0");
  absl::StatusOr<Graph> again = ImportGraph(wire, &pool, Ops());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(PrintGraph(*again), PrintGraph(*graph));
}

TEST(ImportGraphTest, ExportIsItsInverse) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    ExprPool pool;
    Graph graph = RandomGraph(seed, 30, &pool);
    // What a proto3 string cannot hold: text that is not UTF-8.
    std::erase_if(graph.nodes, [](const Node& node) {
      return node.op->name == "aten._assert_async.msg";
    });
    v1::Graph proto = ExportGraph(graph);
    v1::Graph wire;
    ASSERT_TRUE(wire.ParseFromString(proto.SerializeAsString()));
    absl::StatusOr<Graph> again = ImportGraph(wire, &pool, Ops());
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << PrintGraph(graph);
    EXPECT_EQ(PrintGraph(*again), PrintGraph(graph));
    EXPECT_EQ(ExportGraph(*again).SerializeAsString(),
              proto.SerializeAsString());
  }
}

struct Mutation {
  const char* what;
  std::function<void(v1::Graph&)> apply;
  ErrorReason reason;
  // A part of the message: where and what.
  const char* message;
};

v1::Argument* Arg(v1::Graph& g, int node, int arg) {
  return g.mutable_nodes(node)->mutable_inputs(arg)->mutable_value();
}
v1::TensorMeta* Meta(v1::Graph& g) {
  return g.mutable_inputs(0)->mutable_tensor();
}
v1::SymbolDeclaration* AddFloat(v1::Graph& g) {
  v1::SymbolDeclaration* s = g.add_symbols();
  s->set_name("zf0");
  s->set_policy(v1::DIM_POLICY_AUTOMATIC);
  return s;
}

const Mutation kMutations[] = {
    {"unknown op",
     [](v1::Graph& g) { g.mutable_nodes(0)->set_target("aten.oops.default"); },
     ErrorReason::kUnknownOp, "node 0 (aten.oops.default) at model.py:41"},
    {"collective",
     [](v1::Graph& g) {
       g.mutable_nodes(0)->set_target("_c10d_functional.all_reduce.default");
     },
     ErrorReason::kCollectiveOp,
     "node 0 (_c10d_functional.all_reduce.default)"},
    {"refused by name",
     [](v1::Graph& g) { g.mutable_nodes(0)->set_target("aten._to_sparse.default"); },
     ErrorReason::kUnsupportedGraph, "operator refused: sparse tensors have no fake tensors"},
    {"too few arguments",
     [](v1::Graph& g) { g.mutable_nodes(1)->clear_inputs(); },
     ErrorReason::kBadArgumentCount,
     "node 1 (aten.split.Tensor): argument 'self' is missing"},
    {"too many arguments",
     [](v1::Graph& g) {
       for (int i = 0; i < 3; ++i)
         *g.mutable_nodes(1)->add_inputs() =
             v1::NamedArgument(g.nodes(1).inputs(1));
     },
     ErrorReason::kBadArgumentCount, "node 1"},
    {"unknown keyword",
     [](v1::Graph& g) {
       g.mutable_nodes(0)->mutable_inputs(2)->set_name("beta");
     },
     ErrorReason::kBadArgumentCount,
     "node 0 (aten.add.Tensor) at model.py:41: no argument is named 'beta'"},
    {"wrong type", [](v1::Graph& g) { Arg(g, 1, 1)->set_float_(1.5); },
     ErrorReason::kBadArgumentType,
     "node 1 (aten.split.Tensor): argument 'split_size' must be SymInt but is "
     "a float"},
    {"tensor for a size", [](v1::Graph& g) { Arg(g, 1, 1)->set_value("a"); },
     ErrorReason::kBadArgumentType, "node 1"},
    {"cycle", [](v1::Graph& g) { Arg(g, 0, 0)->set_value("p"); },
     ErrorReason::kGraphCycle,
     "node 0 (aten.add.Tensor) at model.py:41: argument 0: value 'p'"},
    {"itself", [](v1::Graph& g) { Arg(g, 0, 0)->set_value("b"); },
     ErrorReason::kGraphCycle, "node 0"},
    {"dangling", [](v1::Graph& g) { Arg(g, 0, 0)->set_value("zz"); },
     ErrorReason::kDanglingValue, "node 0"},
    {"dangling output",
     [](v1::Graph& g) { g.mutable_outputs(0)->set_value("zz"); },
     ErrorReason::kDanglingValue, "output 0"},
    {"empty value name", [](v1::Graph& g) { Arg(g, 0, 0)->set_value(""); },
     ErrorReason::kDanglingValue, "node 0"},
    {"duplicate value",
     [](v1::Graph& g) {
       g.mutable_nodes(1)->mutable_outputs(0)->set_names(0, "a");
     },
     ErrorReason::kDuplicateName,
     "node 1 (aten.split.Tensor): value 'a' is defined twice"},
    {"duplicate input",
     [](v1::Graph& g) { g.mutable_inputs(1)->set_name("a"); },
     ErrorReason::kDuplicateName, "input 1 (a)"},
    {"input without a name",
     [](v1::Graph& g) { g.mutable_inputs(1)->clear_name(); },
     ErrorReason::kMalformedMessage, "input 1 ()"},
    {"duplicate symbol", [](v1::Graph& g) { *g.add_symbols() = g.symbols(0); },
     ErrorReason::kDuplicateName, "symbol s0"},
    {"no such symbol",
     [](v1::Graph& g) { Meta(g)->mutable_sizes(0)->set_expr("s9"); },
     ErrorReason::kBadExpression, "input 0 (a): symbol s9"},
    {"bad symbol name",
     [](v1::Graph& g) { g.mutable_symbols(0)->set_name("s0 + 1"); },
     ErrorReason::kMalformedMessage, "symbol 's0 + 1'"},
    {"symbol without policy",
     [](v1::Graph& g) { g.mutable_symbols(0)->clear_policy(); },
     ErrorReason::kMalformedMessage, "policy 0"},
    {"hint outside the range",
     [](v1::Graph& g) { g.mutable_symbols(0)->set_hint(1); },
     ErrorReason::kBadInputMetadata, "hint 1"},
    {"integer with a float's hint",
     [](v1::Graph& g) { g.mutable_symbols(0)->set_float_hint(8); },
     ErrorReason::kBadInputMetadata, "symbol s0: it is an integer, but its hint is the float 8"},
    {"float with an integer's hint",
     [](v1::Graph& g) {
       AddFloat(g)->set_hint(2);
     },
     ErrorReason::kBadInputMetadata, "symbol zf0: it is a float, but its hint is the integer 2"},
    {"float with both hints",
     [](v1::Graph& g) {
       AddFloat(g)->set_float_hint(2);
       g.mutable_symbols(1)->set_hint(2);
     },
     ErrorReason::kBadInputMetadata, "symbol zf0: it is a float"},
    {"float that is no number",
     [](v1::Graph& g) {
       AddFloat(g)->set_float_hint(std::numeric_limits<double>::quiet_NaN());
     },
     ErrorReason::kBadInputMetadata, "symbol zf0: its hint nan is not finite"},
    {"infinite float",
     [](v1::Graph& g) {
       AddFloat(g)->set_float_hint(-std::numeric_limits<double>::infinity());
     },
     ErrorReason::kBadInputMetadata, "symbol zf0: its hint -inf is not finite"},
    {"float with a range", [](v1::Graph& g) { AddFloat(g)->set_lower(0); },
     ErrorReason::kBadInputMetadata, "symbol zf0: a float has no range"},
    {"unbacked float with a hint",
     [](v1::Graph& g) {
       v1::SymbolDeclaration* s = AddFloat(g);
       s->set_name("zuf0");
       s->set_policy(v1::DIM_POLICY_UNBACKED);
       s->set_float_hint(0.5);
     },
     ErrorReason::kBadInputMetadata, "symbol zuf0: an unbacked symbol has no hint"},
    {"integer for a SymFloat",
     [](v1::Graph& g) {
       g.mutable_inputs(1)->mutable_sym_float()->set_expr("s0 + 1");
     },
     ErrorReason::kBadExpression, "input 1 (n): sym_float is s0 + 1, which is no float"},
    {"whole number for a SymFloat",
     [](v1::Graph& g) { g.mutable_inputs(1)->mutable_sym_float()->set_value(3); },
     ErrorReason::kBadExpression, "input 1 (n): sym_float is 3"},
    {"unset SymFloat",
     [](v1::Graph& g) { g.mutable_inputs(1)->mutable_sym_float(); },
     ErrorReason::kMalformedMessage, "input 1 (n): an expression is unset"},
    {"undeclared SymFloat",
     [](v1::Graph& g) {
       g.mutable_inputs(1)->mutable_sym_float()->set_expr("zf3");
     },
     ErrorReason::kBadExpression, "input 1 (n): symbol zf3 of zf3 is not declared"},
    {"storage of a scalar",
     [](v1::Graph& g) { g.mutable_inputs(1)->mutable_storage_bytes()->set_value(8); },
     ErrorReason::kBadInputMetadata, "input 1 (n): a symbolic scalar has no storage"},
    {"unset storage",
     [](v1::Graph& g) { g.mutable_inputs(0)->mutable_storage_bytes(); },
     ErrorReason::kMalformedMessage, "input 0 (a): the bytes of its storage: an expression is unset"},
    {"negative storage",
     [](v1::Graph& g) { g.mutable_inputs(0)->mutable_storage_bytes()->set_value(-1); },
     ErrorReason::kBadInputMetadata, "input 0 (a): its storage has -1 bytes"},
    {"storage of a symbol that nobody declared",
     [](v1::Graph& g) { g.mutable_inputs(0)->mutable_storage_bytes()->set_expr("4*s9"); },
     ErrorReason::kBadExpression, "input 0 (a): symbol s9"},
    {"storage that is no integer",
     [](v1::Graph& g) { g.mutable_inputs(0)->mutable_storage_bytes()->set_expr("s0 / 2"); },
     ErrorReason::kBadExpression, "input 0 (a): the bytes of its storage are s0 / 2"},
    {"storage that overflows",
     [](v1::Graph& g) { g.mutable_inputs(0)->mutable_storage_bytes()->set_expr("9223372036854775807 + 1"); },
     ErrorReason::kSizeOverflow, "input 0 (a): the bytes of its storage"},
    {"storage smaller than its tensor",
     [](v1::Graph& g) {
       Meta(g)->mutable_sizes(0)->set_value(3);
       g.mutable_inputs(0)->mutable_storage_bytes()->set_value(47);
     },
     ErrorReason::kBadInputMetadata, "input 0 (a): it reaches 48 bytes into a storage of 47"},
    {"two sizes of one storage",
     [](v1::Graph& g) {
       g.mutable_inputs(0)->set_alias_class(1);
       g.mutable_inputs(0)->mutable_storage_bytes()->set_expr("16*s0");
       v1::Input* other = g.add_inputs();
       *other = g.inputs(0);
       other->set_name("c");
       other->mutable_storage_bytes()->set_expr("32*s0");
     },
     ErrorReason::kBadInputMetadata, "input 2 (c): its storage has 32*s0 bytes, but an earlier input that shares it says 16*s0"},
    {"bad expression",
     [](v1::Graph& g) { Meta(g)->mutable_sizes(0)->set_expr("s0 +* 1"); },
     ErrorReason::kBadExpression, "input 0 (a): size 0"},
    {"unset expression",
     [](v1::Graph& g) { Meta(g)->mutable_sizes(0)->Clear(); },
     ErrorReason::kMalformedMessage, "input 0 (a): size 0"},
    {"boolean size",
     [](v1::Graph& g) { Meta(g)->mutable_sizes(0)->set_expr("s0 < 4"); },
     ErrorReason::kBadExpression, "input 0 (a)"},
    {"huge constant",
     [](v1::Graph& g) {
       Meta(g)->mutable_sizes(0)->set_expr("99999999999999999999");
     },
     ErrorReason::kSizeOverflow, "input 0 (a)"},
    {"assumption without truth",
     [](v1::Graph& g) { g.set_assumptions(0, "s0 + 1"); },
     ErrorReason::kBadExpression, "assumption 0"},
    {"negative size",
     [](v1::Graph& g) { Meta(g)->mutable_sizes(1)->set_value(-4); },
     ErrorReason::kBadInputMetadata, "input 0 (a): size 1 is -4"},
    {"negative stride",
     [](v1::Graph& g) { Meta(g)->mutable_strides(1)->set_value(-1); },
     ErrorReason::kBadInputMetadata, "stride 1 is -1"},
    {"negative offset",
     [](v1::Graph& g) { Meta(g)->mutable_storage_offset()->set_value(-1); },
     ErrorReason::kBadInputMetadata, "input 0 (a)"},
    {"overflowing sizes",
     [](v1::Graph& g) {
       for (int d : {0, 1})
         Meta(g)->mutable_sizes(d)->set_value(int64_t{1} << 40);
     },
     ErrorReason::kSizeOverflow, "input 0 (a)"},
    {"largest int64",
     [](v1::Graph& g) {
       Meta(g)->mutable_sizes(1)->set_value(
           std::numeric_limits<int64_t>::max());
     },
     ErrorReason::kSizeOverflow, "input 0 (a)"},
    {"smallest int64",
     [](v1::Graph& g) {
       Meta(g)->mutable_sizes(1)->set_value(
           std::numeric_limits<int64_t>::min());
     },
     ErrorReason::kBadInputMetadata, "input 0 (a)"},
    {"missing stride",
     [](v1::Graph& g) { Meta(g)->mutable_strides()->RemoveLast(); },
     ErrorReason::kBadInputMetadata, "1 strides for 2 dimensions"},
    {"missing policy",
     [](v1::Graph& g) { Meta(g)->add_policies(v1::DIM_POLICY_DYNAMIC); },
     ErrorReason::kBadInputMetadata, "1 policies for 2 dimensions"},
    {"unspecified policy",
     [](v1::Graph& g) { Meta(g)->add_policies(v1::DIM_POLICY_UNSPECIFIED); },
     ErrorReason::kMalformedMessage, "input 0 (a): policy 0"},
    {"symbolic static",
     [](v1::Graph& g) {
       for (int i = 0; i < 2; ++i) Meta(g)->add_policies(v1::DIM_POLICY_STATIC);
     },
     ErrorReason::kBadInputMetadata, "static"},
    {"unknown dtype", [](v1::Graph& g) { Meta(g)->set_dtype(99); },
     ErrorReason::kUnsupportedDtype, "input 0 (a): dtype 99"},
    {"no device", [](v1::Graph& g) { Meta(g)->clear_device(); },
     ErrorReason::kMalformedMessage, "input 0 (a): device ''"},
    {"negative device",
     [](v1::Graph& g) { Meta(g)->mutable_device()->set_index(-2); },
     ErrorReason::kMalformedMessage, "index -2"},
    {"unspecified layout", [](v1::Graph& g) { Meta(g)->clear_layout(); },
     ErrorReason::kMalformedMessage, "layout 0"},
    {"sparse input",
     [](v1::Graph& g) { Meta(g)->set_layout(v1::LAYOUT_SPARSE_COO); },
     ErrorReason::kUnsupportedGraph, "input 0 (a)"},
    {"unspecified kind",
     [](v1::Graph& g) { g.mutable_inputs(1)->clear_kind(); },
     ErrorReason::kMalformedMessage, "input 1 (n): its kind 0"},
    {"untyped input",
     [](v1::Graph& g) { g.mutable_inputs(1)->clear_sym_int(); },
     ErrorReason::kMalformedMessage, "input 1 (n)"},
    {"float for a SymInt",
     [](v1::Graph& g) {
       g.mutable_inputs(1)->mutable_sym_int()->set_expr("s0 / 2");
     },
     ErrorReason::kBadExpression, "input 1 (n)"},
    {"alias of a scalar",
     [](v1::Graph& g) { g.mutable_inputs(1)->set_alias_class(1); },
     ErrorReason::kBadInputMetadata, "input 1 (n)"},
    {"unset argument", [](v1::Graph& g) { Arg(g, 0, 1)->Clear(); },
     ErrorReason::kMalformedMessage,
     "node 0 (aten.add.Tensor) at model.py:41: argument 1: it is unset"},
    {"false none", [](v1::Graph& g) { Arg(g, 0, 1)->set_none(false); },
     ErrorReason::kMalformedMessage, "none is false"},
    {"unspecified memory format",
     [](v1::Graph& g) {
       Arg(g, 0, 1)->set_memory_format(v1::MEMORY_FORMAT_UNSPECIFIED);
     },
     ErrorReason::kMalformedMessage, "memory format 0"},
    {"subgraph", [](v1::Graph& g) { Arg(g, 0, 1)->set_graph("f"); },
     ErrorReason::kUnsupportedGraph, "node 0"},
    {"complex",
     [](v1::Graph& g) { Arg(g, 0, 1)->mutable_complex()->set_imag(1); },
     ErrorReason::kUnsupportedGraph, "node 0"},
    {"deep nesting",
     [](v1::Graph& g) {
       v1::Argument* a = Arg(g, 0, 1);
       for (int i = 0; i < 50; ++i) a = a->mutable_list()->add_items();
       a->set_int_(1);
     },
     ErrorReason::kBadArgumentType, "nest too deeply"},
    {"list output", [](v1::Graph& g) { g.mutable_outputs(0)->mutable_list(); },
     ErrorReason::kBadArgumentType, "output 0"},
    {"location outside",
     [](v1::Graph& g) { g.mutable_nodes(0)->set_location(2); },
     ErrorReason::kMalformedMessage, "node 0 (aten.add.Tensor): location 2"},
    {"two-line location", [](v1::Graph& g) { g.set_locations(0, "a\nb"); },
     ErrorReason::kMalformedMessage, "control characters"},
    {"name that is no name",
     [](v1::Graph& g) {
       g.mutable_nodes(0)->mutable_outputs(0)->set_names(0, "b)");
       Arg(g, 1, 0)->set_value("b)");
     },
     ErrorReason::kMalformedMessage, "node 0"},
    {"two names for one result",
     [](v1::Graph& g) {
       g.mutable_nodes(0)->mutable_outputs(0)->add_names("c");
     },
     ErrorReason::kBadArgumentType, "node 0"},
    {"two results for one return",
     [](v1::Graph& g) { g.mutable_nodes(0)->add_outputs(); },
     ErrorReason::kBadArgumentCount, "node 0"},
    {"list for one tensor",
     [](v1::Graph& g) {
       g.mutable_nodes(0)->mutable_outputs(0)->set_is_list(true);
     },
     ErrorReason::kBadArgumentType, "node 0"},
    {"rank over the limit",
     [](v1::Graph& g) {
       for (int i = 0; i < 100; ++i) Meta(g)->add_sizes()->set_value(1);
     },
     ErrorReason::kLimitExceeded, "input 0 (a)"},
    {"name over the limit",
     [](v1::Graph& g) {
       g.mutable_inputs(0)->set_name(std::string(5000, 'a'));
     },
     ErrorReason::kLimitExceeded, "input 0"},
    {"inputs over the limit",
     [](v1::Graph& g) {
       for (int64_t i = 0; i <= GetLimit(Limit::kGraphInputs); ++i)
         g.add_inputs();
     },
     ErrorReason::kLimitExceeded, "inputs"},
    {"assumptions over the limit",
     [](v1::Graph& g) {
       for (int64_t i = 0; i <= GetLimit(Limit::kGuards); ++i)
         g.add_assumptions("0 <= s0");
     },
     ErrorReason::kLimitExceeded, "guards"},
    {"uses over the limit",
     [](v1::Graph& g) {
       const int64_t list = GetLimit(Limit::kListLength);
       for (int64_t uses = 0; uses <= GetLimit(Limit::kGraphEdges);
            uses += list) {
         v1::Node* node = g.add_nodes();
         node->set_target("aten.cat.default");
         v1::ArgumentList* items =
             node->add_inputs()->mutable_value()->mutable_list();
         for (int64_t i = 0; i < list; ++i) items->add_items()->set_value("b");
         node->add_outputs()->add_names(absl::StrCat("c", uses));
       }
     },
     ErrorReason::kLimitExceeded, "edges"},
    {"symbols over the limit",
     [](v1::Graph& g) {
       for (int i = 0; i < 5000; ++i)
         g.add_symbols()->set_name(absl::StrCat("s", i + 1));
     },
     ErrorReason::kLimitExceeded, "symbols"},
    {"list over the limit",
     [](v1::Graph& g) {
       for (int i = 0; i < 70000; ++i)
         Arg(g, 0, 1)->mutable_list()->add_items()->set_int_(i);
     },
     ErrorReason::kLimitExceeded, "node 0"},
    {"nodes over the limit",
     [](v1::Graph& g) {
       for (int64_t i = 0; i <= GetLimit(Limit::kGraphNodes); ++i)
         g.add_nodes();
     },
     ErrorReason::kLimitExceeded, "nodes"},
};

TEST(ImportGraphTest, RefusesEveryMalformedThingWithReasonAndPlace) {
  for (const Mutation& mutation : kMutations) {
    v1::Graph proto = ValidGraph();
    mutation.apply(proto);
    ExprPool pool;
    absl::Status status = ImportGraph(proto, &pool, Ops()).status();
    EXPECT_EQ(GetErrorReason(status), mutation.reason)
        << mutation.what << ": " << status;
    EXPECT_NE(status.message().find(mutation.message), absl::string_view::npos)
        << mutation.what << ": " << status;
  }
}

TEST(ImportModuleTest, TakesOneAtenGraph) {
  v1::GraphModule module;
  *module.add_graphs() = ValidGraph();
  ExprPool pool;
  EXPECT_EQ(GetErrorReason(ImportModule(module, &pool, Ops()).status()),
            ErrorReason::kUnsupportedGraph);
  module.set_dialect("aten");
  EXPECT_TRUE(ImportModule(module, &pool, Ops()).ok());
  module.set_entry(1);
  EXPECT_EQ(GetErrorReason(ImportModule(module, &pool, Ops()).status()),
            ErrorReason::kUnsupportedGraph);
  module.set_entry(0);
  *module.add_graphs() = ValidGraph();
  EXPECT_EQ(GetErrorReason(ImportModule(module, &pool, Ops()).status()),
            ErrorReason::kUnsupportedGraph);
}

TEST(ImportGraphTest, CustomOperatorsAreRefusedWithTheirNodeAndWhy) {
  ExprPool pool;
  v1::Graph proto = ValidGraph();
  proto.mutable_nodes(0)->set_target("transformers.grouped_mm_fallback.default");
  const absl::Status status = ImportGraph(proto, &pool, {FindTestSchema, RefusedOps()}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedGraph);
  EXPECT_EQ(status.message(), "node 0 (transformers.grouped_mm_fallback.default) at model.py:41: "
                              "operator refused: custom operator: no meaning outside the process");
}

TEST(ImportGraphTest, AliasClassesShareAStorage) {
  v1::Graph proto = ValidGraph();
  for (const char* name : {"c", "d"}) {
    v1::Input input = proto.inputs(0);
    input.set_name(name);
    input.set_alias_class(5);
    *proto.add_inputs() = input;
  }
  ExprPool pool;
  Graph graph = ImportGraph(proto, &pool, Ops()).value();
  EXPECT_EQ(std::get<FakeTensor>(graph.inputs[0].value).storage.value, 0);
  EXPECT_EQ(std::get<FakeTensor>(graph.inputs[2].value).storage.value, 1);
  EXPECT_EQ(std::get<FakeTensor>(graph.inputs[3].value).storage.value, 1);
}

}  // namespace
}  // namespace kiln
