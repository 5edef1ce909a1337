#include "cache/variant_key.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

v1::KeyComponents ComposeKey(const KeyParts& parts) {
  v1::KeyComponents components;
  components.set_graph(std::string(parts.graph.bytes()));
  components.set_signature(std::string(parts.signature.bytes()));
  components.set_options(std::string(parts.options.bytes()));
  components.set_compiler_build(std::string(CompilerBuildDigest(parts.compiler_build).bytes()));
  components.set_target_family(TargetFamily(parts.target));
  components.set_domain(std::string(parts.domain));
  return components;
}

Digest CompilerBuildDigest(absl::string_view compiler_build) { return Sha256(compiler_build); }

std::string TargetFamily(const v1::Target& target) {
  return absl::StrCat(target.device_type().empty() ? "cpu" : target.device_type(), "/", target.arch());
}

absl::StatusOr<VariantKey> KeyOf(const v1::KeyComponents& components) {
  const struct {
    absl::string_view name;
    const std::string& bytes;
  } digests[] = {{"graph", components.graph()},
                 {"signature", components.signature()},
                 {"options", components.options()},
                 {"compiler_build", components.compiler_build()}};
  DigestBuilder builder("kiln.variant_key.v1");
  builder.AddInt(std::size(digests));
  for (const auto& [name, bytes] : digests) {
    std::optional<Digest> digest = Digest::FromBytes(bytes);
    if (!digest.has_value()) {
      return MakeError(ErrorReason::kMalformedMessage,
                       absl::StrCat("key component ", name, ": a digest has ", Digest::kSizeBytes,
                                    " bytes but this one has ", bytes.size()));
    }
    builder.AddDigest(*digest);
  }
  builder.AddBytes(components.target_family()).AddBytes(components.domain());
  return VariantKey{builder.Finish()};
}

}  // namespace kiln
