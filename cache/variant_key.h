// The key of a compile: the digest of its named components. Two requests of one
// key differ at most in symbol values and in what their hosts can run; which
// variant serves whom is the guard index's business.
//
//   v1::KeyComponents components = ComposeKey({graph, signature, options, CompilerBuild(), target, domain});
//   KILN_ASSIGN_OR_RETURN(VariantKey key, KeyOf(components));
#ifndef KILN_CACHE_VARIANT_KEY_H_
#define KILN_CACHE_VARIANT_KEY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// A plain value.
struct VariantKey {
  Digest digest;

  friend auto operator<=>(const VariantKey&, const VariantKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const VariantKey& key) {
    return H::combine(std::move(h), key.digest);
  }
};

struct KeyParts {
  Digest graph;
  Digest signature;
  Digest options;  // OptionsDigest of the options as the client gave them
  absl::string_view compiler_build;
  const v1::Target& target;
  absl::string_view domain;
};

v1::KeyComponents ComposeKey(const KeyParts& parts);

// What `KeyComponents.compiler_build` holds for a build of this name.
Digest CompilerBuildDigest(absl::string_view compiler_build);

// "cpu/x86_64". An empty device type counts as "cpu".
std::string TargetFamily(const v1::Target& target);

// MALFORMED_MESSAGE, naming the component, unless each digest has 32 bytes.
absl::StatusOr<VariantKey> KeyOf(const v1::KeyComponents& components);

}  // namespace kiln

#endif  // KILN_CACHE_VARIANT_KEY_H_
