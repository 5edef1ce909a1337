#include "clients/python/native/native_graph.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/python/native/tensor_objects.h"
#include "clients/python/native/tensor_window.h"
#include "clients/python/native/torch_call.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/import/metadata_proto.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr v1::InputKind kKinds[] = {v1::INPUT_KIND_USER, v1::INPUT_KIND_PARAMETER, v1::INPUT_KIND_BUFFER,
                                    v1::INPUT_KIND_TANGENT, v1::INPUT_KIND_SAVED};

// What the binder needs of the canonical inputs.
InputBinder::Inputs Metadata(const Graph& graph) {
  InputBinder::Inputs inputs;
  for (const GraphInput& input : graph.inputs) {
    v1::ManifestInput* out = inputs.Add();
    out->set_kind(kKinds[static_cast<int>(input.kind)]);
    if (const Expr* scalar = std::get_if<Expr>(&input.value)) {
      *out->mutable_sym_int() = ExportExpr(*scalar);
    } else {
      *out->mutable_tensor() = ExportTensorMeta(std::get<FakeTensor>(input.value));
    }
  }
  return inputs;
}

// Parameters and buffers live longer than the call anyhow, and what is returned
// as it came must live on.
std::vector<bool> InputsToKeep(const v1::Manifest& manifest) {
  std::vector<bool> keep(manifest.inputs_size());
  for (int i = 0; i < manifest.inputs_size(); ++i) {
    const v1::InputKind kind = manifest.inputs(i).kind();
    keep[i] = kind == v1::INPUT_KIND_PARAMETER || kind == v1::INPUT_KIND_BUFFER;
  }
  for (const v1::ManifestOutput& output : manifest.outputs()) {
    if (output.kind() == v1::ManifestOutput::KIND_INPUT) keep[output.alias_of()] = true;
  }
  return keep;
}

bool MayShowItsArgument(const OpSchema& op) {
  const bool shows = std::any_of(op.returns.begin(), op.returns.end(),
                                 [](const ReturnSchema& returned) { return returned.alias != 0; });
  return shows || op.name == "aten._unsafe_view.default";
}

// By input: whether a node may look at its storage beyond the input's own elements.
std::vector<bool> SeenStorages(const Graph& graph) {
  std::vector<bool> seen(graph.inputs.size(), false);
  // By value: the input whose storage it shows.
  absl::flat_hash_map<int, int> owners;
  for (int i = 0; i < static_cast<int>(seen.size()); ++i) owners[i] = i;
  for (const Node& node : graph.nodes) {
    if (node.op->is_mutating()) return std::vector<bool>(seen.size(), true);
    const ValueId* first = node.args.empty() ? nullptr : node.args[0].get_if<ValueId>();
    const auto owner = first == nullptr ? owners.end() : owners.find(first->value);
    if (owner == owners.end()) continue;
    const int input = owner->second;
    if (absl::StrContains(node.op->name, "as_strided")) seen[input] = true;
    if (!MayShowItsArgument(*node.op)) continue;
    for (const NodeOutput& output : node.outputs) {
      for (ValueId value : output.values) owners[value.value] = input;
    }
  }
  return seen;
}

// By input: whether a call may give it anywhere within its storage.
std::vector<bool> InputsToRebase(const Graph& graph) {
  std::vector<bool> rebase = SeenStorages(graph);
  for (size_t i = 0; i < rebase.size(); ++i) {
    const FakeTensor* t = std::get_if<FakeTensor>(&graph.inputs[i].value);
    rebase[i] = !rebase[i] && (t == nullptr || t->storage_offset.IsInt(0));
  }
  return rebase;
}

PyObject* ScalarObject(const KilnValue& value) {
  switch (value.kind) {
    case KILN_VALUE_INT: return PyLong_FromLongLong(value.u.i);
    case KILN_VALUE_FLOAT: return PyFloat_FromDouble(value.u.f);
    case KILN_VALUE_BOOL: return PyBool_FromLong(value.u.i != 0);
    case KILN_VALUE_NONE: Py_RETURN_NONE;
    default: return PyErr_Format(PyExc_RuntimeError, "a scalar output has kind %d", value.kind);
  }
}

