// Meta functions of operators that make tensors out of numbers.
#ifndef KILN_FAKE_RUNTIME_OPS_CREATION_META_H_
#define KILN_FAKE_RUNTIME_OPS_CREATION_META_H_

#include <optional>

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status EmptyMeta(MetaContext& ctx);         // empty, zeros, ones, rand, randn: argument "size"
absl::Status EmptyStridedMeta(MetaContext& ctx);
absl::Status EmptyPermutedMeta(MetaContext& ctx);
absl::Status FullMeta(MetaContext& ctx);
absl::Status ScalarTensorMeta(MetaContext& ctx);
absl::Status ArangeMeta(MetaContext& ctx);        // arange, .start, .start_step
absl::Status LinspaceMeta(MetaContext& ctx);      // linspace, logspace: argument "steps"
absl::Status EyeMeta(MetaContext& ctx);           // eye, eye.m
absl::Status RandintMeta(MetaContext& ctx);       // randint, randperm: int64 by default
absl::Status RandpermMeta(MetaContext& ctx);
absl::Status LikeMeta(MetaContext& ctx);          // empty_like, full_like, rand_like, ...
absl::Status NewMeta(MetaContext& ctx);           // new_empty, new_zeros, new_ones, new_full
absl::Status NewStridedMeta(MetaContext& ctx);    // new_empty_strided
absl::Status TriIndicesMeta(MetaContext& ctx);    // tril_indices, triu_indices
absl::Status NormalMeta(MetaContext& ctx);        // normal.Tensor_float and friends
absl::Status RngStateMeta(MetaContext& ctx);      // kiln.get_rng_state
absl::Status SetRngStateMeta(MetaContext& ctx);   // kiln.set_rng_state

// Bytes of the state of PyTorch's CPU generator, as torch.get_rng_state() gives it.
inline constexpr int64_t kRngStateBytes = 5056;

// The options of a factory, where its call has them. An `out=` overload has what it writes instead.
std::optional<DType> DTypeOption(MetaContext& ctx);
Device DeviceOption(MetaContext& ctx, const Device& fallback);
std::optional<MemoryFormat> FormatOption(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_CREATION_META_H_
