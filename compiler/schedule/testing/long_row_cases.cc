#include "compiler/schedule/testing/long_row_cases.h"

#include <cmath>
#include <optional>
#include <variant>

#include "absl/strings/str_cat.h"

namespace kiln::schedule {

const std::vector<LongRowCase>& LongRowCases() {
  static const auto& cases = *new std::vector<LongRowCase>{
      {"Softmax",
       "(%x: f32[s0, 5000]) { %y = aten._softmax.default(%x, 1, false) return (%y) }",
       {{{"s0", 14}}},
       {{{"s0", 0}}, {{"s0", 3}}, {{"s0", 16}}}},
      {"LayerNorm",
       "(%x: f32[s0, 6000], %w: f32[6000], %b: f32[6000]) { %y, %m, %r = aten.native_layer_norm.default(%x, [6000], "
       "%w, %b, 1e-5) return (%y, %m, %r) }",
       {{{"s0", 11}}},
       {{{"s0", 2}}}},
      {"WholeTensorOverItsSum",
       "(%x: f32[s0, s1]) { %q = aten.mul.Tensor(%x, %x) %n = aten.sum.dim_IntList(%q, [0, 1], true) %y = "
       "aten.div.Tensor(%x, %n) return (%y, %n) }",
       {{{"s0", 33}, {"s1", 2001}}, {{"s0", 1}, {"s1", 65536}}},
       {{{"s0", 0}, {"s1", 9}}, {{"s0", 5}, {"s1", 67}}}},
      {"RowsOfTwoAxes",
       "(%x: f32[s0, 2, s1], %w: f32[2, 1]) { %a = aten.amax.default(%x, [2], true) %p = aten.add.Tensor(%a, %w) %y = "
       "aten.sub.Tensor(%x, %p) return (%y) }",
       {{{"s0", 3}, {"s1", 11003}}},
       {{{"s0", 8}, {"s1", 130}}, {{"s0", 2}, {"s1", 5}}}},
      {"IntegersAndTruths",
       "(%x: i32[s0, 8192]) { %s = aten.sum.dim_IntList(%x, [1], true) %t = aten.gt.Scalar(%x, 5) %a = "
       "aten.any.dim(%t, 1, true) %y = aten.sub.Tensor(%x, %s) %z = aten.logical_xor.default(%t, %a) return (%y, %z) }",
       {{{"s0", 9}}},
       {{{"s0", 3}}}},
      {"BFloat16",
       "(%x: bf16[s0, 9000]) { %y = aten._log_softmax.default(%x, 1, false) return (%y) }",
       {{{"s0", 8}}},
       {{{"s0", 2}}}},
  };
  return cases;
}

absl::StatusOr<std::unique_ptr<LoweredText>> LowerCase(const LongRowCase& c, const Symbols& hints) {
  return LowerText(absl::StrCat("graph g", c.graph), hints);
}

std::vector<PlainTensor> CaseInputs(const LoopProgram& program, const Symbols& symbols) {
  std::vector<PlainTensor> inputs(program.num_inputs);
  uint64_t state = 11;
  for (int i = 0; i < program.num_inputs; ++i) {
    if (program.input_buffers[i].value < 0) continue;
    const Buffer& buffer = program.buffers[program.input_buffers[i].value];
    const std::optional<int64_t> size = EvaluateInt(buffer.num_elements, [&](Expr symbol) -> std::optional<int64_t> {
      return symbols.at(std::string(symbol.symbol_name()));
    });
    std::vector<double> values;
    for (int64_t n = 0; n < size.value_or(0); ++n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double unit = static_cast<double>(state >> 40) / (1 << 24);
      values.push_back(IsFloating(buffer.dtype) ? 2 * unit - 1 : std::floor(unit * 7));
    }
    inputs[i] = PlainTensor::Of(buffer.dtype, {static_cast<int64_t>(values.size())}, values);
  }
  return inputs;
}

std::vector<std::string> KernelsThatRun(const LoopProgram& program, const Symbols& symbols) {
  std::vector<std::string> names;
  for (const Step& step : program.steps) {
    const auto* kernel = std::get_if<Kernel>(&step);
    if (kernel == nullptr) continue;
    const std::optional<ScalarValue> runs = Evaluate(kernel->when, [&](Expr symbol) -> std::optional<int64_t> {
      return symbols.at(std::string(symbol.symbol_name()));
    });
    if (runs.has_value() && runs->i != 0) names.push_back(kernel->name);
  }
  return names;
}

}  // namespace kiln::schedule