// Owned references to the inputs; what is left is dropped at the end.
class InputRefs {
 public:
  explicit InputRefs(PyObject* boxed) {
    const Py_ssize_t size = PyList_GET_SIZE(boxed);
    refs.reserve(size);
    for (Py_ssize_t i = 0; i < size; ++i) refs.push_back(Py_NewRef(PyList_GET_ITEM(boxed, i)));
    PyList_SetSlice(boxed, 0, size, nullptr);
  }
  ~InputRefs() {
    for (PyObject* ref : refs) Py_XDECREF(ref);
  }
  std::vector<PyObject*> refs;
};

// Compiled code and the operators that it calls record no gradients: AOTAutograd
// has made the backward graph already.
class NoGrad {
 public:
  NoGrad() : before_(Torch().aoti_torch_grad_mode_is_enabled()) { Torch().aoti_torch_grad_mode_set_enabled(false); }
  ~NoGrad() { Torch().aoti_torch_grad_mode_set_enabled(before_); }

 private:
  const bool before_;
};

// The list of Python outputs, or nullptr with a Python error.
PyObject* OutputList(const v1::Manifest& manifest, TorchCall& call, const std::vector<PyObject*>& inputs) {
  PyObject* list = PyList_New(manifest.outputs_size());
  for (int i = 0; list != nullptr && i < manifest.outputs_size(); ++i) {
    CallOutput& output = call.outputs[i];
    PyObject* object = nullptr;
    switch (output.kind) {
      case CallOutput::Kind::kTensor: object = ObjectOf(std::exchange(output.tensor, nullptr)); break;
      case CallOutput::Kind::kScalar: object = ScalarObject(output.scalar); break;
      case CallOutput::Kind::kMissing:
        if (manifest.outputs(i).kind() == v1::ManifestOutput::KIND_INPUT) {
          object = Py_NewRef(inputs[manifest.outputs(i).alias_of()]);
        } else if (manifest.outputs(i).kind() == v1::ManifestOutput::KIND_NONE) {
          object = Py_NewRef(Py_None);
        } else {
          PyErr_Format(PyExc_RuntimeError, "the artifact did not make output %d", i);
        }
    }
    if (object == nullptr) {
      Py_CLEAR(list);
    } else {
      PyList_SET_ITEM(list, i, object);
    }
  }
  return list;
}

PyObject* ExceptionType(absl::StatusCode code) {
  if (code == absl::StatusCode::kOutOfRange) return PyExc_IndexError;
  if (code == absl::StatusCode::kResourceExhausted) return PyExc_MemoryError;
  return PyExc_RuntimeError;
}

}  // namespace

// One call's inputs as the ABI sees them.
struct NativeGraph::Frame {
  explicit Frame(size_t inputs, size_t symbols) : tensors(new KilnTensor[inputs]), values(inputs), symbols(symbols) {}
  ~Frame() {
    for (TensorHandle handle : owned_handles) Torch().aoti_torch_delete_tensor_object(handle);
  }
  std::unique_ptr<KilnTensor[]> tensors;
  absl::InlinedVector<KilnValue, 32> values;
  absl::InlinedVector<int64_t, 16> symbols;
  std::vector<TensorHandle> owned_handles;
};

absl::StatusOr<std::unique_ptr<NativeGraph>> NativeGraph::Create(absl::string_view module,
                                                                 std::vector<std::pair<int, int>> outputs) {
  v1::GraphModule message;
  if (!message.ParseFromArray(module.data(), static_cast<int>(module.size()))) {
    return MakeError(ErrorReason::kMalformedMessage, "the graph module does not parse");
  }
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph source, ImportModule(message, &pool, {&FindOpSchema, RefusedOps()}));
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(source, &pool));
  std::unique_ptr<NativeGraph> graph(new NativeGraph);
  graph->outputs_ = std::move(outputs);
  graph->graph_digest_ = std::string(canonical.graph_digest.bytes());
  graph->signature_digest_ = std::string(canonical.signature_digest.bytes());
  InputBinder::Symbols names;
  for (const SymbolDeclaration& symbol : canonical.graph.symbols) {
    if (symbol.symbol.type() == ExprType::kFloat) {
      return MakeError(ErrorReason::kUnsupportedGraph,
                       absl::StrCat("compiled code takes no float: ", canonical.original_symbols[graph->symbols_.size()]));
    }
    graph->symbols_.emplace_back(symbol.symbol.symbol_name());
    graph->hints_.push_back(symbol.representative());
    *names.Add() = graph->symbols_.back();
  }
  graph->original_symbols_ = canonical.original_symbols;
  for (const Device& device : canonical.original_devices) graph->own_devices_.push_back(ExportDevice(device));
  for (int i = 0; i < static_cast<int>(canonical.original_node.size()); ++i) {
    const Node& node = source.nodes[canonical.original_node[i]];
    graph->nodes_.push_back(DescribeNode(i, node.op->name, node.location));
  }
  graph->rebase_ = InputsToRebase(canonical.graph);
  KILN_ASSIGN_OR_RETURN(graph->binder_, InputBinder::Create(names, Metadata(canonical.graph)));
  return graph;
}

