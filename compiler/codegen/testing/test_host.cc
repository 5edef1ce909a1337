#include "compiler/codegen/testing/test_host.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/codegen/testing/guarded_bytes.h"
#include "compiler/loops/testing/plain_arithmetic.h"
#include "compiler/loops/testing/plain_philox.h"

namespace kiln {
namespace {

// A tensor's memory in the host.
struct HostStorage {
  GuardedBytes bytes;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  DType dtype = DType::kFloat32;
  int64_t offset = 0;
};

uint16_t HalfBits(double v) {
  _Float16 half = static_cast<_Float16>(v);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

double FromHalfBits(uint16_t bits) {
  _Float16 half;
  std::memcpy(&half, &bits, 2);
  return static_cast<double>(half);
}

uint16_t BFloat16Bits(double v) {
  float f = static_cast<float>(v);
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if (std::isnan(f)) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

double FromBFloat16Bits(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float f;
  std::memcpy(&f, &wide, 4);
  return f;
}

void Encode(DType dtype, const PlainNumber& n, char* out) {
  const int bytes = DTypeSizeBytes(dtype);
  if (dtype == DType::kFloat64) {
    std::memcpy(out, &n.f, 8);
  } else if (dtype == DType::kFloat32) {
    float f = static_cast<float>(n.f);
    std::memcpy(out, &f, 4);
  } else if (dtype == DType::kFloat16 || dtype == DType::kBFloat16) {
    uint16_t bits = dtype == DType::kFloat16 ? HalfBits(n.f) : BFloat16Bits(n.f);
    std::memcpy(out, &bits, 2);
  } else {
    std::memcpy(out, &n.i, static_cast<size_t>(bytes));
  }
}

PlainNumber Decode(DType dtype, const char* in) {
  PlainNumber n;
  const int bytes = DTypeSizeBytes(dtype);
  if (dtype == DType::kFloat64) {
    std::memcpy(&n.f, in, 8);
  } else if (dtype == DType::kFloat32) {
    float f;
    std::memcpy(&f, in, 4);
    n.f = f;
  } else if (dtype == DType::kFloat16 || dtype == DType::kBFloat16) {
    uint16_t bits;
    std::memcpy(&bits, in, 2);
    n.f = dtype == DType::kFloat16 ? FromHalfBits(bits) : FromBFloat16Bits(bits);
  } else {
    std::memcpy(&n.i, in, static_cast<size_t>(bytes));
    const bool is_signed = dtype == DType::kInt8 || dtype == DType::kInt16 || dtype == DType::kInt32;
    if (is_signed) n.i = n.i << (64 - 8 * bytes) >> (64 - 8 * bytes);
  }
  return n;
}

// 1 + the largest index that sizes and strides reach.
int64_t ExtentOf(absl::Span<const int64_t> sizes, absl::Span<const int64_t> strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

KilnTensor View(HostStorage& s) {
  KilnTensor t = {};
  t.storage = s.bytes.data();
  t.data = s.bytes.data() + s.offset * DTypeSizeBytes(s.dtype);
  t.sizes = s.sizes.data();
  t.strides = s.strides.data();
  t.rank = static_cast<int32_t>(s.sizes.size());
  t.dtype = GetDTypeRow(s.dtype).wire_id;
  t.storage_offset = s.offset;
  t.handle = &s;
  return t;
}

}  // namespace

std::vector<char> StorageBytes(const PlainTensor& tensor) {
  const int bytes = DTypeSizeBytes(tensor.dtype);
  std::vector<char> out(tensor.storage->size() * bytes);
  for (size_t i = 0; i < tensor.storage->size(); ++i) {
    Encode(tensor.dtype, (*tensor.storage)[i], out.data() + i * bytes);
  }
  return out;
}

std::shared_ptr<std::vector<PlainNumber>> NumbersOf(DType dtype, std::string_view bytes) {
  auto numbers = std::make_shared<std::vector<PlainNumber>>();
  const size_t size = static_cast<size_t>(DTypeSizeBytes(dtype));
  for (size_t at = 0; at + size <= bytes.size(); at += size) numbers->push_back(Decode(dtype, bytes.data() + at));
  return numbers;
}

absl::StatusOr<TestArtifact> TestArtifact::Load(absl::string_view elf) {
  const int fd = memfd_create("artifact", MFD_CLOEXEC);
  if (write(fd, elf.data(), elf.size()) != static_cast<ssize_t>(elf.size())) return absl::InternalError("short write");
  // dlopen knows libraries by their path, and descriptors are reused: copies
  // under new names keep two artifacts apart.
  static std::atomic<int> next{0};
  const std::string link = absl::StrCat("/tmp/kiln-test-", getpid(), "-", next++, ".so");
  if (symlink(absl::StrCat("/proc/self/fd/", fd).c_str(), link.c_str()) != 0) return absl::InternalError("symlink");
  void* library = dlopen(link.c_str(), RTLD_NOW | RTLD_LOCAL);
  unlink(link.c_str());
  if (library == nullptr) {
    close(fd);
    return absl::InternalError(dlerror());
  }
  TestArtifact artifact;
  // The descriptor stays open, so that its number, and with it the path, is not
  // given to another artifact meanwhile.
  artifact.library_ = std::shared_ptr<void>(library, [fd](void* p) {
    dlclose(p);
    close(fd);
  });
  artifact.entry_ = reinterpret_cast<KilnEntry>(dlsym(library, KILN_ENTRY_SYMBOL));
  if (artifact.entry_ == nullptr) return absl::InternalError(dlerror());
  return artifact;
}

}  // namespace kiln

struct KilnContext : kiln::TestCall {
  kiln::TestHost* host = nullptr;
  std::string message;
  int node = -2;
  std::vector<std::unique_ptr<kiln::HostStorage>> storages;
  std::vector<KilnTensor> outputs;
  std::vector<bool> made;
  std::vector<kiln::ScalarValue> scalars;
  // Extern results by handle.
  std::map<void*, std::unique_ptr<kiln::HostStorage>> results;
  // Sizes and strides of view outputs.
  std::vector<std::unique_ptr<std::vector<int64_t>>> dims;
  std::mutex mutex;

  kiln::HostStorage* NewStorage(int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides) {
    auto storage = std::make_unique<kiln::HostStorage>();
    storage->dtype = *kiln::DTypeFromWireId(dtype);
    storage->sizes.assign(sizes, sizes + rank);
    storage->strides.assign(strides, strides + rank);
    const int64_t extent = kiln::ExtentOf(storage->sizes, storage->strides);
    storage->bytes = kiln::GuardedBytes(static_cast<size_t>(extent * kiln::DTypeSizeBytes(storage->dtype)), '\x5a');
    storages.push_back(std::move(storage));
    return storages.back().get();
  }

  void MakeResult(KilnTensor& out) override {
    kiln::HostStorage* storage = NewStorage(out.dtype, out.rank, out.sizes, out.strides);
    out = kiln::View(*storage);
    results[storage] = std::move(storages.back());
    storages.pop_back();
    ++host->live_results_;
  }

  // --- the table's functions

  static void* Allocate(KilnContext* c, int32_t device, uint64_t bytes) {
    if (c->host->out_of_memory_ || device != 0) return nullptr;
    ++c->host->live_allocations_;
    void* memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    // Garbage, so that code that reads before it writes is found.
    std::memset(memory, 0x5a, bytes);
    return memory;
  }
  static void Free(KilnContext* c, int32_t, void* memory) {
    --c->host->live_allocations_;
    free(memory);
  }
  static int32_t NewOutput(KilnContext* c, int32_t index, int32_t dtype, int32_t rank, const int64_t* sizes,
                           const int64_t* strides, KilnTensor* out) {
    if (c->made[index]) return KILN_ERROR_HOST;
    *out = kiln::View(*c->NewStorage(dtype, rank, sizes, strides));
    c->outputs[index] = *out;
    c->made[index] = true;
    return KILN_OK;
  }
  static int32_t ViewOutput(KilnContext* c, int32_t index, const KilnTensor* base, int32_t rank, const int64_t* sizes,
                            const int64_t* strides, int64_t storage_offset) {
    if (c->made[index]) return KILN_ERROR_HOST;
    c->dims.push_back(std::make_unique<std::vector<int64_t>>(sizes, sizes + rank));
    KilnTensor view = *base;
    view.sizes = c->dims.back()->data();
    c->dims.push_back(std::make_unique<std::vector<int64_t>>(strides, strides + rank));
    view.strides = c->dims.back()->data();
    view.rank = rank;
    view.storage_offset = storage_offset;
    const int bytes = kiln::DTypeSizeBytes(*kiln::DTypeFromWireId(base->dtype));
    view.data = static_cast<char*>(base->storage) + storage_offset * bytes;
    c->outputs[index] = view;
    c->made[index] = true;
    // The view keeps an extern result alive.
    auto result = c->results.find(base->handle);
    if (result != c->results.end() && result->second != nullptr) c->storages.push_back(std::move(result->second));
    return KILN_OK;
  }
  static int32_t ScalarOutput(KilnContext* c, int32_t index, const KilnValue* value) {
    if (c->made[index]) return KILN_ERROR_HOST;
    c->made[index] = true;
    kiln::ScalarValue& scalar = c->scalars[index];
    if (value->kind == KILN_VALUE_FLOAT) {
      scalar.type = kiln::ExprType::kFloat;
      scalar.f = value->u.f;
    } else {
      scalar.type = value->kind == KILN_VALUE_BOOL ? kiln::ExprType::kBool : kiln::ExprType::kInt;
      scalar.i = value->u.i;
    }
    return KILN_OK;
  }
  static void ReleaseInput(KilnContext* c, int32_t index) { c->host->released_inputs_.push_back(index); }
  static void ReleaseResult(KilnContext* c, void* handle) {
    --c->host->live_results_;
    c->results.erase(handle);
  }
  static void ParallelFor(KilnContext* c, int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) {
    ++c->host->num_parallel_calls_;
    if (c->host->threads_ <= 1) {
      // In pieces and from the end, so that an order that code relies on shows.
      for (int64_t i = begin + (end - 1 - begin) / grain * grain; i >= begin; i -= grain) {
        fn(closure, i, std::min(end, i + grain));
      }
      return;
    }
    std::atomic<int64_t> next{begin};
    std::vector<std::thread> threads;
    for (int t = 0; t < c->host->threads_; ++t) {
      threads.emplace_back([&] {
        for (int64_t i = next.fetch_add(grain); i < end; i = next.fetch_add(grain)) {
          fn(closure, i, std::min(end, i + grain));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  static uint64_t RandomSeed(KilnContext*) { return kiln::kTestSeed; }
  static void SetError(KilnContext* c, int32_t node, const char* message) {
    c->node = node;
    c->message = message;
  }
  static void KernelBegin(KilnContext* c, int32_t kernel) {
    ++c->host->open_kernels_;
    c->host->kernels_.push_back(kernel);
  }
  static void KernelEnd(KilnContext* c, int32_t) { --c->host->open_kernels_; }
  static int32_t Extern(KilnContext* c, int32_t index, const KilnValue* args, int32_t num_args, KilnTensor* outs,
                        int32_t num_outs) {
    return c->host->ops_[index](*c, absl::MakeSpan(args, static_cast<size_t>(num_args)),
                                absl::MakeSpan(outs, static_cast<size_t>(num_outs)));
  }
};

namespace kiln {
namespace {

PlainTensor ReadTensor(const KilnTensor& t) {
  PlainTensor out;
  out.dtype = *DTypeFromWireId(t.dtype);
  out.sizes.assign(t.sizes, t.sizes + t.rank);
  out.strides.assign(t.strides, t.strides + t.rank);
  const int64_t bytes = ExtentOf(out.sizes, out.strides) * DTypeSizeBytes(out.dtype);
  out.storage = NumbersOf(out.dtype, {static_cast<const char*>(t.data), static_cast<size_t>(bytes)});
  return out;
}

}  // namespace

TestSignature TestSignature::Of(const LoopProgram& program) {
  TestSignature signature;
  signature.symbols = program.symbols;
  for (const OutputBinding& binding : program.outputs) {
    Output& output = signature.outputs.emplace_back();
    output.alias_of = binding.alias_of;
    if (binding.kind == OutputBinding::Kind::kNone) output.kind = Output::Kind::kNone;
    if (binding.kind == OutputBinding::Kind::kInput) output.kind = Output::Kind::kInput;
    if (binding.kind == OutputBinding::Kind::kScalar) output.kind = Output::Kind::kScalar;
  }
  return signature;
}

TestSignature TestSignature::Of(const v1::Manifest& manifest) {
  TestSignature signature;
  signature.symbols.assign(manifest.symbols().begin(), manifest.symbols().end());
  for (const v1::ManifestOutput& made : manifest.outputs()) {
    Output& output = signature.outputs.emplace_back();
    output.alias_of = made.alias_of();
    if (made.kind() == v1::ManifestOutput::KIND_NONE) output.kind = Output::Kind::kNone;
    if (made.kind() == v1::ManifestOutput::KIND_INPUT) output.kind = Output::Kind::kInput;
    if (made.has_sym_value()) output.kind = Output::Kind::kScalar;
  }
  return signature;
}

absl::StatusOr<std::vector<PlainTensor>> TestHost::Run(const TestArtifact& artifact, const TestSignature& signature,
                                                       const std::vector<PlainTensor>& inputs,
                                                       const std::map<std::string, int64_t>& symbols) {
  KilnContext context;
  context.host = this;
  const size_t num_outputs = signature.outputs.size();
  context.outputs.resize(num_outputs);
  context.made.resize(num_outputs);
  context.scalars.resize(num_outputs);
  std::vector<KilnExternFn> ops(ops_.size(), KilnContext::Extern);
  const KilnHost host = {sizeof(KilnHost),
                         KILN_ABI_VERSION,
                         static_cast<uint32_t>(ops.size()),
                         ops.data(),
                         KilnContext::Allocate,
                         KilnContext::Free,
                         KilnContext::NewOutput,
                         KilnContext::ViewOutput,
                         KilnContext::ScalarOutput,
                         KilnContext::ReleaseInput,
                         KilnContext::ReleaseResult,
                         KilnContext::ParallelFor,
                         KilnContext::RandomSeed,
                         KilnContext::SetError,
                         KilnContext::KernelBegin,
                         KilnContext::KernelEnd};
  // Inputs that share a storage in the test share it in the call.
  std::map<const void*, GuardedBytes> shared;
  std::vector<HostStorage> layouts(inputs.size());
  std::vector<KilnTensor> tensors(inputs.size());
  std::vector<KilnValue> values(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const PlainTensor& input = inputs[i];
    if (input.storage == nullptr) {
      values[i].kind = KILN_VALUE_INT;
      values[i].u.i = input.scalar.i;
      continue;
    }
    GuardedBytes& bytes = shared[input.storage.get()];
    if (bytes.data() == nullptr) {
      const std::vector<char> content = StorageBytes(input);
      bytes = GuardedBytes({content.data(), content.size()});
    }
    layouts[i].sizes = input.sizes;
    layouts[i].strides = input.strides;
    layouts[i].dtype = input.dtype;
    layouts[i].offset = input.offset;
    tensors[i] = View(layouts[i]);
    tensors[i].storage = bytes.data();
    tensors[i].data = bytes.data() + input.offset * DTypeSizeBytes(input.dtype);
    values[i].kind = KILN_VALUE_TENSOR;
    values[i].u.tensor = &tensors[i];
  }
  std::vector<int64_t> symbol_values;
  for (const std::string& name : signature.symbols) symbol_values.push_back(symbols.at(name));
  const KilnCall call = {sizeof(KilnCall), values.data(), static_cast<int32_t>(values.size()),
                         static_cast<int32_t>(num_outputs), symbol_values.data()};
  const int32_t rc = artifact.entry()(&host, &context, &call);
  if (rc != KILN_OK) {
    return absl::InternalError(absl::StrCat("status ", rc, " at node ", context.node, ": ", context.message));
  }
  std::vector<PlainTensor> out;
  for (size_t i = 0; i < num_outputs; ++i) {
    using Kind = TestSignature::Output::Kind;
    const TestSignature::Output& output = signature.outputs[i];
    if (output.kind == Kind::kNone) {
      out.emplace_back();
    } else if (output.kind == Kind::kInput) {
      out.push_back(ReadTensor(tensors[output.alias_of]));
    } else if (!context.made[i]) {
      return absl::InternalError(absl::StrCat("output ", i, " was not made"));
    } else if (output.kind == Kind::kScalar) {
      out.emplace_back();
      out.back().scalar = context.scalars[i];
    } else {
      out.push_back(ReadTensor(context.outputs[i]));
    }
  }
  return out;
}

}  // namespace kiln
