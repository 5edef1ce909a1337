#include "fake_runtime/import/metadata_proto.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kiln {
namespace {

TEST(MetadataProtoTest, TensorsGoThereAndBack) {
  ExprPool pool;
  FakeTensor t;
  t.dtype = DType::kBFloat16;
  t.device = Device{"cuda", 2};
  t.sizes = {pool.Symbol("s0"), Expr(4)};
  t.strides = {Expr(4), Expr(1)};
  t.storage_offset = Expr(3);
  t.requires_grad = true;
  v1::TensorMeta meta = ExportTensorMeta(t);
  EXPECT_EQ(meta.dtype(), 13);
  EXPECT_EQ(meta.sizes(0).expr(), "s0");
  EXPECT_EQ(meta.sizes(1).value(), 4);
  FakeTensor again = ImportTensorMeta(meta, &pool).value();
  EXPECT_EQ(again.dtype, t.dtype);
  EXPECT_EQ(again.device, t.device);
  EXPECT_EQ(again.sizes, t.sizes);
  EXPECT_EQ(again.strides, t.strides);
  EXPECT_EQ(again.storage_offset, t.storage_offset);
  EXPECT_TRUE(again.requires_grad);
}

TEST(MetadataProtoTest, GuardsGoThereAndBack) {
  ExprPool pool;
  Guard guard;
  guard.condition = pool.Eq(pool.Symbol("s0"), pool.Symbol("s2"));
  guard.kind = GuardKind::kPerformance;
  guard.reason = {3, "aten.add.Tensor", "broadcast of dim 0", "model.py:41"};
  v1::Guard proto = ExportGuard(guard);
  Guard again = ImportGuard(proto, &pool).value();
  EXPECT_EQ(again.condition, guard.condition);
  EXPECT_EQ(again.kind, guard.kind);
  EXPECT_EQ(again.reason.node, 3);
  EXPECT_EQ(again.reason.op, "aten.add.Tensor");
  EXPECT_EQ(again.reason.what, "broadcast of dim 0");
  EXPECT_EQ(again.reason.location, "model.py:41");
}

TEST(MetadataProtoTest, RefusesGuardsThatAreNoGuards) {
  ExprPool pool;
  v1::Guard proto;
  proto.set_condition("s0 + 1");
  proto.set_kind(v1::Guard::KIND_SHAPE);
  EXPECT_EQ(GetErrorReason(ImportGuard(proto, &pool).status()),
            ErrorReason::kBadExpression);
  proto.set_condition("s0 == 1");
  proto.set_kind(v1::Guard::KIND_UNSPECIFIED);
  EXPECT_EQ(GetErrorReason(ImportGuard(proto, &pool).status()),
            ErrorReason::kMalformedMessage);
  proto.set_condition("s0 ==");
  EXPECT_EQ(GetErrorReason(ImportGuard(proto, &pool).status()),
            ErrorReason::kBadExpression);
}

}  // namespace
}  // namespace kiln
