// Graphs of single operators, lowered, scheduled and compiled, against the
// interpreter of their lowered loops: what each form of lowering becomes.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/testing/compile_program.h"
#include "compiler/loops/testing/lower_text.h"
#include "compiler/schedule/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

const std::map<std::string, int64_t> kSymbols = {{"s0", 5}};

struct GraphCase {
  const char* name;
  const char* graph;  // its arguments and body
};

// Integer inputs are numbers below 7, so that they index what has as many places.
const GraphCase kCases[] = {
    {"MaxPool3d", "(%x: f32[2, 3, 5, 6, 20]) { %v, %i = aten.max_pool3d_with_indices.default(%x, [2, 3, 3], [1, 2, 1], "
                  "[1, 1, 1]) return (%v, %i) }"},
    {"AvgPoolWithoutPadding",
     "(%x: f32[s0, 3, 9, 37]) { %r = aten.avg_pool2d.default(%x, [3, 3], [2, 2], [1, 1], true, false) return (%r) }"},
    {"AvgPoolBackward",
     "(%g: f32[s0, 3, 5, 19], %x: f32[s0, 3, 9, 37]) { %r = aten.avg_pool2d_backward.default(%g, %x, [3, 3], [2, 2], "
     "[1, 1], false, false, none) return (%r) }"},
    {"AvgPool3d", "(%x: f32[2, 3, 5, 6, 20]) { %r = aten.avg_pool3d.default(%x, [2, 3, 3], [1, 2, 1]) return (%r) }"},
    {"AdaptiveAvgPool",
     "(%x: f32[s0, 3, 7, 37]) { %r = aten._adaptive_avg_pool2d.default(%x, [3, 16]) return (%r) }"},
    {"AdaptiveAvgPoolBackward",
     "(%g: f32[s0, 3, 3, 16], %x: f32[s0, 3, 7, 37]) { %r = aten._adaptive_avg_pool2d_backward.default(%g, %x) return "
     "(%r) }"},
    {"AdaptiveMaxPool",
     "(%x: f32[s0, 3, 7, 37]) { %v, %i = aten.adaptive_max_pool2d.default(%x, [3, 16]) return (%v, %i) }"},
    {"NearestOfADynamicSize", "(%x: f32[2, 3, s0, 20]) { %r = aten.upsample_nearest2d.default(%x, [11, 40]) return (%r) }"},
    {"NearestBackward", "(%g: f32[2, 3, 10, 33]) { %r = aten.upsample_nearest2d_backward.default(%g, [10, 33], "
                        "[2, 3, 5, 20]) return (%r) }"},
    {"Bilinear", "(%x: f32[2, 3, s0, 20]) { %r = aten.upsample_bilinear2d.default(%x, [11, 37], false) return (%r) }"},
    {"BilinearWithCorners", "(%x: f32[2, 3, 4, 20]) { %r = aten.upsample_bilinear2d.default(%x, [11, 37], true) return "
                            "(%r) }"},
    {"BilinearBackward", "(%g: f32[2, 3, 11, 37]) { %r = aten.upsample_bilinear2d_backward.default(%g, [11, 37], "
                         "[2, 3, 4, 20], false) return (%r) }"},
    {"Bicubic", "(%x: f32[2, 3, 4, 20]) { %r = aten.upsample_bicubic2d.default(%x, [11, 37], false) return (%r) }"},
    {"GridReflected", "(%x: f32[2, 3, 7, 9], %g: f32[2, 5, 20, 2]) { %r = aten.grid_sampler_2d.default(%x, %g, 0, 2, "
                      "false) return (%r) }"},
    {"GridBicubic", "(%x: f32[2, 3, 7, 9], %g: f32[2, 5, 20, 2]) { %r = aten.grid_sampler_2d.default(%x, %g, 2, 0, "
                    "true) return (%r) }"},
    {"Im2Col", "(%x: f32[2, 3, 8, 20]) { %r = aten.im2col.default(%x, [3, 3], [1, 2], [1, 1], [2, 1]) return (%r) }"},
    {"Col2Im", "(%x: f32[2, 27, 72]) { %r = aten.col2im.default(%x, [8, 20], [3, 3], [1, 2], [1, 1], [2, 1]) return "
               "(%r) }"},
    {"UnfoldBackward",
     "(%g: f32[4, 9, 5]) { %r = aten.unfold_backward.default(%g, [4, 21], 1, 5, 2) return (%r) }"},
    {"ReflectionPadBackward", "(%g: f32[2, 3, 12, 25], %x: f32[2, 3, 9, 20]) { %r = "
                              "aten.reflection_pad2d_backward.default(%g, %x, [3, 2, 1, 2]) return (%r) }"},
    {"ReplicationPadBackward", "(%g: f32[2, 3, 25], %x: f32[2, 3, 20]) { %r = "
                               "aten.replication_pad1d_backward.default(%g, %x, [3, 2]) return (%r) }"},
    {"SumOfNothing", "(%x: f32[0, 20]) { %r = aten.sum.dim_IntList(%x, [0]) %m = aten.mean.dim(%x, [0]) return (%r, %m) }"},
    {"ScatterAdd", "(%x: f32[7, 20], %i: i64[9, 20], %v: f32[9, 20]) { %r = aten.scatter_add.default(%x, 0, %i, %v) return "
                   "(%r) }"},
    {"ScatterAddOfADynamicSize", "(%x: f32[7, s0], %i: i64[9, s0], %v: f32[9, s0]) { %r = "
                                 "aten.scatter_add.default(%x, 0, %i, %v) return (%r) }"},
    {"Cummax", "(%x: f32[s0, 20]) { %v, %i = aten.cummax.default(%x, 1) return (%v, %i) }"},
    {"Pdist", "(%x: f32[9, 20]) { %r = aten._pdist_forward.default(%x, 2.0) return (%r) }"},
    {"Cdist", "(%x: f32[2, 9, 20], %y: f32[2, 7, 20]) { %r = aten._cdist_forward.default(%x, %y, 3.0, none) return (%r) }"},
    {"Gamma", "(%x: f32[s0, 20]) { %a = aten.lgamma.default(%x) %b = aten.digamma.default(%x) return (%a, %b) }"},
    {"ErrorFunctions",
     "(%x: f32[s0, 20]) { %a = aten.erfc.default(%x) %h = aten.mul.Tensor(%x, 0.49) %b = aten.erfinv.default(%h) %c = "
     "aten.special_log_ndtr.default(%x) return (%a, %b, %c) }"},
    {"Bessel", "(%x: f32[s0, 20]) { %a = aten.i0.default(%x) %b = aten.special_i1e.default(%x) return (%a, %b) }"},
    {"GroupNorm",
     "(%x: f32[5, 6, 4, 5], %w: f32[6], %b: f32[6]) { %r, %m, %s = aten.native_group_norm.default(%x, %w, %b, 5, 6, 20, "
     "3, 1e-05) return (%r, %m, %s) }"},
    {"NllLoss", "(%x: f32[s0, 7], %t: i64[s0], %w: f32[7]) { %r, %c = aten.nll_loss_forward.default(%x, %t, %w, 2, 3) "
                "return (%r, %c) }"},
    {"MultiMarginLoss",
     "(%x: f32[s0, 7], %t: i64[s0]) { %r = aten.multi_margin_loss.default(%x, %t, 2, 1.0) return (%r) }"},
    {"TriangleIndices", "(%x: f32[2]) { %a = aten.tril_indices.default(6, 9, 1) %b = aten.triu_indices.default(6, 9, -2) "
                        "return (%a, %b) }"},
};

