#include "compiler/codegen/testing/test_target.h"

#include <algorithm>

#include "compiler/codegen/isa_table.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace kiln {

v1::Target TestTarget(int max_vector_bits) {
  v1::Target target;
  target.set_arch("x86_64");
  const llvm::StringMap<bool, llvm::MallocAllocator> features = llvm::sys::getHostCPUFeatures();
  for (const IsaFeatureRow& row : IsaFeatureRows()) {
    if (row.arch == target.arch() && features.lookup(llvm::StringRef(row.name.data(), row.name.size()))) target.add_features(std::string(row.name));
  }
  const int widest = features.lookup("avx512f") ? 512 : features.lookup("avx2") ? 256 : 128;
  target.set_vector_bits(std::min(widest, max_vector_bits));
  target.set_device_type("cpu");
  target.set_threads(2);
  return target;
}

}  // namespace kiln
