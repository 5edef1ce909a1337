// A host for artifacts of another processor, for qemu-user to run:
//
//   qemu-aarch64 -L /usr/aarch64-linux-gnu aarch64_host ARTIFACT CALLS RESULTS
//
// loads the artifact and makes the calls of a file (call_file.h), one after the
// other, ranges of parallel loops from the last to the first.
// `aarch64_host --features` prints what DetectIsa finds instead.
#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients/runtime/detect_isa.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/testing/call_file.h"
#include "compiler/codegen/testing/guarded_bytes.h"

namespace {

using kiln::CallFileReader;
using kiln::CallFileWriter;
using kiln::GuardedBytes;

// Bytes of an element, by wire id.
using ElementSizes = std::map<int32_t, int64_t>;

struct OutputTensor {
  GuardedBytes bytes;
  std::vector<int64_t> sizes, strides;
  KilnTensor tensor = {};
};

int64_t ExtentOf(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

}  // namespace

struct KilnContext {
  const ElementSizes* element_sizes = nullptr;
  int64_t node = -2;
  std::string message;
  std::map<int32_t, std::unique_ptr<OutputTensor>> outputs;
  std::map<int32_t, KilnValue> scalars;

  bool IsMade(int32_t index) const { return outputs.count(index) + scalars.count(index) > 0; }

  static void* Allocate(KilnContext*, int32_t, uint64_t bytes) {
    void* memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    std::memset(memory, 0x5a, bytes);
    return memory;
  }
  static void Free(KilnContext*, int32_t, void* memory) { free(memory); }

