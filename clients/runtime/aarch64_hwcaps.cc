#include "clients/runtime/aarch64_hwcaps.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr uint64_t Bit(int i) { return uint64_t{1} << i; }

constexpr uint64_t kSve = Bit(22);
constexpr uint64_t kSveBf16 = Bit(12);

struct HwcapRow {
  const char* name;  // LLVM's
  uint64_t hwcap;
  uint64_t hwcap2;
};

// LLVM's features are some of Linux's together: "aes" is AES and PMULL, "fullfp16"
// is FPHP and ASIMDHP, "sha2" has SHA1, "sha3" has SHA512. Source: Linux,
// arch/arm64/include/uapi/asm/hwcap.h.
constexpr HwcapRow kRows[] = {
    {"aes", Bit(3) | Bit(4), 0},
    {"bf16", 0, Bit(14)},
    {"complxnum", Bit(14), 0},
    {"crc", Bit(7), 0},
    {"dotprod", Bit(20), 0},
    {"f32mm", 0, Bit(10)},
    {"f64mm", 0, Bit(11)},
    {"fp-armv8", Bit(0), 0},
    {"fp16fml", Bit(23), 0},
    {"fullfp16", Bit(9) | Bit(10), 0},
    {"i8mm", 0, Bit(13)},
    {"jsconv", Bit(13), 0},
    {"lse", Bit(8), 0},
    {"neon", Bit(1), 0},
    {"rcpc", Bit(15), 0},
    {"rdm", Bit(12), 0},
    {"sha2", Bit(5) | Bit(6), 0},
    {"sha3", Bit(17) | Bit(21), 0},
    {"sve", kSve, 0},
    {"sve2", 0, Bit(1)},
};

// The lengths that code is made for have names.
constexpr int kSveLengths[] = {128, 256, 512};

}  // namespace

DetectedIsa DescribeAArch64(uint64_t hwcap, uint64_t hwcap2, int sve_bits) {
  DetectedIsa isa;
  isa.arch = "aarch64";
  // LLVM's bf16 has SVE's conversions too, where there is SVE.
  if ((hwcap & kSve) != 0 && (hwcap2 & kSveBf16) == 0) hwcap2 &= ~Bit(14);
  for (const HwcapRow& row : kRows) {
    if ((hwcap & row.hwcap) == row.hwcap && (hwcap2 & row.hwcap2) == row.hwcap2) isa.features.push_back(row.name);
  }
  const bool has_name = std::count(std::begin(kSveLengths), std::end(kSveLengths), sve_bits) > 0;
  if ((hwcap & kSve) != 0 && has_name) {
    isa.features.push_back("sve" + std::to_string(sve_bits));
    isa.vector_bits = sve_bits;
  }
  std::sort(isa.features.begin(), isa.features.end());
  return isa;
}

}  // namespace kiln