// The key says which graph it is of; this says that the server understood the
// graph as PyTorch does.
absl::Status NativeGraph::CheckManifest(const v1::Manifest& manifest) const {
  if (manifest.inputs_size() != binder_->num_inputs() || manifest.symbols_size() != binder_->num_symbols()) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("the artifact has ", manifest.inputs_size(), " inputs and ", manifest.symbols_size(),
                                  " symbols but the graph ", binder_->num_inputs(), " and ", binder_->num_symbols()));
  }
  if (manifest.outputs_size() != static_cast<int>(outputs_.size())) {
    return MakeError(ErrorReason::kArtifactRefused, absl::StrCat("the artifact has ", manifest.outputs_size(),
                                                                 " outputs but the graph ", outputs_.size()));
  }
  for (int i = 0; i < manifest.outputs_size(); ++i) {
    const v1::TensorMeta& got = manifest.outputs(i).tensor();
    const auto [dtype, rank] = outputs_[i];
    if (got.dtype() == dtype && got.sizes_size() == rank) continue;
    return MakeError(ErrorReason::kArtifactRefused,
                     absl::StrCat("output ", i, " of the artifact has dtype ", got.dtype(), " and rank ",
                                  got.sizes_size(), " but PyTorch traced dtype ", dtype, " and rank ", rank));
  }
  return absl::OkStatus();
}

absl::Status NativeGraph::Load(absl::string_view signed_variant, absl::string_view elf, const LoadOptions& options) {
  v1::SignedVariant message;
  if (!message.ParseFromArray(signed_variant.data(), static_cast<int>(signed_variant.size()))) {
    return MakeError(ErrorReason::kMalformedMessage, "the signed variant does not parse");
  }
  HostFacts facts;
  facts.key.set_graph(graph_digest_);
  facts.key.set_signature(signature_digest_);
  facts.key.set_options(options.options_digest);
  facts.key.set_target_family(absl::StrCat(options.target.device_type(), "/", options.target.arch()));
  facts.key.set_domain(options.domain);
  facts.target = options.target;
  facts.own_devices = own_devices_;
  facts.trust = options.trust;
  facts.serves = [](const v1::ExternOp& op) { return ExternOp::Find(op.name(), op.into()) != nullptr; };
  auto variant = std::make_unique<NativeVariant>();
  KILN_ASSIGN_OR_RETURN(variant->artifact, LoadedArtifact::Load(message, elf, facts));
  const v1::Manifest& manifest = variant->artifact->manifest();
  KILN_RETURN_IF_ERROR(CheckManifest(manifest));
  for (const v1::ExternOp& op : manifest.extern_ops()) {
    variant->extern_ops.push_back(ExternOp::Find(op.name(), op.into()));
    variant->functions.push_back(&TorchCall::ServeExternOp);
  }
  variant->table = MakeHostTable(variant->functions);
  variant->keep = InputsToKeep(manifest);
  variant->packed_weights = PackedWeights::Create(manifest);
  if (Profiler::Shared().is_enabled()) {
    KILN_ASSIGN_OR_RETURN(variant->profiled_steps,
                          ProfiledSteps::Create(manifest, absl::BytesToHexString(graph_digest_), nodes_));
    variant->table.kernel_begin = &TorchCall::BeginKernel;
    variant->table.kernel_end = &TorchCall::EndKernel;
  }
  variants_.push_back(std::move(variant));
  return absl::OkStatus();
}

