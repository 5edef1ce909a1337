// Deep nesting in what a client sends is refused before it is walked: all of it runs
// on a thread with a sixteenth of the stack that a server's have.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr size_t kStackBytes = 512 << 10;

void* Call(void* body) {
  (*static_cast<std::function<void()>*>(body))();
  return nullptr;
}

void OnSmallStack(std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStackBytes), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, Call, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// Alternating Min and floor division, which no rule flattens: `levels` deep.
std::string DeepExpr(int levels) {
  std::string text = "s0";
  for (int i = 0; i < levels; ++i) text = absl::StrCat(i % 2 == 0 ? "Min(s1, " : "FloorDiv(", text, i % 2 == 0 ? ")" : ", s2)");
  return text;
}

TEST(DeepInputTest, AnExpressionAtTheLimitGoesThroughEveryWalker) {
  OnSmallStack([] {
    ExprPool pool, other;
    const absl::StatusOr<Expr> e = pool.Parse(DeepExpr(static_cast<int>(GetLimit(Limit::kExprDepth)) - 8));
    ASSERT_TRUE(e.ok()) << e.status();
    EXPECT_EQ(*pool.Parse(e->ToString()), *e);
    EXPECT_TRUE(EvaluateInt(*e, [](Expr) { return 5; }).has_value());
    EXPECT_TRUE(pool.Substitute(*e, [&](Expr) { return pool.Symbol("s3"); }).has_symbols());
    EXPECT_EQ(other.Import(*e, [&](Expr s) { return other.Symbol(s.symbol_name()); }).ToString(), e->ToString());
    int symbols = 0;
    VisitSymbols(*e, [&](Expr) { ++symbols; });
    EXPECT_EQ(symbols, 3);
    BoundOf(*e, [](Expr) { return ValueRange::AtLeast(2); });
  });
}

TEST(DeepInputTest, DeeperExpressionsAreRefused) {
  OnSmallStack([] {
    for (int levels : {300, 1000}) {
      ExprPool pool;
      const absl::Status status = pool.Parse(DeepExpr(levels)).status();
      EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded) << levels << ": " << status;
      const absl::Status parentheses =
          pool.Parse(std::string(levels, '(') + "s0" + std::string(levels, ')')).status();
      EXPECT_EQ(GetErrorReason(parentheses), ErrorReason::kLimitExceeded) << levels << ": " << parentheses;
    }
  });
}

TEST(DeepInputTest, DeepListsOfATextAreRefused) {
  OnSmallStack([] {
    const std::string deep(100000, '[');
    ExprPool pool;
    EXPECT_EQ(GetErrorReason(ParseGraph("graph g() { %a = aten.cat.default(" + deep, &pool, FindOpSchema).status()),
              ErrorReason::kParseError);
  });
}

TEST(DeepInputTest, DeepListsOfAMessageAreRefused) {
  OnSmallStack([] {
    v1::GraphModule module;
    module.set_dialect("aten");
    v1::Node* node = module.add_graphs()->add_nodes();
    node->set_target("aten.cat.default");
    v1::Argument* arg = node->add_inputs()->mutable_value();
    for (int i = 0; i < 45; ++i) arg = arg->mutable_list()->add_items();
    // Below protobuf's own limit of 100 messages inside each other.
    v1::GraphModule wire;
    ASSERT_TRUE(wire.ParseFromString(module.SerializeAsString()));
    ExprPool pool;
    const OpCatalog ops = {FindOpSchema, RefusedOps()};
    EXPECT_EQ(GetErrorReason(ImportModule(wire, &pool, ops).status()), ErrorReason::kBadArgumentType);
    for (int i = 0; i < 200; ++i) arg = arg->mutable_list()->add_items();
    EXPECT_FALSE(wire.ParseFromString(module.SerializeAsString()));
  });
}

}  // namespace
}  // namespace kiln
