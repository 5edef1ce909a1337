// Philox4x32-10 in plain integers: the naive twin of codegen's random numbers.
#ifndef KILN_COMPILER_LOOPS_TESTING_PLAIN_PHILOX_H_
#define KILN_COMPILER_LOOPS_TESTING_PLAIN_PHILOX_H_

#include <array>
#include <cstdint>

namespace kiln {

// The seed of every call of the interpreter's and of the test hosts'.
inline constexpr uint64_t kTestSeed = 0x123456789abcdef0;

inline std::array<uint32_t, 4> PlainPhilox(uint64_t seed, uint32_t slot, uint64_t counter) {
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), slot, 0};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

// Uniform in [0, 1): 24 bits of one word, or 53 of two.
inline double PlainUniform(bool is_double, uint64_t seed, uint32_t slot, uint64_t counter) {
  const std::array<uint32_t, 4> words = PlainPhilox(seed, slot, counter);
  return is_double ? words[0] * 0x1p-32 + (words[1] >> 11) * 0x1p-53 : (words[0] >> 8) * 0x1p-24;
}

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_TESTING_PLAIN_PHILOX_H_
