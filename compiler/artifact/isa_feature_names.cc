#include "compiler/artifact/isa_feature_names.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

// Sources: LLVM's AArch64Features.td and X86.td; Linux's arch/arm64/kernel/cpuinfo.c
// and arch/x86/include/asm/cpufeatures.h. The sveN are ours: LLVM has the length
// of the registers as an attribute of functions, Linux as a number of the process.
constexpr IsaFeatureName kNames[] = {
    {"aarch64", "aes", "aes"},
    {"aarch64", "bf16", "bf16"},
    {"aarch64", "complxnum", "fcma"},
    {"aarch64", "crc", "crc32"},
    {"aarch64", "dotprod", "asimddp"},
    {"aarch64", "f32mm", "svef32mm"},
    {"aarch64", "f64mm", "svef64mm"},
    {"aarch64", "fp-armv8", "fp"},
    {"aarch64", "fp16fml", "asimdfhm"},
    {"aarch64", "fullfp16", "asimdhp"},
    {"aarch64", "i8mm", "i8mm"},
    {"aarch64", "jsconv", "jscvt"},
    {"aarch64", "lse", "atomics"},
    {"aarch64", "neon", "asimd"},
    {"aarch64", "rcpc", "lrcpc"},
    {"aarch64", "rdm", "asimdrdm"},
    {"aarch64", "sha2", "sha2"},
    {"aarch64", "sha3", "sha3"},
    {"aarch64", "sve", "sve"},
    {"aarch64", "sve128", ""},
    {"aarch64", "sve2", "sve2"},
    {"aarch64", "sve256", ""},
    {"aarch64", "sve512", ""},
    {"x86_64", "adx", "adx"},
    {"x86_64", "aes", "aes"},
    {"x86_64", "amx-bf16", "amx_bf16"},
    {"x86_64", "amx-int8", "amx_int8"},
    {"x86_64", "amx-tile", "amx_tile"},
    {"x86_64", "avx", "avx"},
    {"x86_64", "avx2", "avx2"},
    {"x86_64", "avx512bf16", "avx512_bf16"},
    {"x86_64", "avx512bitalg", "avx512_bitalg"},
    {"x86_64", "avx512bw", "avx512bw"},
    {"x86_64", "avx512cd", "avx512cd"},
    {"x86_64", "avx512dq", "avx512dq"},
    {"x86_64", "avx512f", "avx512f"},
    {"x86_64", "avx512fp16", "avx512_fp16"},
    {"x86_64", "avx512ifma", "avx512ifma"},
    {"x86_64", "avx512vbmi", "avx512vbmi"},
    {"x86_64", "avx512vbmi2", "avx512_vbmi2"},
    {"x86_64", "avx512vl", "avx512vl"},
    {"x86_64", "avx512vnni", "avx512_vnni"},
    {"x86_64", "avx512vpopcntdq", "avx512_vpopcntdq"},
    {"x86_64", "avxvnni", "avx_vnni"},
    {"x86_64", "bmi", "bmi1"},
    {"x86_64", "bmi2", "bmi2"},
    {"x86_64", "cmov", "cmov"},
    {"x86_64", "cx16", "cx16"},
    {"x86_64", "cx8", "cx8"},
    {"x86_64", "f16c", "f16c"},
    {"x86_64", "fma", "fma"},
    {"x86_64", "fxsr", "fxsr"},
    {"x86_64", "gfni", "gfni"},
    {"x86_64", "lzcnt", "abm"},
    {"x86_64", "mmx", "mmx"},
    {"x86_64", "movbe", "movbe"},
    {"x86_64", "pclmul", "pclmulqdq"},
    {"x86_64", "popcnt", "popcnt"},
    {"x86_64", "sahf", "lahf_lm"},
    {"x86_64", "sse", "sse"},
    {"x86_64", "sse2", "sse2"},
    {"x86_64", "sse3", "pni"},
    {"x86_64", "sse4.1", "sse4_1"},
    {"x86_64", "sse4.2", "sse4_2"},
    {"x86_64", "sse4a", "sse4a"},
    {"x86_64", "ssse3", "ssse3"},
    {"x86_64", "vaes", "vaes"},
    {"x86_64", "vpclmulqdq", "vpclmulqdq"},
    {"x86_64", "xsave", "xsave"},
};

absl::Status CheckFeature(absl::string_view arch, absl::string_view feature) {
  absl::string_view ours;
  for (const IsaFeatureName& row : kNames) {
    if (row.arch != arch) continue;
    if (row.name == feature) return absl::OkStatus();
    if (!feature.empty() && row.cpuinfo == feature) ours = row.name;
  }
  const std::string shown = absl::CHexEscape(feature.substr(0, 64));
  const std::string hint = ours.empty() ? "" : absl::StrCat(": /proc/cpuinfo's ", shown, " is called ", ours);
  return MakeError(ErrorReason::kUnsupportedTarget,
                   absl::StrCat("target feature \"", shown, "\" is none of ", arch, hint));
}

}  // namespace

absl::Span<const IsaFeatureName> IsaFeatureNames() { return kNames; }

absl::Status CheckIsaFeatures(const v1::Target& target) {
  for (const std::string& feature : target.features()) {
    absl::Status status = CheckFeature(target.arch(), feature);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace kiln
