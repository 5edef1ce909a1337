#include "compiler/build_manifest.h"

#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/buffer_placement.h"
#include "compiler/codegen/extern_table.h"
#include "compiler/schedule/step_work.h"
#include "fake_runtime/import/metadata_proto.h"

namespace kiln {
namespace {

FakeValue OutputValue(const FakeGraph& fake, const Argument& output) {
  ExprPool& pool = fake.env->pool();
  if (const ValueId* id = output.get_if<ValueId>()) return fake.values[id->value];
  if (const int64_t* i = output.get_if<int64_t>()) return pool.Int(*i);
  if (const double* f = output.get_if<double>()) return pool.Float(*f);
  if (const bool* b = output.get_if<bool>()) return Expr::Bool(*b);
  return std::monostate{};
}

// By buffer: whether a step or an output reads it.
std::vector<bool> ReadBuffers(const LoopProgram& program) {
  std::vector<bool> read(program.buffers.size(), false);
  for (const Step& step : program.steps) {
    if (std::holds_alternative<Release>(step)) continue;
    VisitStepBuffers(step, [&](BufferId id) { read[id.value] = true; });
  }
  return read;
}

void AddInputs(const ManifestParts& parts, v1::Manifest& manifest) {
  const LoopProgram& program = *parts.program;
  std::vector<bool> used(program.num_inputs, false);
  const std::vector<bool> read = ReadBuffers(program);
  for (int i = 0; i < program.num_inputs; ++i) {
    const BufferId buffer = program.input_buffers[i];
    used[i] = buffer.value >= 0 && read[buffer.value];
  }
  for (const OutputBinding& binding : program.outputs) {
    const bool shows = binding.kind == OutputBinding::Kind::kInput || binding.kind == OutputBinding::Kind::kView;
    if (shows && binding.alias_of >= 0) used[binding.alias_of] = true;
  }
  for (size_t i = 0; i < parts.facts->inputs.size(); ++i) {
    const GraphInput& source = parts.facts->inputs[i];
    v1::ManifestInput& input = *manifest.add_inputs();
    // The enums have the same order, the proto's one begins with "unspecified".
    input.set_kind(static_cast<v1::InputKind>(static_cast<int>(source.kind) + 1));
    input.set_donated(source.donated);
    if (const FakeTensor* tensor = std::get_if<FakeTensor>(&source.value)) {
      *input.mutable_tensor() = ExportTensorMeta(*tensor);
      input.set_used(used[i]);
    } else if (const Expr* e = std::get_if<Expr>(&source.value)) {
      // The entry has it from the symbols.
      *input.mutable_sym_int() = ExportExpr(*e);
      input.set_used(true);
    }
  }
}

v1::ManifestOutput::Kind TensorKind(const OutputBinding& binding) {
  switch (binding.kind) {
    case OutputBinding::Kind::kInput: return v1::ManifestOutput::KIND_INPUT;
    case OutputBinding::Kind::kOutputView: return v1::ManifestOutput::KIND_OUTPUT_VIEW;
    // A view of an extern operator's result is a fresh tensor to the host.
    case OutputBinding::Kind::kView:
      return binding.alias_of >= 0 ? v1::ManifestOutput::KIND_VIEW : v1::ManifestOutput::KIND_NEW;
    case OutputBinding::Kind::kNew:
    case OutputBinding::Kind::kScalar:
    case OutputBinding::Kind::kNone: return v1::ManifestOutput::KIND_NEW;
  }
  return v1::ManifestOutput::KIND_UNSPECIFIED;
}

void AddOutputs(const ManifestParts& parts, v1::Manifest& manifest) {
  static constexpr v1::ManifestOutput::Kind kScalarKinds[] = {
      v1::ManifestOutput::KIND_SYM_INT, v1::ManifestOutput::KIND_SYM_FLOAT, v1::ManifestOutput::KIND_SYM_BOOL};
  for (size_t i = 0; i < parts.program->outputs.size(); ++i) {
    const OutputBinding& binding = parts.program->outputs[i];
    v1::ManifestOutput& output = *manifest.add_outputs();
    if (binding.kind == OutputBinding::Kind::kNone) {
      output.set_kind(v1::ManifestOutput::KIND_NONE);
      continue;
    }
    if (binding.kind == OutputBinding::Kind::kScalar) {
      output.set_kind(kScalarKinds[static_cast<int>(binding.scalar.type())]);
      *output.mutable_sym_value() = ExportExpr(binding.scalar);
      continue;
    }
    const FakeTensor* tensor = std::get_if<FakeTensor>(&parts.facts->outputs[i]);
    if (tensor == nullptr) {
      // An input that is a symbolic scalar, returned as it came.
      output.set_kind(v1::ManifestOutput::KIND_INPUT);
      output.set_alias_of(binding.alias_of);
      continue;
    }
    output.set_kind(TensorKind(binding));
    if (binding.alias_of >= 0) output.set_alias_of(binding.alias_of);
    *output.mutable_tensor() = ExportTensorMeta(*tensor);
    // Autograd is the host's, around the code.
    output.mutable_tensor()->set_requires_grad(false);
  }
}

void AddExternOps(const ExternTable& table, v1::Manifest& manifest) {
  for (const ExternEntry& entry : table.ops) {
    v1::ExternOp& op = *manifest.add_extern_ops();
    op.set_name(entry.op);
    op.set_into(entry.into);
    op.set_call_sites(entry.call_sites);
    for (int node : entry.nodes) op.add_nodes(node);
    for (const auto& [what, calls] : entry.epilogues) {
      v1::ExternEpilogue& epilogue = *op.add_epilogues();
      epilogue.set_what(what);
      epilogue.set_calls(calls);
    }
  }
}

// The proto's enum has the rows of apart_reasons.def in their order, after "unspecified".
v1::ApartReason ExportReason(ApartReason reason) { return static_cast<v1::ApartReason>(static_cast<int>(reason) + 1); }

// A loop program knows kernels by name.
using KernelsByName = absl::flat_hash_map<absl::string_view, int>;
KernelsByName NameKernels(const LoopProgram& program, const KernelTable& table) {
  KernelsByName kernel_of;
  for (size_t i = 0; i < program.steps.size(); ++i) {
    if (const auto* step = std::get_if<Kernel>(&program.steps[i])) kernel_of[step->name] = table.launches[i].kernel;
  }
  return kernel_of;
}

// The reasons of all runs of one kernel.
void AddReasons(const LoopProgram& program, const UniqueKernel& kernel, const KernelsByName& kernel_of,
                v1::KernelInfo& info) {
  std::set<std::pair<int, v1::ApartReason>> apart;
  for (int step : kernel.steps) {
    const Kernel& run = std::get<Kernel>(program.steps[step]);
    if (step == kernel.steps.front()) info.set_why(run.why);
    for (const Apart& a : run.apart) {
      const auto found = kernel_of.find(a.kernel);
      if (found != kernel_of.end()) apart.emplace(found->second, ExportReason(a.reason));
    }
  }
  for (const auto& [other, reason] : apart) {
    v1::ApartKernel& added = *info.add_apart();
    added.set_kernel(other);
    added.set_reason(reason);
  }
}

void AddKernels(const ManifestParts& parts, const KernelTable& table, v1::Manifest& manifest) {
  const KernelsByName kernel_of = NameKernels(*parts.program, table);
  for (const UniqueKernel& kernel : table.kernels) {
    v1::KernelInfo& info = *manifest.add_kernels();
    info.set_symbol(kernel.symbol);
    info.set_launches(static_cast<int>(kernel.steps.size()));
    for (int node : kernel.nodes) {
      info.add_nodes(node);
      const bool known = node >= 0 && node < static_cast<int>(parts.facts->ops.size());
      info.add_ops(known ? parts.facts->ops[node] : "");
    }
    AddReasons(*parts.program, kernel, kernel_of, info);
  }
}

void AddSteps(const LoopProgram& program, const KernelTable& kernels, const ExternTable& externs,
              v1::Manifest& manifest) {
  for (size_t i = 0; i < program.steps.size(); ++i) {
    if (const auto* kernel = std::get_if<Kernel>(&program.steps[i])) {
      v1::StepInfo& step = *manifest.add_steps();
      step.set_kernel(kernels.launches[i].kernel);
      for (int node : kernel->nodes) step.add_nodes(node);
      const KernelWork work = WorkOf(*kernel, program);
      *step.mutable_bytes() = ExportExpr(work.bytes);
      *step.mutable_operations() = ExportExpr(work.operations);
    } else if (const auto* call = std::get_if<ExternCall>(&program.steps[i])) {
      v1::StepInfo& step = *manifest.add_steps();
      step.set_extern_op(externs.index_of_step[i]);
      if (call->node >= 0) step.add_nodes(call->node);
      for (int node : call->epilogue) step.add_nodes(node);
      *step.mutable_bytes() = ExportExpr(BytesOf(*call, program.pool));
    }
  }
}

}  // namespace

GraphFacts GraphFacts::Of(const FakeGraph& fake) {
  GraphFacts facts;
  facts.inputs = fake.graph.inputs;
  for (const Argument& output : fake.graph.outputs) facts.outputs.push_back(OutputValue(fake, output));
  for (const Node& node : fake.graph.nodes) facts.ops.push_back(node.op->name);
  return facts;
}

v1::Manifest BuildManifest(const ManifestParts& parts) {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_abi_version(KILN_ABI_VERSION);
  *manifest.mutable_key() = parts.key;
  manifest.set_compiler_build(parts.compiler_build);
  for (const std::string& symbol : parts.program->symbols) manifest.add_symbols(symbol);
  AddInputs(parts, manifest);
  AddOutputs(parts, manifest);
  for (const v1::Guard& guard : parts.guards) *manifest.add_guards() = guard;
  v1::EntryPoint& entry = *manifest.add_entry_points();
  entry.set_name("main");
  entry.set_symbol(KILN_ENTRY_SYMBOL);
  for (const std::string& feature : parts.isa_features) manifest.add_isa_features(feature);
  manifest.set_arch(parts.arch);
  const ExternTable externs = BuildExternTable(*parts.program);
  AddExternOps(externs, manifest);
  AddKernels(parts, *parts.kernels, manifest);
  AddSteps(*parts.program, *parts.kernels, externs, manifest);
  manifest.set_pack_weights(parts.pack_weights);
  manifest.set_arena_bytes(parts.program->arena_bytes.ToString());
  return manifest;
}

}  // namespace kiln
