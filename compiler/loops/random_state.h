// The random state that compiled code saves, in the place of PyTorch's own: a tensor of as many
// bytes, of which the first 16 are two words, little-endian.
//
//   word 0   the seed of the call that saved it
//   word 1   bytes 8-11: the mark, "kiln"; bytes 12-15: the slot that came next
//   others   0
//
// The bytes of the mark are `left` in a state of PyTorch's, the numbers that are left of 624: neither
// can be taken for the other. PyTorch refuses one of ours, and our code one of PyTorch's.
#ifndef KILN_COMPILER_LOOPS_RANDOM_STATE_H_
#define KILN_COMPILER_LOOPS_RANDOM_STATE_H_

#include <cstdint>

namespace kiln {

inline constexpr int64_t kRandomStateSeedWord = 0;
inline constexpr int64_t kRandomStateHeaderWord = 1;
inline constexpr int64_t kRandomStateWords = 2;
inline constexpr int64_t kRandomStateMark = 0x6e6c696b;
inline constexpr int64_t kRandomStateMarkMask = 0xffffffff;
inline constexpr int64_t kRandomStateSlotShift = 32;

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_RANDOM_STATE_H_