  static std::unique_ptr<OutputTensor> MakeTensor(int32_t rank, const int64_t* sizes, const int64_t* strides) {
    auto out = std::make_unique<OutputTensor>();
    out->sizes.assign(sizes, sizes + rank);
    out->strides.assign(strides, strides + rank);
    out->tensor.sizes = out->sizes.data();
    out->tensor.strides = out->strides.data();
    out->tensor.rank = rank;
    return out;
  }
  static int32_t NewOutput(KilnContext* c, int32_t index, int32_t dtype, int32_t rank, const int64_t* sizes,
                           const int64_t* strides, KilnTensor* out) {
    if (c->IsMade(index)) return KILN_ERROR_HOST;
    std::unique_ptr<OutputTensor> made = MakeTensor(rank, sizes, strides);
    made->bytes = GuardedBytes(ExtentOf(made->sizes, made->strides) * c->element_sizes->at(dtype), '\x5a');
    made->tensor.dtype = dtype;
    made->tensor.data = made->tensor.storage = made->bytes.data();
    *out = made->tensor;
    c->outputs[index] = std::move(made);
    return KILN_OK;
  }
  static int32_t ViewOutput(KilnContext* c, int32_t index, const KilnTensor* base, int32_t rank, const int64_t* sizes,
                            const int64_t* strides, int64_t storage_offset) {
    if (c->IsMade(index)) return KILN_ERROR_HOST;
    std::unique_ptr<OutputTensor> made = MakeTensor(rank, sizes, strides);
    made->tensor.dtype = base->dtype;
    made->tensor.storage = base->storage;
    made->tensor.storage_offset = storage_offset;
    made->tensor.data = static_cast<char*>(base->storage) + storage_offset * c->element_sizes->at(base->dtype);
    c->outputs[index] = std::move(made);
    return KILN_OK;
  }
  static int32_t ScalarOutput(KilnContext* c, int32_t index, const KilnValue* value) {
    if (c->IsMade(index)) return KILN_ERROR_HOST;
    c->scalars[index] = *value;
    return KILN_OK;
  }
  static void ReleaseInput(KilnContext*, int32_t) {}
  static void ReleaseResult(KilnContext*, void*) {}
  static void ParallelFor(KilnContext*, int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) {
    for (int64_t i = begin + (end - 1 - begin) / grain * grain; i >= begin; i -= grain) {
      fn(closure, i, std::min(end, i + grain));
    }
  }
  static uint64_t RandomSeed(KilnContext*) { return 0x123456789abcdef0; }
  static void SetError(KilnContext* c, int32_t node, const char* message) {
    c->node = node;
    c->message = message;
  }
};

namespace {

// What a call is made of, in memory of its own that ends where nobody may look.
struct Call {
  std::vector<int64_t> symbols;
  std::vector<GuardedBytes> storages;
  std::vector<size_t> storage_bytes;
  std::vector<std::vector<int64_t>> dims;
  std::vector<KilnTensor> tensors;
  std::vector<KilnValue> inputs;
  int32_t num_outputs = 0;
};

void ReadTensor(CallFileReader& file, const ElementSizes& element_sizes, Call& call, KilnTensor& tensor) {
  tensor.dtype = static_cast<int32_t>(file.Int());
  tensor.rank = static_cast<int32_t>(file.Int());
  call.dims.push_back(file.Ints(tensor.rank));
  tensor.sizes = call.dims.back().data();
  call.dims.push_back(file.Ints(tensor.rank));
  tensor.strides = call.dims.back().data();
  tensor.storage_offset = file.Int();
  char* storage = call.storages.at(static_cast<size_t>(file.Int())).data();
  tensor.storage = storage;
  tensor.data = storage + tensor.storage_offset * element_sizes.at(tensor.dtype);
  tensor.handle = &tensor;
}

Call ReadCall(CallFileReader& file, const ElementSizes& element_sizes) {
  Call call;
  call.symbols = file.Ints(file.Int());
  call.num_outputs = static_cast<int32_t>(file.Int());
  for (int64_t n = file.Int(); n > 0 && file.ok(); --n) {
    const std::string_view bytes = file.Blob();
    call.storages.emplace_back(bytes);
    call.storage_bytes.push_back(bytes.size());
  }
  const size_t num_inputs = static_cast<size_t>(file.Int());
  call.tensors.resize(num_inputs);
  call.inputs.resize(num_inputs);
  // Tensors point into them.
  call.dims.reserve(2 * num_inputs);
  for (size_t i = 0; i < num_inputs && file.ok(); ++i) {
    if (file.Int() == kiln::kCallFileInt) {
      call.inputs[i].kind = KILN_VALUE_INT;
      call.inputs[i].u.i = file.Int();
      continue;
    }
    ReadTensor(file, element_sizes, call, call.tensors[i]);
    call.inputs[i].kind = KILN_VALUE_TENSOR;
    call.inputs[i].u.tensor = &call.tensors[i];
  }
  return call;
}

void WriteOutput(const KilnContext& context, int32_t index, CallFileWriter& out) {
  if (auto scalar = context.scalars.find(index); scalar != context.scalars.end()) {
    out.Put(int64_t{kiln::kCallFileScalar});
    out.Put(int64_t{scalar->second.kind});
    out.Put(scalar->second.u.i);
    return;
  }
  auto found = context.outputs.find(index);
  if (found == context.outputs.end()) {
    out.Put(int64_t{kiln::kCallFileNotMade});
    return;
  }
  const OutputTensor& made = *found->second;
  out.Put(int64_t{kiln::kCallFileTensor});
  out.Put(int64_t{made.tensor.dtype});
  out.Put(static_cast<int64_t>(made.sizes.size()));
  out.PutAll(made.sizes);
  out.PutAll(made.strides);
  const int64_t bytes = ExtentOf(made.sizes, made.strides) * context.element_sizes->at(made.tensor.dtype);
  out.Put(std::string_view(static_cast<const char*>(made.tensor.data), static_cast<size_t>(bytes)));
}

void MakeCall(KilnEntry entry, const Call& call, const ElementSizes& element_sizes, CallFileWriter& out) {
  KilnContext context;
  context.element_sizes = &element_sizes;
  KilnHost host = {};
  host.struct_bytes = sizeof(host);
  host.abi_version = KILN_ABI_VERSION;
  host.allocate = KilnContext::Allocate;
  host.free = KilnContext::Free;
  host.new_output = KilnContext::NewOutput;
  host.view_output = KilnContext::ViewOutput;
  host.scalar_output = KilnContext::ScalarOutput;
  host.release_input = KilnContext::ReleaseInput;
  host.release_result = KilnContext::ReleaseResult;
  host.parallel_for = KilnContext::ParallelFor;
  host.random_seed = KilnContext::RandomSeed;
  host.set_error = KilnContext::SetError;
  const KilnCall args = {sizeof(KilnCall), call.inputs.data(), static_cast<int32_t>(call.inputs.size()),
                         call.num_outputs, call.symbols.data()};
  const int32_t rc = entry(&host, &context, &args);
  out.Put(int64_t{rc});
  out.Put(context.node);
  out.Put(context.message);
  out.Put(int64_t{call.num_outputs});
  for (int32_t i = 0; i < call.num_outputs; ++i) WriteOutput(context, i, out);
  out.Put(static_cast<int64_t>(call.storages.size()));
  for (size_t i = 0; i < call.storages.size(); ++i) {
    out.Put(std::string_view(call.storages[i].data(), call.storage_bytes[i]));
  }
}

int Fail(const std::string& what) {
  std::fprintf(stderr, "aarch64_host: %s\n", what.c_str());
  return 1;
}

int PrintFeatures() {
  const kiln::DetectedIsa isa = kiln::DetectIsa();
  std::printf("%s %d", isa.arch.c_str(), isa.vector_bits);
  for (const std::string& feature : isa.features) std::printf(" %s", feature.c_str());
  std::printf("\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--features") return PrintFeatures();
  if (argc != 4) return Fail("usage: aarch64_host ARTIFACT CALLS RESULTS");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Fail(dlerror());
  auto entry = reinterpret_cast<KilnEntry>(dlsym(library, KILN_ENTRY_SYMBOL));
  if (entry == nullptr) return Fail(dlerror());
  std::ifstream in(argv[2], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  CallFileReader file(bytes);
  ElementSizes element_sizes;
  for (int64_t n = file.Int(); n > 0 && file.ok(); --n) {
    const int64_t wire_id = file.Int();
    element_sizes[static_cast<int32_t>(wire_id)] = file.Int();
  }
  CallFileWriter results;
  const int64_t num_calls = file.Int();
  results.Put(num_calls);
  for (int64_t i = 0; i < num_calls; ++i) {
    const Call call = ReadCall(file, element_sizes);
    if (!file.ok()) return Fail("the calls are cut short");
    MakeCall(entry, call, element_sizes, results);
  }
  std::ofstream out(argv[3], std::ios::binary);
  out << results.bytes();
  return out.flush() ? 0 : Fail("the results cannot be written");
}