bool NativeGraph::ReadInputs(PyObject* boxed, Frame& frame) const {
  const TorchShim& torch = Torch();
  for (size_t i = 0; i < frame.values.size(); ++i) {
    PyObject* object = PyList_GET_ITEM(boxed, i);
    KilnValue& value = frame.values[i];
    value = {};
    if (IsTensor(object)) {
      bool owned = false;
      TensorHandle handle = HandleOf(object, &owned);
      if (handle == nullptr) {
        PyErr_Clear();
        return false;
      }
      if (owned) frame.owned_handles.push_back(handle);
      int32_t device = 0;
      KilnTensor& tensor = frame.tensors[i];
      if (torch.aoti_torch_get_device_type(handle, &device) != 0 || device != torch.cpu) return false;
      if (!ReadTensor(handle, &tensor)) return false;
      if (i < rebase_.size() && rebase_[i]) {
        tensor.storage = tensor.data;
        tensor.storage_offset = 0;
      }
      value.kind = KILN_VALUE_TENSOR;
      value.u.tensor = &tensor;
    } else if (PyLong_Check(object)) {
      int overflow = 0;
      value.kind = KILN_VALUE_INT;
      value.u.i = PyLong_AsLongLongAndOverflow(object, &overflow);
      if (overflow != 0) return false;
    }
    // Any other object stays of kind none, which no input has.
  }
  return true;
}

absl::StatusOr<std::vector<int64_t>> NativeGraph::SymbolValues(PyObject* boxed) const {
  Frame frame(PyList_GET_SIZE(boxed), symbols_.size());
  if (!ReadInputs(boxed, frame)) {
    return MakeError(ErrorReason::kBadInputMetadata, "an input is not a strided tensor on the CPU");
  }
  if (!binder_->Bind(frame.values, frame.symbols.data())) {
    return MakeError(ErrorReason::kBadInputMetadata, binder_->Explain(frame.values));
  }
  return std::vector<int64_t>(frame.symbols.begin(), frame.symbols.end());
}

int NativeGraph::FirstFailingGuard(int variant, const std::vector<int64_t>& symbols) const {
  return variants_[variant]->artifact->guards().FirstFailing(symbols.data());
}

PyObject* NativeGraph::Call(PyObject* boxed) {
  Frame frame(PyList_GET_SIZE(boxed), symbols_.size());
  if (!ReadInputs(boxed, frame) || !binder_->Bind(frame.values, frame.symbols.data())) Py_RETURN_NONE;
  for (const std::unique_ptr<NativeVariant>& variant : variants_) {
    if (!variant->artifact->guards().Hold(frame.symbols.data()) || !variant->artifact->CheckTrust().ok()) continue;
    return Run(*variant, boxed, frame);
  }
  Py_RETURN_NONE;
}

PyObject* NativeGraph::Run(NativeVariant& variant, PyObject* boxed, Frame& frame) {
  const v1::Manifest& manifest = variant.artifact->manifest();
  InputRefs inputs(boxed);
  TorchCall call(variant.extern_ops, &inputs.refs, variant.keep, manifest.outputs_size());
  if (variant.packed_weights != nullptr) call.set_packed_weights(variant.packed_weights.get(), frame.values);
  std::optional<StepTimer> timer;
  if (variant.profiled_steps.has_value()) {
    call.set_timer(&timer.emplace(*variant.profiled_steps, frame.symbols.data()));
  }
  const auto start = std::chrono::steady_clock::now();
  absl::Status status;
  Py_BEGIN_ALLOW_THREADS;
  {
    NoGrad no_grad;
    status = CallArtifact(*variant.artifact, variant.table, frame.values, frame.symbols.data(), call);
  }
  Py_END_ALLOW_THREADS;
  if (variant.hits++ == 0) {
    variant.first_call_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  if (status.ok()) return OutputList(manifest, call, inputs.refs);
  RaiseFor(status, call);
  return nullptr;
}

void NativeGraph::RaiseFor(const absl::Status& status, const TorchCall& call) const {
  const int node = call.error_node();
  std::string message(status.message());
  if (node >= 0 && node < static_cast<int>(nodes_.size()) && !call.error_message().empty()) {
    message = absl::StrCat(nodes_[node], ": ", call.error_message());
  } else if (node >= 0 && node < static_cast<int>(nodes_.size())) {
    message = absl::StrCat(nodes_[node], ": ", status.message());
  }
  PyErr_SetString(ExceptionType(status.code()), message.c_str());
}

}  // namespace kiln
