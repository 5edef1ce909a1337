#include "compiler/codegen/testing/aarch64_targets.h"

namespace kiln {

v1::Target AArch64TestTarget::target() const {
  v1::Target target;
  target.set_arch("aarch64");
  for (const std::string& feature : features) target.add_features(feature);
  target.set_vector_bits(vector_bits);
  target.set_device_type("cpu");
  target.set_threads(2);
  return target;
}

absl::Span<const AArch64TestTarget> AArch64TestTargets() {
  static const auto* targets =
      new std::vector<AArch64TestTarget>{kNeonTarget, kNeonBf16Target, kSve256Target, kSve512Target};
  return *targets;
}

}  // namespace kiln
