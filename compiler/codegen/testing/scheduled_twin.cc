#include "compiler/codegen/testing/scheduled_twin.h"

#include <cmath>
#include <utility>
#include <variant>

#include "base/status_macros.h"
#include "compiler/codegen/testing/twin_tensors.h"
#include "compiler/loops/testing/lower_text.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/testing/random_program.h"
#include "fake_runtime/symbolic/shape_env.h"

namespace kiln {
namespace {

absl::StatusOr<std::string> ScheduledText(LoopProgram program) {
  ScheduleOptions options;
  options.threads = 2;
  KILN_ASSIGN_OR_RETURN(LoopProgram scheduled, Schedule(std::move(program), options));
  return PrintLoopProgram(scheduled);
}

// Random programs index by input 4, which has three places.
PlainTensor RandomIndices(int64_t n, uint64_t seed) {
  std::vector<double> indices = RandomTensor(DType::kInt64, n, seed).Values();
  for (double& index : indices) index = std::fmod(index, 3);
  return PlainTensor::Of(DType::kInt64, {n}, indices);
}

}  // namespace

absl::StatusOr<ScheduledTwin> MakeRandomTwin(uint64_t seed) {
  constexpr int64_t kElements = 4 * 67 * 16;
  ScheduledTwin twin;
  twin.symbols = {{"s0", 4}, {"s1", 67}};
  ExprPool pool;
  ShapeEnv env(&pool);
  for (const auto& [name, hint] : twin.symbols) {
    KILN_RETURN_IF_ERROR(env.AddBackedSymbol(pool.Symbol(name), hint, ValueRange::AtLeast(0), ValueRange::AtLeast(0),
                                             DimPolicy::kAutomatic));
  }
  const std::string text = schedule::RandomProgramText(seed, 4 + static_cast<int>(seed % 13));
  KILN_ASSIGN_OR_RETURN(LoopProgram plain, ParseLoopProgram(text, &pool));
  plain.env = &env;
  for (int i = 0; i < plain.num_inputs; ++i) {
    twin.inputs.push_back(i == 4 ? RandomIndices(kElements, seed)
                                 : RandomTensor(DType::kFloat32, kElements, seed * 100 + static_cast<uint64_t>(i)));
  }
  KILN_ASSIGN_OR_RETURN(twin.want, InterpretLoopProgram(plain, twin.inputs, twin.symbols));
  KILN_ASSIGN_OR_RETURN(twin.text, ScheduledText(std::move(plain)));
  return twin;
}

absl::StatusOr<ScheduledTwin> MakeLoweredTwin(const std::string& graph) {
  ScheduledTwin twin;
  if (graph.find("s0") != std::string::npos) twin.symbols = {{"s0", 5}};
  KILN_ASSIGN_OR_RETURN(auto lowered, LowerText(graph, twin.symbols));
  for (const Step& step : lowered->program.steps) {
    if (std::holds_alternative<ExternCall>(step)) return absl::InternalError("the graph has an extern call");
  }
  // The storage of each input; the interpreter and the host see it alike.
  for (int i = 0; i < lowered->program.num_inputs; ++i) {
    const FakeTensor& t = lowered->fake.tensor(ValueId{i});
    int64_t n = 1;
    for (Expr size : t.sizes) n *= size.AsInt().value_or(5);
    twin.inputs.push_back(RandomTensor(t.dtype, n, 17 + static_cast<uint64_t>(i)));
  }
  twin.symbols = lowered->symbols;
  KILN_ASSIGN_OR_RETURN(twin.want, InterpretLoopProgram(lowered->program, twin.inputs, twin.symbols));
  KILN_ASSIGN_OR_RETURN(twin.text, ScheduledText(std::move(lowered->program)));
  return twin;
}

}  // namespace kiln
