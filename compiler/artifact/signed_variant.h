// Signing and checking variant records: one detached Ed25519 signature over
// "kiln.variant.v1\0" and the record's bytes as they are stored and sent.
//
//   SigningKey key = SigningKey::Generate();
//   v1::SignedVariant signed_variant = key.Sign(record.SerializeAsString());
//   TrustedKeys trusted;
//   KILN_RETURN_IF_ERROR(trusted.AddText(config_file_contents));
//   KILN_ASSIGN_OR_RETURN(v1::VariantRecord record, trusted.Open(signed_variant));
//
// Keys are written as 64 hex digits, one a line; '#' starts a comment.
#ifndef KILN_COMPILER_ARTIFACT_SIGNED_VARIANT_H_
#define KILN_COMPILER_ARTIFACT_SIGNED_VARIANT_H_

#include <array>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

inline constexpr size_t kPublicKeyBytes = 32;
inline constexpr size_t kKeyIdBytes = 8;

// The first 8 bytes of SHA-256 of a public key.
std::string KeyIdOf(absl::string_view public_key);

// A secret key. Only the front has one. Thread-compatible; wiped when destroyed.
class SigningKey {
 public:
  static SigningKey Generate();
  // From the 32-byte seed that `seed()` gave. MALFORMED_MESSAGE on another size.
  static absl::StatusOr<SigningKey> FromSeed(absl::string_view seed);
  SigningKey(const SigningKey&) = default;
  SigningKey& operator=(const SigningKey&) = default;
  ~SigningKey();

  // 32 bytes. Whoever has them can sign.
  absl::string_view seed() const;
  absl::string_view public_key() const;
  v1::SignedVariant Sign(std::string record) const;
  // 64 bytes, over `domain` and `message`. Each use of a key has a domain of its own,
  // which ends in NUL, so that no signature can be taken for another's.
  std::string SignBytes(absl::string_view domain, absl::string_view message) const;

 private:
  SigningKey() = default;
  std::array<unsigned char, 32> seed_ = {};
  std::array<unsigned char, 64> secret_ = {};
  std::array<unsigned char, kPublicKeyBytes> public_ = {};
};

// Public keys that a host or a store trusts, by key id; several, so that keys
// can be rotated. Thread-compatible.
class TrustedKeys {
 public:
  // MALFORMED_MESSAGE unless 32 bytes.
  absl::Status Add(absl::string_view public_key);
  // Lines of hex. PARSE_ERROR naming the line.
  absl::Status AddText(absl::string_view text);
  bool empty() const { return keys_.empty(); }
  // Sorted.
  std::vector<std::string> ids() const;
  bool Contains(absl::string_view key_id) const { return keys_.count(std::string(key_id)) != 0; }

  // The record, if a trusted key signed its bytes. ARTIFACT_UNTRUSTED for a key
  // that is not here or a signature that is not its; ARTIFACT_CORRUPT if what was
  // signed does not parse.
  absl::StatusOr<v1::VariantRecord> Open(const v1::SignedVariant& signed_variant) const;

  // ARTIFACT_UNTRUSTED, with `what` in the message, unless the key of this id is here and
  // SignBytes of it gives this signature.
  absl::Status Verify(absl::string_view what, absl::string_view domain, absl::string_view message,
                      absl::string_view signature, absl::string_view key_id) const;

 private:
  std::map<std::string, std::string> keys_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_SIGNED_VARIANT_H_
