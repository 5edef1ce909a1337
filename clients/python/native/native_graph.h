// A graph as the Python host holds it: its canonical form and key, the check of
// its inputs, and the variants that are loaded, tried in order on every call.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_NATIVE_GRAPH_H_
#define KILN_CLIENTS_PYTHON_NATIVE_NATIVE_GRAPH_H_

#include <Python.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/python/native/extern_op.h"
#include "clients/python/native/packed_weights.h"
#include "clients/python/native/step_timer.h"
#include "clients/runtime/input_binder.h"
#include "clients/runtime/loaded_artifact.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// What `Load` holds an artifact against, besides the graph's own digests.
struct LoadOptions {
  std::string options_digest;
  std::string domain;
  v1::Target target;
  std::shared_ptr<Trust> trust;
};

struct NativeVariant {
  std::shared_ptr<const LoadedArtifact> artifact;
  std::vector<ExternOp*> extern_ops;
  std::vector<KilnExternFn> functions;
  KilnHost table = {};
  std::vector<bool> keep;  // inputs that must outlive the call
  std::unique_ptr<PackedWeights> packed_weights;  // where the artifact asks for them
  std::optional<ProfiledSteps> profiled_steps;  // where the Profiler is on
  int64_t hits = 0;
  double first_call_seconds = 0;
};

// Used with the GIL held, which `Call` gives up while compiled code runs.
class NativeGraph {
 public:
  // `module` is a serialized v1::GraphModule; `outputs` are dtype and rank of what
  // was traced, zeros where it is no tensor. Errors as ImportModule's and
  // InputBinder's.
  static absl::StatusOr<std::unique_ptr<NativeGraph>> Create(absl::string_view module,
                                                             std::vector<std::pair<int, int>> outputs);
  NativeGraph(const NativeGraph&) = delete;
  NativeGraph& operator=(const NativeGraph&) = delete;

  // Verifies, maps and appends a variant. Errors as LoadedArtifact::Load;
  // ARTIFACT_REFUSED if its outputs are not those that were traced.
  absl::Status Load(absl::string_view signed_variant, absl::string_view elf, const LoadOptions& options);

  // Runs the first variant whose guards hold and that has not been revoked on `boxed`, a
  // list that is emptied then. A new list of outputs; None, the list untouched, if no variant fits;
  // nullptr with a Python error if the call failed.
  PyObject* Call(PyObject* boxed);

  // The canonical symbols' values for these inputs. BAD_INPUT_METADATA if they are
  // not inputs of this graph.
  absl::StatusOr<std::vector<int64_t>> SymbolValues(PyObject* boxed) const;
  // Index of the first guard of variant `index` that does not hold for `symbols`, or -1.
  int FirstFailingGuard(int variant, const std::vector<int64_t>& symbols) const;

  const std::string& graph_digest() const { return graph_digest_; }
  const std::string& signature_digest() const { return signature_digest_; }
  const std::vector<std::string>& symbols() const { return symbols_; }
  // Those that were traced; of a symbol that data decides, a size that may be.
  const std::vector<int64_t>& hints() const { return hints_; }
  const std::vector<std::string>& original_symbols() const { return original_symbols_; }
  // "node 3 (aten.mm.default) at model.py:41", by canonical id.
  const std::vector<std::string>& nodes() const { return nodes_; }
  const std::vector<std::unique_ptr<NativeVariant>>& variants() const { return variants_; }

 private:
  struct Frame;
  NativeGraph() = default;

  absl::Status CheckManifest(const v1::Manifest& manifest) const;
  bool ReadInputs(PyObject* boxed, Frame& frame) const;
  PyObject* Run(NativeVariant& variant, PyObject* boxed, Frame& frame);
  void RaiseFor(const absl::Status& status, const class TorchCall& call) const;

  std::string graph_digest_;
  std::string signature_digest_;
  std::vector<std::string> symbols_;
  std::vector<int64_t> hints_;
  std::vector<std::string> original_symbols_;
  std::vector<std::string> nodes_;
  std::vector<v1::Device> own_devices_;
  std::vector<std::pair<int, int>> outputs_;
  // By input. A functional graph reads an input through its own sizes and strides, so
  // where it starts within its storage does not matter, unless a node sees more of the
  // storage: the code is shown a storage that starts with the input's first element.
  std::vector<bool> rebase_;
  std::optional<InputBinder> binder_;
  std::vector<std::unique_ptr<NativeVariant>> variants_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_NATIVE_GRAPH_H_
