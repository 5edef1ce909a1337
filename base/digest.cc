#include "base/digest.h"

// A context of the low level lives where we put it, and hashes with the processor's SHA
// instructions; one of EVP is allocated for each digest, and looked up by name.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "absl/strings/escaping.h"

namespace kiln {

static_assert(Digest::kSizeBytes == SHA256_DIGEST_LENGTH);

std::optional<Digest> Digest::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kSizeBytes) return std::nullopt;
  Digest d;
  std::memcpy(d.bytes_.data(), bytes.data(), kSizeBytes);
  return d;
}

std::optional<Digest> Digest::FromHex(absl::string_view hex) {
  if (hex.size() != 2 * kSizeBytes) return std::nullopt;
  for (char c : hex) {
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!is_digit) return std::nullopt;
  }
  return FromBytes(absl::HexStringToBytes(hex));
}

std::string Digest::ToHex() const { return absl::BytesToHexString(bytes()); }

std::string Digest::ToShortHex() const { return ToHex().substr(0, 12); }

bool Digest::IsZero() const { return *this == Digest(); }

Digest Sha256(absl::string_view bytes) {
  Sha256Hasher hasher;
  hasher.Update(bytes);
  return hasher.Finish();
}

static_assert(sizeof(SHA256_CTX) <= 128);

Sha256Hasher::Sha256Hasher() { SHA256_Init(reinterpret_cast<SHA256_CTX*>(state_)); }

void Sha256Hasher::Update(absl::string_view bytes) {
  SHA256_Update(reinterpret_cast<SHA256_CTX*>(state_), bytes.data(), bytes.size());
}

Digest Sha256Hasher::Finish() {
  Digest d;
  SHA256_Final(d.mutable_data(), reinterpret_cast<SHA256_CTX*>(state_));
  return d;
}

namespace {

// Each field is a tag byte, then 8 bytes of length or value, little endian.
void UpdateTagged(Sha256Hasher& hasher, char tag, uint64_t value) {
  char buf[9];
  buf[0] = tag;
  for (int i = 0; i < 8; ++i) buf[1 + i] = static_cast<char>(value >> (8 * i));
  hasher.Update({buf, sizeof(buf)});
}

}  // namespace

DigestBuilder::DigestBuilder(absl::string_view domain) { AddBytes(domain); }

DigestBuilder& DigestBuilder::AddBytes(absl::string_view bytes) {
  UpdateTagged(hasher_, 'b', bytes.size());
  hasher_.Update(bytes);
  return *this;
}

DigestBuilder& DigestBuilder::AddInt(int64_t value) {
  UpdateTagged(hasher_, 'i', static_cast<uint64_t>(value));
  return *this;
}

DigestBuilder& DigestBuilder::AddDigest(const Digest& digest) {
  UpdateTagged(hasher_, 'd', Digest::kSizeBytes);
  hasher_.Update(digest.bytes());
  return *this;
}

Digest DigestBuilder::Finish() { return hasher_.Finish(); }

}  // namespace kiln
