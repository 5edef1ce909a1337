#include <cpuid.h>

#include <algorithm>
#include <cstdint>

#include "clients/runtime/detect_isa.h"

namespace kiln {
namespace {

enum Register { kEax, kEbx, kEcx, kEdx };

// Register state that the operating system must save before a feature is usable:
// bits of XCR0.
constexpr uint32_t kNoState = 0;
constexpr uint32_t kAvxState = 0x6;
constexpr uint32_t kAvx512State = 0xe6;
constexpr uint32_t kAmxState = 0x60000;

struct FeatureRow {
  const char* name;  // LLVM's
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  int bit;
  uint32_t state;
};

// Sorted by name. Source: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
constexpr FeatureRow kFeatures[] = {
    {"adx", 7, 0, kEbx, 19, kNoState},
    {"aes", 1, 0, kEcx, 25, kNoState},
    {"amx-bf16", 7, 0, kEdx, 22, kAmxState},
    {"amx-int8", 7, 0, kEdx, 25, kAmxState},
    {"amx-tile", 7, 0, kEdx, 24, kAmxState},
    {"avx", 1, 0, kEcx, 28, kAvxState},
    {"avx2", 7, 0, kEbx, 5, kAvxState},
    {"avx512bf16", 7, 1, kEax, 5, kAvx512State},
    {"avx512bitalg", 7, 0, kEcx, 12, kAvx512State},
    {"avx512bw", 7, 0, kEbx, 30, kAvx512State},
    {"avx512cd", 7, 0, kEbx, 28, kAvx512State},
    {"avx512dq", 7, 0, kEbx, 17, kAvx512State},
    {"avx512f", 7, 0, kEbx, 16, kAvx512State},
    {"avx512fp16", 7, 0, kEdx, 23, kAvx512State},
    {"avx512ifma", 7, 0, kEbx, 21, kAvx512State},
    {"avx512vbmi", 7, 0, kEcx, 1, kAvx512State},
    {"avx512vbmi2", 7, 0, kEcx, 6, kAvx512State},
    {"avx512vl", 7, 0, kEbx, 31, kAvx512State},
    {"avx512vnni", 7, 0, kEcx, 11, kAvx512State},
    {"avx512vpopcntdq", 7, 0, kEcx, 14, kAvx512State},
    {"avxvnni", 7, 1, kEax, 4, kAvxState},
    {"bmi", 7, 0, kEbx, 3, kNoState},
    {"bmi2", 7, 0, kEbx, 8, kNoState},
    {"cmov", 1, 0, kEdx, 15, kNoState},
    {"cx16", 1, 0, kEcx, 13, kNoState},
    {"cx8", 1, 0, kEdx, 8, kNoState},
    {"f16c", 1, 0, kEcx, 29, kAvxState},
    {"fma", 1, 0, kEcx, 12, kAvxState},
    {"fxsr", 1, 0, kEdx, 24, kNoState},
    {"gfni", 7, 0, kEcx, 8, kNoState},
    {"lzcnt", 0x80000001, 0, kEcx, 5, kNoState},
    {"mmx", 1, 0, kEdx, 23, kNoState},
    {"movbe", 1, 0, kEcx, 22, kNoState},
    {"pclmul", 1, 0, kEcx, 1, kNoState},
    {"popcnt", 1, 0, kEcx, 23, kNoState},
    {"sahf", 0x80000001, 0, kEcx, 0, kNoState},
    {"sse", 1, 0, kEdx, 25, kNoState},
    {"sse2", 1, 0, kEdx, 26, kNoState},
    {"sse3", 1, 0, kEcx, 0, kNoState},
    {"sse4.1", 1, 0, kEcx, 19, kNoState},
    {"sse4.2", 1, 0, kEcx, 20, kNoState},
    {"sse4a", 0x80000001, 0, kEcx, 6, kNoState},
    {"ssse3", 1, 0, kEcx, 9, kNoState},
    {"vaes", 7, 0, kEcx, 9, kAvxState},
    {"vpclmulqdq", 7, 0, kEcx, 10, kAvxState},
    {"xsave", 1, 0, kEcx, 26, kNoState},
};

uint32_t EnabledState() {
  uint32_t r[4] = {};
  if (!__get_cpuid(1, &r[kEax], &r[kEbx], &r[kEcx], &r[kEdx])) return 0;
  constexpr uint32_t kOsXsave = 1u << 27;
  if ((r[kEcx] & kOsXsave) == 0) return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool Has(const FeatureRow& row, uint32_t enabled_state) {
  if ((enabled_state & row.state) != row.state) return false;
  uint32_t r[4] = {};
  if (!__get_cpuid_count(row.leaf, row.subleaf, &r[kEax], &r[kEbx], &r[kEcx], &r[kEdx])) return false;
  return (r[row.reg] >> row.bit) & 1;
}

bool Lists(const DetectedIsa& isa, const char* feature) {
  return std::find(isa.features.begin(), isa.features.end(), feature) != isa.features.end();
}

int VectorBits(const DetectedIsa& isa) {
  // 512 is worth it where every element type has its operations.
  if (Lists(isa, "avx512vl") && Lists(isa, "avx512bw") && Lists(isa, "avx512dq")) return 512;
  return Lists(isa, "avx") ? 256 : 128;
}

}  // namespace

DetectedIsa DetectIsa() {
  DetectedIsa isa;
  isa.arch = "x86_64";
  const uint32_t enabled_state = EnabledState();
  for (const FeatureRow& row : kFeatures) {
    if (Has(row, enabled_state)) isa.features.push_back(row.name);
  }
  isa.vector_bits = VectorBits(isa);
  return isa;
}

}  // namespace kiln
