#include "fake_runtime/graph/choose_overload.h"

namespace kiln {
namespace {

enum class Fit { kNone, kConverted, kExact };

bool IsTensor(const Argument& arg, absl::Span<const ValueClass> classes) {
  const ValueId* id = arg.get_if<ValueId>();
  return id != nullptr && classes[id->value] == ValueClass::kTensor;
}

bool Converts(const ArgSchema& slot, const Argument& before, const Argument& after, absl::Span<const ValueClass> classes) {
  if (!(before == after)) return true;
  return slot.type == ArgType::kTensor && !slot.is_list && !before.is_none() && !IsTensor(before, classes);
}

Fit FitOf(const OpSchema& schema, const std::vector<NamedArgument>& args, absl::Span<const ValueClass> classes) {
  absl::StatusOr<std::vector<Argument>> normal =
      NormalizeArguments(schema, args, [&](ValueId id) { return classes[id.value]; });
  if (!normal.ok()) return Fit::kNone;
  size_t positional = 0;
  for (const NamedArgument& arg : args) {
    const size_t slot = arg.name.empty() ? positional++ : static_cast<size_t>(schema.FindArg(arg.name));
    if (Converts(schema.args[slot], arg.value, (*normal)[slot], classes)) return Fit::kConverted;
  }
  return Fit::kExact;
}

bool ResultsFit(const OpSchema& schema, size_t num_results) {
  const bool spreads = schema.returns.size() == 1 && schema.returns[0].is_list;
  return num_results == 0 || spreads || schema.returns.size() == num_results;
}

}  // namespace

std::vector<const OpSchema*> ChooseOverloads(absl::Span<const OpSchema* const> overloads,
                                             const std::vector<NamedArgument>& args, size_t num_results,
                                             absl::Span<const ValueClass> classes) {
  std::vector<const OpSchema*> exact, converted;
  for (const OpSchema* schema : overloads) {
    if (!ResultsFit(*schema, num_results)) continue;
    const Fit fit = FitOf(*schema, args, classes);
    if (fit == Fit::kExact) exact.push_back(schema);
    if (fit == Fit::kConverted) converted.push_back(schema);
  }
  return exact.empty() ? converted : exact;
}

}  // namespace kiln
