// kiln._native: what of the Python host is C++.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "base/lock_checks.h"
#include "base/server_address.h"
#include "clients/python/native/block_cache.h"
#include "clients/python/native/extern_op.h"
#include "clients/python/native/native_graph.h"
#include "clients/python/native/profiler.h"
#include "clients/python/native/propagate_module.h"
#include "clients/python/native/tensor_objects.h"
#include "clients/python/native/torch_shim.h"
#include "clients/runtime/cpu_features.h"
#include "compiler/artifact/options_digest.h"
#include "compiler/artifact/trust.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kiln {
namespace {

absl::string_view View(const nb::bytes& bytes) { return {bytes.c_str(), bytes.size()}; }
nb::bytes Bytes(absl::string_view view) { return nb::bytes(view.data(), view.size()); }

// Raises kiln._wire.errors.KilnError with the status's reason.
void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::optional<ErrorReason> reason = GetErrorReason(status);
  const std::string name(reason.has_value() ? GetErrorReasonRow(*reason).name
                                            : absl::string_view(absl::StatusCodeToString(status.code())));
  nb::object error = nb::module_::import_("kiln._wire.errors").attr("KilnError");
  nb::object raised = error(name, std::string(status.message()));
  PyErr_SetObject(error.ptr(), raised.ptr());
  throw nb::python_error();
}

template <typename T>
T Unwrap(absl::StatusOr<T> value) {
  Check(value.status());
  return *std::move(value);
}

void Initialize() {
  Check(LoadTorchShim());
  Check(LoadTensorObjects());
}

void Load(NativeGraph& graph, const nb::bytes& signed_variant, const nb::bytes& elf, const nb::bytes& options_digest,
          const std::string& domain, const nb::bytes& target, std::shared_ptr<Trust> trust) {
  LoadOptions options;
  options.options_digest = std::string(View(options_digest));
  options.domain = domain;
  options.trust = std::move(trust);
  if (!options.target.ParseFromArray(target.c_str(), static_cast<int>(target.size()))) {
    Check(MakeError(ErrorReason::kMalformedMessage, "the target does not parse"));
  }
  Check(graph.Load(View(signed_variant), View(elf), options));
}

nb::object Call(NativeGraph& graph, const nb::list& boxed) {
  PyObject* result = graph.Call(boxed.ptr());
  if (result == nullptr) throw nb::python_error();
  return nb::steal(result);
}

nb::list Variants(const NativeGraph& graph) {
  nb::list rows;
  for (const std::unique_ptr<NativeVariant>& variant : graph.variants()) {
    nb::dict row;
    row["record"] = Bytes(variant->artifact->record().SerializeAsString());
    row["manifest"] = Bytes(variant->artifact->manifest().SerializeAsString());
    row["hits"] = variant->hits;
    row["first_call_seconds"] = variant->first_call_seconds;
    nb::dict ways;
    for (const ExternOp* op : variant->extern_ops) ways[op->name().c_str()] = ExternWayName(op->way());
    row["extern_ops"] = ways;
    row["packed_weights"] = variant->packed_weights == nullptr ? 0 : variant->packed_weights->count();
    rows.append(row);
  }
  return rows;
}

nb::dict ExternCalls() {
  nb::dict ops;
  for (const ExternOp* op : ExternOp::All()) {
    nb::dict row = ops.contains(op->name().c_str()) ? nb::cast<nb::dict>(ops[op->name().c_str()]) : nb::dict();
    for (int way = 0; way < kExternWays; ++way) {
      const char* name = ExternWayName(static_cast<ExternWay>(way));
      const int64_t before = row.contains(name) ? nb::cast<int64_t>(row[name]) : 0;
      row[name] = before + op->calls(static_cast<ExternWay>(way));
    }
    ops[op->name().c_str()] = row;
  }
  return ops;
}

// Other threads run meanwhile: the bytes do not change, and their owner is kept by the caller.
nb::bytes Propagate(const nb::bytes& module) {
  const absl::string_view bytes = View(module);
  const absl::StatusOr<std::string> response = [&] {
    nb::gil_scoped_release unlocked;
    return PropagateModule(bytes);
  }();
  Check(response.status());
  return Bytes(*response);
}

nb::list ProfilerRows() {
  nb::list rows;
  for (const Profiler::Row& row : Profiler::Shared().rows()) {
    nb::dict d;
    d["graph"] = row.graph;
    d["name"] = row.name;
    d["kind"] = row.is_kernel ? "kernel" : "extern";
    d["nodes"] = row.nodes;
    d["calls"] = row.calls;
    d["seconds"] = 1e-9 * static_cast<double>(row.nanoseconds);
    d["bytes"] = row.bytes;
    d["operations"] = row.operations;
    rows.append(d);
  }
  return rows;
}