double RandomUnit(uint64_t& seed) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(seed >> 40) / (1 << 24);
}

PlainTensor RandomTensor(DType dtype, int64_t n, uint64_t seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    double unit = RandomUnit(seed);
    values.push_back(dtype == DType::kBool ? unit < 0.5 : IsFloating(dtype) ? 4 * unit - 2 : std::floor(unit * 7));
  }
  return PlainTensor::Of(dtype, {n}, values);
}

// The storage of each input; the interpreter and the host see it alike.
std::vector<PlainTensor> InputsOf(const LoweredText& lowered) {
  std::vector<PlainTensor> inputs;
  for (int i = 0; i < lowered.program.num_inputs; ++i) {
    const FakeTensor& t = lowered.fake.tensor(ValueId{i});
    int64_t n = 1;
    for (Expr size : t.sizes) n *= size.AsInt().value_or(kSymbols.at("s0"));
    inputs.push_back(RandomTensor(t.dtype, n, 17 + static_cast<uint64_t>(i)));
  }
  return inputs;
}

void ExpectClose(const std::vector<PlainTensor>& want, const std::vector<PlainTensor>& got) {
  constexpr double kTolerance = 1e-4;
  ASSERT_EQ(want.size(), got.size());
  for (size_t i = 0; i < want.size(); ++i) {
    std::vector<double> x = want[i].Values(), y = got[i].Values();
    ASSERT_EQ(x.size(), y.size());
    for (size_t n = 0; n < x.size(); ++n) {
      bool same = x[n] == y[n] || (std::isnan(x[n]) && std::isnan(y[n]));
      ASSERT_TRUE(same || std::abs(x[n] - y[n]) <= kTolerance * (1 + std::abs(x[n])))
          << "output " << i << "[" << n << "] is " << y[n] << " but should be " << x[n];
    }
  }
}

std::map<std::string, int64_t> SymbolsOf(const std::string& graph) {
  return graph.find("s0") == std::string::npos ? std::map<std::string, int64_t>{} : kSymbols;
}

class LoweredTwinTest : public testing::TestWithParam<GraphCase> {};

TEST_P(LoweredTwinTest, CompiledCodeAgreesWithTheLoops) {
  std::string graph = std::string("graph g") + GetParam().graph;
  auto lowered = LowerText(graph, SymbolsOf(graph));
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  for (const Step& step : (*lowered)->program.steps) ASSERT_FALSE(std::holds_alternative<ExternCall>(step));
  std::vector<PlainTensor> inputs = InputsOf(**lowered);
  auto want = InterpretLoopProgram((*lowered)->program, inputs, (*lowered)->symbols);
  ASSERT_TRUE(want.ok()) << want.status();
  ScheduleOptions schedule;
  schedule.threads = 2;
  absl::StatusOr<LoopProgram> scheduled = Schedule(std::move((*lowered)->program), schedule);
  ASSERT_TRUE(scheduled.ok()) << scheduled.status();
  for (const CompileProgramOptions& options :
       {CompileProgramOptions{}, CompileProgramOptions{.max_vector_bits = 256},
        CompileProgramOptions{.check_bounds = true}}) {
    auto compiled = CompileProgram(PrintLoopProgram(*scheduled), options);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    TestHost host;
    auto got = host.Run((*compiled)->artifact, (*compiled)->signature, inputs, (*lowered)->symbols);
    ASSERT_TRUE(got.ok()) << got.status();
    ExpectClose(*want, *got);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LoweredTwinTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kiln
