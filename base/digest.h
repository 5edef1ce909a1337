// SHA-256 digests, the names of everything that Kiln stores.
//
//   Digest d = Sha256(bytes);            // one shot
//   Sha256Hasher h; h.Update(a); h.Update(b); Digest d = h.Finish();
//
// `DigestBuilder` hashes *fields*: each is length-prefixed and tagged, so that
// ("ab","c") and ("a","bc") differ.
#ifndef KILN_BASE_DIGEST_H_
#define KILN_BASE_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace kiln {

// A 32-byte SHA-256 value. Thread-compatible; a plain value.
class Digest {
 public:
  static constexpr size_t kSizeBytes = 32;

  // All zero; stands for "none".
  Digest() = default;

  // nullopt unless `bytes` has exactly 32 bytes.
  static std::optional<Digest> FromBytes(absl::string_view bytes);
  // nullopt unless `hex` has exactly 64 lower-case hex digits.
  static std::optional<Digest> FromHex(absl::string_view hex);

  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  uint8_t* mutable_data() { return bytes_.data(); }
  std::string ToHex() const;
  // The first 12 hex digits, for messages and logs.
  std::string ToShortHex() const;
  bool IsZero() const;

  friend auto operator<=>(const Digest&, const Digest&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Digest& d) {
    uint64_t prefix;
    std::memcpy(&prefix, d.bytes_.data(), sizeof(prefix));
    return H::combine(std::move(h), prefix);
  }

 private:
  std::array<uint8_t, kSizeBytes> bytes_ = {};
};

Digest Sha256(absl::string_view bytes);

// Incremental SHA-256. Not thread-safe. Use once: Finish() ends it.
class Sha256Hasher {
 public:
  Sha256Hasher();
  void Update(absl::string_view bytes);
  Digest Finish();

 private:
  alignas(16) unsigned char state_[128];
};

// Hashes a sequence of typed fields without ambiguity. Not thread-safe.
class DigestBuilder {
 public:
  // `domain` separates uses ("kiln.graph.v1"); two domains never collide.
  explicit DigestBuilder(absl::string_view domain);
  DigestBuilder& AddBytes(absl::string_view bytes);
  DigestBuilder& AddInt(int64_t value);
  DigestBuilder& AddDigest(const Digest& digest);
  Digest Finish();

 private:
  Sha256Hasher hasher_;
};

}  // namespace kiln

#endif  // KILN_BASE_DIGEST_H_
