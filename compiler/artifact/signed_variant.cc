#include "compiler/artifact/signed_variant.h"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

static_assert(kPublicKeyBytes == crypto_sign_PUBLICKEYBYTES);
static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64);

// Separates these signatures from any other use of the same key. The NUL is
// part of it.
constexpr absl::string_view kDomain("kiln.variant.v1\0", 16);

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::string_view Text(const unsigned char* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::string KeyIdOf(absl::string_view public_key) {
  return std::string(Sha256(public_key).bytes().substr(0, kKeyIdBytes));
}

SigningKey SigningKey::Generate() {
  SigningKey key;
  if (sodium_init() < 0) std::abort();
  randombytes_buf(key.seed_.data(), key.seed_.size());
  crypto_sign_seed_keypair(key.public_.data(), key.secret_.data(), key.seed_.data());
  return key;
}

absl::StatusOr<SigningKey> SigningKey::FromSeed(absl::string_view seed) {
  SigningKey key;
  if (seed.size() != key.seed_.size()) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("a signing key has ", key.seed_.size(), " bytes but this one has ", seed.size()));
  }
  std::copy(seed.begin(), seed.end(), key.seed_.begin());
  crypto_sign_seed_keypair(key.public_.data(), key.secret_.data(), key.seed_.data());
  return key;
}

SigningKey::~SigningKey() {
  sodium_memzero(seed_.data(), seed_.size());
  sodium_memzero(secret_.data(), secret_.size());
}

absl::string_view SigningKey::seed() const { return Text(seed_.data(), seed_.size()); }

absl::string_view SigningKey::public_key() const { return Text(public_.data(), public_.size()); }

std::string SigningKey::SignBytes(absl::string_view domain, absl::string_view message) const {
  const std::string whole = absl::StrCat(domain, message);
  unsigned char signature[crypto_sign_BYTES];
  crypto_sign_detached(signature, nullptr, Bytes(whole), whole.size(), secret_.data());
  return std::string(Text(signature, sizeof(signature)));
}

v1::SignedVariant SigningKey::Sign(std::string record) const {
  v1::SignedVariant result;
  result.set_signature(SignBytes(kDomain, record));
  result.set_record(std::move(record));
  result.set_key_id(KeyIdOf(public_key()));
  return result;
}

absl::Status TrustedKeys::Add(absl::string_view public_key) {
  if (public_key.size() != kPublicKeyBytes) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("a public key has ", kPublicKeyBytes, " bytes but this one has ", public_key.size()));
  }
  keys_[KeyIdOf(public_key)] = std::string(public_key);
  return absl::OkStatus();
}

absl::Status TrustedKeys::AddText(absl::string_view text) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    // A public key is a digest's size and is written the same way.
    std::optional<Digest> key = Digest::FromHex(line);
    if (!key.has_value()) {
      return MakeError(ErrorReason::kParseError,
                       absl::StrCat("trusted keys, line ", number, ": a key is 64 lower-case hex digits"));
    }
    KILN_RETURN_IF_ERROR(Add(key->bytes()));
  }
  return absl::OkStatus();
}

std::vector<std::string> TrustedKeys::ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, key] : keys_) ids.push_back(id);
  return ids;
}

absl::Status TrustedKeys::Verify(absl::string_view what, absl::string_view domain, absl::string_view message,
                                 absl::string_view signature, absl::string_view key_id) const {
  auto key = keys_.find(std::string(key_id));
  if (key == keys_.end()) {
    return MakeError(ErrorReason::kArtifactUntrusted,
                     absl::StrCat(what, " is signed by key ", absl::BytesToHexString(key_id),
                                  ", which is not among the ", keys_.size(), " trusted keys"));
  }
  const std::string whole = absl::StrCat(domain, message);
  if (signature.size() != crypto_sign_BYTES ||
      crypto_sign_verify_detached(Bytes(signature), Bytes(whole), whole.size(), Bytes(key->second)) != 0) {
    return MakeError(ErrorReason::kArtifactUntrusted, absl::StrCat(what, "'s signature is not that of key ",
                                                                   absl::BytesToHexString(key_id)));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::VariantRecord> TrustedKeys::Open(const v1::SignedVariant& signed_variant) const {
  KILN_RETURN_IF_ERROR(Verify("the variant", kDomain, signed_variant.record(), signed_variant.signature(),
                              signed_variant.key_id()));
  v1::VariantRecord record;
  if (!record.ParseFromString(signed_variant.record()) || record.format_version() != 1) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("a signed variant record of format ", record.format_version(),
                                  " is not readable by this build, which knows format 1"));
  }
  return record;
}

}  // namespace kiln
