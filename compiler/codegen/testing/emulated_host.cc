#include "compiler/codegen/testing/emulated_host.h"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/codegen/testing/call_file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// A folder for what the emulator reads and writes.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "kiln-emulated-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (!path_.empty()) fs::remove_all(path_);
  }
  std::string File(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

absl::Status Write(const std::string& path, absl::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  return out.flush() ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// Standard output and error of the host with these arguments.
absl::StatusOr<std::string> RunHost(const std::string& processor, const std::string& arguments) {
  const std::string command = absl::StrCat(KILN_QEMU_AARCH64, " -L ", KILN_AARCH64_SYSROOT, " -cpu ", processor, " ",
                                           KILN_AARCH64_HOST, " ", arguments, " 2>&1");
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::InternalError(absl::StrCat("cannot run ", command));
  std::string output;
  char block[4096];
  for (size_t n = 0; (n = fread(block, 1, sizeof(block), pipe)) > 0;) output.append(block, n);
  const int rc = pclose(pipe);
  if (rc == 0) return output;
  return absl::InternalError(absl::StrCat(command, " ends with ", rc, ": ", output));
}

void WriteTensor(const PlainTensor& tensor, int64_t storage, CallFileWriter& out) {
  out.Put(int64_t{kCallFileTensor});
  out.Put(int64_t{GetDTypeRow(tensor.dtype).wire_id});
  out.Put(static_cast<int64_t>(tensor.sizes.size()));
  out.PutAll(tensor.sizes);
  out.PutAll(tensor.strides);
  out.Put(tensor.offset);
  out.Put(storage);
}

// Which storage each input has; inputs that share one in the test share it in the call.
struct Storages {
  std::vector<const PlainTensor*> owners;
  std::vector<int64_t> of_input;
};

Storages StoragesOf(const std::vector<PlainTensor>& inputs) {
  Storages storages;
  std::map<const void*, int64_t> numbers;
  for (const PlainTensor& input : inputs) {
    if (input.storage == nullptr) {
      storages.of_input.push_back(-1);
      continue;
    }
    auto [it, is_new] = numbers.try_emplace(input.storage.get(), static_cast<int64_t>(storages.owners.size()));
    if (is_new) storages.owners.push_back(&input);
    storages.of_input.push_back(it->second);
  }
  return storages;
}

void WriteCall(const EmulatedCall& call, const TestSignature& signature, CallFileWriter& out) {
  out.Put(static_cast<int64_t>(signature.symbols.size()));
  for (const std::string& name : signature.symbols) out.Put(call.symbols.at(name));
  out.Put(static_cast<int64_t>(signature.outputs.size()));
  const Storages storages = StoragesOf(call.inputs);
  out.Put(static_cast<int64_t>(storages.owners.size()));
  for (const PlainTensor* owner : storages.owners) {
    const std::vector<char> bytes = StorageBytes(*owner);
    out.Put(std::string_view(bytes.data(), bytes.size()));
  }
  out.Put(static_cast<int64_t>(call.inputs.size()));
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (storages.of_input[i] >= 0) {
      WriteTensor(call.inputs[i], storages.of_input[i], out);
      continue;
    }
    out.Put(int64_t{kCallFileInt});
    out.Put(call.inputs[i].scalar.i);
  }
}

PlainTensor ReadScalar(CallFileReader& file) {
  PlainTensor out;
  const int64_t kind = file.Int();
  const int64_t bits = file.Int();
  out.scalar.type = kind == KILN_VALUE_FLOAT ? ExprType::kFloat : kind == KILN_VALUE_BOOL ? ExprType::kBool : ExprType::kInt;
  if (kind == KILN_VALUE_FLOAT) {
    std::memcpy(&out.scalar.f, &bits, sizeof(bits));
  } else {
    out.scalar.i = bits;
  }
  return out;
}

PlainTensor ReadTensor(CallFileReader& file) {
  PlainTensor out;
  out.dtype = DTypeFromWireId(static_cast<int>(file.Int())).value_or(DType::kFloat32);
  const int64_t rank = file.Int();
  out.sizes = file.Ints(rank);
  out.strides = file.Ints(rank);
  out.storage = NumbersOf(out.dtype, file.Blob());
  return out;
}

// `call` is the one that this is the result of.
absl::StatusOr<std::vector<PlainTensor>> ReadResult(CallFileReader& file, const TestSignature& signature,
                                                    const EmulatedCall& call) {
  const int64_t status = file.Int();
  const int64_t node = file.Int();
  const std::string message(file.Blob());
  std::vector<PlainTensor> outputs;
  std::vector<bool> made;
  for (int64_t n = file.Int(); n > 0 && file.ok(); --n) {
    const int64_t kind = file.Int();
    made.push_back(kind != kCallFileNotMade);
    outputs.push_back(kind == kCallFileTensor ? ReadTensor(file) : kind == kCallFileScalar ? ReadScalar(file) : PlainTensor());
  }
  std::vector<std::string> storages;
  for (int64_t n = file.Int(); n > 0 && file.ok(); --n) storages.emplace_back(file.Blob());
  if (!file.ok()) return absl::InternalError("the results are cut short");
  if (status != KILN_OK) return absl::InternalError(absl::StrCat("status ", status, " at node ", node, ": ", message));
  const std::vector<int64_t> storage_of_input = StoragesOf(call.inputs).of_input;
  for (size_t i = 0; i < outputs.size(); ++i) {
    using Kind = TestSignature::Output::Kind;
    const TestSignature::Output& output = signature.outputs[i];
    if (output.kind == Kind::kInput) {
      outputs[i] = call.inputs[static_cast<size_t>(output.alias_of)];
      outputs[i].storage = NumbersOf(outputs[i].dtype, storages[static_cast<size_t>(storage_of_input[output.alias_of])]);
    } else if (output.kind != Kind::kNone && !made[i]) {
      return absl::InternalError(absl::StrCat("output ", i, " was not made"));
    }
  }
  return outputs;
}

}  // namespace

absl::StatusOr<std::vector<std::vector<PlainTensor>>> RunEmulated(absl::string_view elf,
                                                                  const TestSignature& signature,
                                                                  const std::vector<EmulatedCall>& calls,
                                                                  const std::string& processor) {
  const Folder folder;
  CallFileWriter file;
  file.Put(static_cast<int64_t>(DTypes().size()));
  for (const DTypeRow& row : DTypes()) {
    file.Put(int64_t{row.wire_id});
    file.Put(int64_t{row.size_bytes});
  }
  file.Put(static_cast<int64_t>(calls.size()));
  for (const EmulatedCall& call : calls) WriteCall(call, signature, file);
  KILN_RETURN_IF_ERROR(Write(folder.File("artifact.so"), elf));
  KILN_RETURN_IF_ERROR(Write(folder.File("calls"), file.bytes()));
  KILN_RETURN_IF_ERROR(RunHost(processor, absl::StrCat(folder.File("artifact.so"), " ", folder.File("calls"), " ",
                                                       folder.File("results")))
                           .status());
  const std::string bytes = Read(folder.File("results"));
  CallFileReader results(bytes);
  if (results.Int() != static_cast<int64_t>(calls.size())) return absl::InternalError("not every call has a result");
  std::vector<std::vector<PlainTensor>> outputs;
  for (const EmulatedCall& call : calls) {
    KILN_ASSIGN_OR_RETURN(outputs.emplace_back(), ReadResult(results, signature, call));
  }
  return outputs;
}

absl::StatusOr<std::string> DetectEmulated(const std::string& processor) { return RunHost(processor, "--features"); }

}  // namespace kiln
