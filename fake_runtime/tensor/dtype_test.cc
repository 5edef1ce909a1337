#include "fake_runtime/tensor/dtype.h"

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kiln {
namespace {

// torch.promote_types of PyTorch 2.13 over all pairs, in the order of
// dtype.def; '-' where it raises.
constexpr char kPromotions[] = R"(
u8 i16 i16 i32 i64 f16 f32 f64 c32 c64 c128 u8 bf16 - - - - - - -
i16 i8 i16 i32 i64 f16 f32 f64 c32 c64 c128 i8 bf16 - - - - - - -
i16 i16 i16 i32 i64 f16 f32 f64 c32 c64 c128 i16 bf16 - - - - - - -
i32 i32 i32 i32 i64 f16 f32 f64 c32 c64 c128 i32 bf16 - - - - - - -
i64 i64 i64 i64 i64 f16 f32 f64 c32 c64 c128 i64 bf16 - - - - - - -
f16 f16 f16 f16 f16 f16 f32 f64 c32 c64 c128 f16 f32 f16 - - - - f16 f16
f32 f32 f32 f32 f32 f32 f32 f64 c64 c64 c128 f32 f32 f32 - - - - f32 f32
f64 f64 f64 f64 f64 f64 f64 f64 c128 c128 c128 f64 f64 f64 - - - - f64 f64
c32 c32 c32 c32 c32 c32 c64 c128 c32 c64 c128 c32 c64 - - - - - - -
c64 c64 c64 c64 c64 c64 c64 c128 c64 c64 c128 c64 c64 - - - - - - -
c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 - - - - - - -
u8 i8 i16 i32 i64 f16 f32 f64 c32 c64 c128 bool bf16 - - - - - - -
bf16 bf16 bf16 bf16 bf16 f32 f32 f64 c64 c64 c128 bf16 bf16 bf16 - - - - bf16 bf16
- - - - - f16 f32 f64 - - - - bf16 u16 - - - - - -
- - - - - - - - - - - - - - f8e4m3fn - - - - -
- - - - - - - - - - - - - - - f8e5m2 - - - -
- - - - - - - - - - - - - - - - f8e4m3fnuz - - -
- - - - - - - - - - - - - - - - - f8e5m2fnuz - -
- - - - - f16 f32 f64 - - - - bf16 - - - - - u32 -
- - - - - f16 f32 f64 - - - - bf16 - - - - - - u64
)";

TEST(DTypeTest, PromotesAsPyTorchDoes) {
  std::istringstream table(kPromotions);
  for (const DTypeRow& a : DTypes()) {
    for (const DTypeRow& b : DTypes()) {
      std::string expected;
      ASSERT_TRUE(table >> expected);
      std::optional<DType> promoted = PromoteTypes(a.dtype, b.dtype);
      EXPECT_EQ(promoted ? std::string(DTypeText(*promoted)) : "-", expected) << a.text << " with " << b.text;
    }
  }
}

TEST(DTypeTest, RowsAreFoundByEveryName) {
  for (const DTypeRow& row : DTypes()) {
    EXPECT_EQ(GetDTypeRow(row.dtype).text, row.text);
    EXPECT_EQ(ParseDType(row.text), row.dtype);
    EXPECT_EQ(ParseDType(row.name), row.dtype);
    EXPECT_EQ(DTypeFromWireId(row.wire_id), row.dtype);
  }
  EXPECT_EQ(ParseDType("float32"), std::nullopt);
  EXPECT_EQ(DTypeFromWireId(0), std::nullopt);
}

TEST(DTypeTest, HalvesComputeInSingle) {
  EXPECT_EQ(ComputationDType(DType::kBFloat16), DType::kFloat32);
  EXPECT_EQ(ComputationDType(DType::kFloat16), DType::kFloat32);
  EXPECT_EQ(ComputationDType(DType::kComplex32), DType::kComplex64);
  EXPECT_EQ(ComputationDType(DType::kFloat64), DType::kFloat64);
  EXPECT_EQ(ComputationDType(DType::kInt8), DType::kInt8);
}

}  // namespace
}  // namespace kiln
