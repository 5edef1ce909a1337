#include "clients/runtime/input_binder.h"

#include <deque>
#include <string>
#include <vector>

#include "base/error.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr int kFloat32 = 7;

// A graph's inputs, and values for them.
class InputBinderTest : public ::testing::Test {
 protected:
  void Symbols(std::vector<std::string> names) {
    for (std::string& name : names) *manifest_.add_symbols() = std::move(name);
  }
  void Int(std::string expr) { *manifest_.add_inputs()->mutable_sym_int() = Wire(expr); }
  void Tensor(std::vector<std::string> sizes, std::vector<std::string> strides, std::string offset = "0") {
    v1::TensorMeta* meta = manifest_.add_inputs()->mutable_tensor();
    meta->set_dtype(kFloat32);
    for (const std::string& size : sizes) *meta->add_sizes() = Wire(size);
    for (const std::string& stride : strides) *meta->add_strides() = Wire(stride);
    *meta->mutable_storage_offset() = Wire(offset);
  }
  static v1::SymExpr Wire(const std::string& text) {
    v1::SymExpr expr;
    int64_t value;
    if (absl::SimpleAtoi(text, &value)) {
      expr.set_value(value);
    } else {
      expr.set_expr(text);
    }
    return expr;
  }

  void PassInt(int64_t value) {
    KilnValue v = {KILN_VALUE_INT, 0, {}};
    v.u.i = value;
    values_.push_back(v);
  }
  void PassTensor(std::vector<int64_t> sizes, std::vector<int64_t> strides, int64_t offset = 0, int dtype = kFloat32) {
    const std::vector<int64_t>& s = numbers_.emplace_back(std::move(sizes));
    const std::vector<int64_t>& t = numbers_.emplace_back(std::move(strides));
    KilnTensor& tensor = tensors_.emplace_back();
    tensor = {nullptr, s.data(), t.data(), static_cast<int32_t>(s.size()), dtype, nullptr, offset, nullptr};
    KilnValue v = {KILN_VALUE_TENSOR, 0, {}};
    v.u.tensor = &tensor;
    values_.push_back(v);
  }

  // The symbols' values, or why not.
  std::string Bind() {
    absl::StatusOr<InputBinder> binder = InputBinder::Create(manifest_.symbols(), manifest_.inputs());
    if (!binder.ok()) return std::string(binder.status().message());
    std::vector<int64_t> symbols(binder->num_symbols());
    if (!binder->Bind(values_, symbols.data())) return binder->Explain(values_);
    EXPECT_EQ(binder->Explain(values_), "");
    return absl::StrJoin(symbols, " ");
  }

  v1::Manifest manifest_;
  std::vector<KilnValue> values_;
  std::deque<std::vector<int64_t>> numbers_;
  std::deque<KilnTensor> tensors_;
};

TEST_F(InputBinderTest, SolvesSymbolsThatStandAlone) {
  Symbols({"s0", "s1"});
  Tensor({"s1", "s0"}, {"s0", "1"});
  PassTensor({8, 5}, {5, 1});
  EXPECT_EQ(Bind(), "5 8");
}

TEST_F(InputBinderTest, SolvesExpressionsOnceTheirOtherSymbolsAreKnown) {
  Symbols({"s0", "s1", "s2"});
  Int("s0 + s1 + s2");
  Int("-s0");
  Int("s0 + s1");
  PassInt(60);
  PassInt(-10);
  PassInt(30);
  EXPECT_EQ(Bind(), "10 20 30");
}

TEST_F(InputBinderTest, SolvesProductsWithKnownFactors) {
  Symbols({"s0", "s1"});
  Tensor({"3*s0"}, {"1"});
  Int("s0*s1");
  PassTensor({12}, {1});
  PassInt(28);
  EXPECT_EQ(Bind(), "4 7");
}

TEST_F(InputBinderTest, RefusesWhatHasNoIntegerSolution) {
  Symbols({"s0"});
  Int("3*s0");
  PassInt(10);
  EXPECT_EQ(Bind(), "input 0: its value is 10, for which 3*s0 has no solution");
}

TEST_F(InputBinderTest, NamesASymbolThatNothingDetermines) {
  Symbols({"s0"});
  Int("s0*s0");
  EXPECT_EQ(Bind(), "symbol s0 is determined by no input of the graph");
}

TEST_F(InputBinderTest, ComparesEveryOtherFieldWithItsExpression) {
  Symbols({"s0"});
  Tensor({"s0", "4"}, {"4", "1"});
  Tensor({"s0 + 1"}, {"1"}, "s0");
  PassTensor({8, 4}, {4, 1});
  PassTensor({9}, {1}, 8);
  EXPECT_EQ(Bind(), "8");
  values_.pop_back();
  PassTensor({10}, {1}, 8);
  EXPECT_EQ(Bind(), "input 1: size 0 is 10 but s0 + 1 is 9");
  values_.pop_back();
  PassTensor({9}, {1}, 7);
  EXPECT_EQ(Bind(), "input 1: storage offset is 7 but s0 is 8");
  values_.pop_back();
  PassTensor({9}, {2}, 8);
  EXPECT_EQ(Bind(), "input 1: stride 0 is 2 but 1 is 1");
}

TEST_F(InputBinderTest, StridesThatSelectNothingAreNotCompared) {
  Symbols({"s0"});
  Tensor({"s0", "1"}, {"1", "1"});
  PassTensor({8, 1}, {1, 777});
  EXPECT_EQ(Bind(), "8");
  values_.clear();
  PassTensor({0, 1}, {9, 9});
  EXPECT_EQ(Bind(), "0");
}

TEST_F(InputBinderTest, ComparesKindDtypeRankAndCount) {
  Tensor({"4"}, {"1"});
  EXPECT_EQ(Bind(), "the call has 0 inputs but the graph has 1");
  PassInt(4);
  EXPECT_EQ(Bind(), "input 0: is of kind 2 but the graph has kind 1");
  values_.clear();
  PassTensor({4}, {1}, 0, 8);
  EXPECT_EQ(Bind(), "input 0: dtype is 8 but the graph has 7");
  values_.clear();
  PassTensor({2, 2}, {2, 1});
  EXPECT_EQ(Bind(), "input 0: rank is 2 but the graph has 1");
}

TEST_F(InputBinderTest, ValuesNearTheEndOfTheRangeDoNotOverflow) {
  Symbols({"s0"});
  Int("s0 + 1");
  PassInt(INT64_MIN);
  EXPECT_EQ(Bind(), "input 0: its value is -9223372036854775808, for which s0 + 1 has no solution");
}

}  // namespace
}  // namespace kiln