// (row, thread, start, duration) each; times in nanoseconds.
nb::list ProfilerEvents() {
  nb::list events;
  for (const Profiler::Event& e : Profiler::Shared().events()) {
    events.append(nb::make_tuple(e.row, e.thread, e.start_nanoseconds, e.nanoseconds));
  }
  return events;
}

// An empty path is no file. `always_revoked` are lines of a revocation list.
std::shared_ptr<Trust> NewTrust(const std::string& keys, const std::string& revoked, const std::string& always_revoked) {
  TrustPolicy always;
  Check(always.revoked.AddText(always_revoked));
  return Unwrap(Trust::Load({.keys = keys, .revoked = revoked}, std::move(always)));
}

}  // namespace
}  // namespace kiln

NB_MODULE(_native, m) {
  using kiln::NativeGraph;
  // Graphs live in closures that PyTorch keeps until the interpreter is gone.
  nb::set_leak_warnings(false);
  kiln::SkipLockOrderChecks();
  m.doc() = "The C++ part of Kiln's host in Python.";
  m.attr("ABI_VERSION") = KILN_ABI_VERSION;
  m.def("initialize", &kiln::Initialize, "Finds PyTorch's C functions. torch must be imported.");
  m.def("tensor_object_path", &kiln::TensorObjectPath);
  m.def("kept_bytes", [] { return kiln::BlockCache::Shared().kept_bytes(); });
  m.def("extern_calls", &kiln::ExternCalls, "Operator -> way -> number of calls.");
  m.def("detect_target",
        [](int threads) { return kiln::Bytes(kiln::DetectTarget(threads).SerializeAsString()); }, "threads"_a);
  m.def("options_digest",
        [](const std::map<std::string, std::string>& given) { return kiln::Bytes(kiln::OptionsDigest(given).bytes()); },
        "given"_a);
  m.def("check_address",
        [](const std::string& address) { kiln::Check(kiln::CheckServerAddress(address, kiln::AddressUse::kDial)); },
        "address"_a, "Raises KilnError for one that nobody can be asked at.");
  m.def("propagate", &kiln::Propagate, "module"_a,
        "From a serialized GraphModule to a serialized PropagateResponse. Raises KilnError.");

  m.def("profiler_enable", [](bool keep_events) { kiln::Profiler::Shared().Enable(keep_events); }, "keep_events"_a,
        "Variants that are loaded from now on are timed, step by step.");
  m.def("profiler_rows", &kiln::ProfilerRows);
  m.def("profiler_events", &kiln::ProfilerEvents, "Tuples of row, thread, start and duration in nanoseconds.");
  m.def("profiler_dropped_events", [] { return kiln::Profiler::Shared().dropped_events(); });
  m.def("profiler_clear", [] { kiln::Profiler::Shared().Clear(); });

  nb::class_<kiln::Trust>(m, "Trust")
      .def(nb::new_(&kiln::NewTrust), "keys"_a, "revoked"_a = "", "always_revoked"_a = "",
           "Files of trusted keys and of revocations, read again when they change. Raises KilnError.")
      .def("__bool__", [](const kiln::Trust& trust) { return !trust.Current()->keys.empty(); })
      .def("reload", [](kiln::Trust& trust) { return kiln::Unwrap(trust.Reload()); },
           "Reads the files now; whether they say something else. Raises KilnError, and then nothing changes.")
      .def_prop_ro("last_error", [](const kiln::Trust& trust) { return std::string(trust.last_error().message()); },
                   "Why the files could not be read the last time, or nothing.");

  nb::class_<NativeGraph>(m, "NativeGraph")
      .def(nb::new_([](const nb::bytes& module, std::vector<std::pair<int, int>> outputs) {
             return kiln::Unwrap(NativeGraph::Create(kiln::View(module), std::move(outputs)));
           }),
           "module"_a, "outputs"_a)
      .def("load", &kiln::Load, "signed_variant"_a, "elf"_a, "options_digest"_a, "domain"_a, "target"_a, "trust"_a)
      .def("__call__", &kiln::Call, "boxed"_a)
      .def("symbol_values",
           [](const NativeGraph& g, const nb::list& boxed) { return kiln::Unwrap(g.SymbolValues(boxed.ptr())); },
           "boxed"_a)
      .def("first_failing_guard", &NativeGraph::FirstFailingGuard, "variant"_a, "symbols"_a)
      .def("variants", &kiln::Variants)
      .def_prop_ro("graph_digest", [](const NativeGraph& g) { return kiln::Bytes(g.graph_digest()); })
      .def_prop_ro("signature_digest", [](const NativeGraph& g) { return kiln::Bytes(g.signature_digest()); })
      .def_prop_ro("symbols", &NativeGraph::symbols)
      .def_prop_ro("hints", &NativeGraph::hints)
      .def_prop_ro("original_symbols", &NativeGraph::original_symbols)
      .def_prop_ro("nodes", &NativeGraph::nodes);
}
