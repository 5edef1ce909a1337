#include "compiler/loops/extern_reasons.h"

#include <algorithm>

namespace kiln {
namespace {

// Of operators that may be extern: what the host's kernel has that loops do not.
constexpr absl::string_view kAttention = "attention: a tuned library";
constexpr absl::string_view kBits = "the bits of floats";
constexpr absl::string_view kComplex = "complex numbers";
constexpr absl::string_view kConvolution = "convolution: a tuned library";
constexpr absl::string_view kDynamic = "how large its result is hangs on data";
constexpr absl::string_view kEffect = "an effect in the host";
constexpr absl::string_view kFourier = "Fourier transform: a tuned library";
constexpr absl::string_view kLapack = "matrix factorisation: a tuned library";
constexpr absl::string_view kPacking = "packs what a collective sends";
constexpr absl::string_view kPooling = "gradients of maxima of windows: the host's kernel is vectorised over channels";
constexpr absl::string_view kProduct = "matrix product: a tuned library";
constexpr absl::string_view kRandom = "random numbers of another distribution than Kiln draws";
constexpr absl::string_view kSegments = "segments or bins that data delimits";
constexpr absl::string_view kSequence = "each step hangs on the one before";
constexpr absl::string_view kSorting = "sorting: a tuned library";
constexpr absl::string_view kSpecial = "special function: the host's approximation";
constexpr absl::string_view kSampling = "sampling with filters of another size for each point";
// Of operators that no artifact can hold.
constexpr absl::string_view kList = "it makes a list of tensors";
constexpr absl::string_view kNumber = "it makes a number from a tensor's data";
constexpr absl::string_view kWrites = "it writes its argument, and no operator without that does the same";

constexpr ExternReason kRows[] = {
    {"aten._assert_async", kEffect},
    {"aten._cdist_backward", kProduct},
    {"aten._chunk_cat", kPacking},
    {"aten._conj_copy", kComplex},
    {"aten._convolution", kConvolution},
    {"aten._ctc_loss", kSequence},
    {"aten._embedding_bag", kSegments},
    {"aten._embedding_bag_backward", kSegments},
    {"aten._embedding_bag_forward_only", kSegments},
    {"aten._embedding_bag_per_sample_weights_backward", kSegments},
    {"aten._euclidean_dist", kProduct},
    {"aten._fft_c2c", kFourier},
    {"aten._fft_c2r", kFourier},
    {"aten._fft_r2c", kFourier},
    {"aten._grouped_mm", kProduct},
    {"aten._histogramdd_bin_edges", kSegments},
    {"aten._histogramdd_from_bin_cts", kSegments},
    {"aten._histogramdd_from_bin_tensors", kSegments},
    {"aten._linalg_check_errors", kEffect},
    {"aten._linalg_det", kLapack},
    {"aten._linalg_eigh", kLapack},
    {"aten._linalg_eigvals", kLapack},
    {"aten._linalg_slogdet", kLapack},
    {"aten._linalg_solve_ex", kLapack},
    {"aten._linalg_svd", kLapack},
    {"aten._neg_view_copy", kComplex},
    {"aten._pack_padded_sequence", kSegments},
    {"aten._pdist_backward", kProduct},
    {"aten._scaled_dot_product_flash_attention_for_cpu", kAttention},
    {"aten._scaled_dot_product_flash_attention_for_cpu_backward", kAttention},
    {"aten._scaled_grouped_mm", kProduct},
    {"aten._scaled_mm", kProduct},
    {"aten._scaled_mm_v2", kProduct},
    {"aten._segment_reduce_backward", kSegments},
    {"aten._trilinear", kProduct},
    {"aten._upsample_bicubic2d_aa", kSampling},
    {"aten._upsample_bicubic2d_aa_backward", kSampling},
    {"aten._upsample_bilinear2d_aa", kSampling},
    {"aten._upsample_bilinear2d_aa_backward", kSampling},
    {"aten.addmm", kProduct},
    {"aten.baddbmm", kProduct},
    {"aten.bincount", kSegments},
    {"aten.bmm", kProduct},
    {"aten.bucketize", kSequence},
    {"aten.cholesky", kLapack},
    {"aten.cholesky_inverse", kLapack},
    {"aten.cholesky_solve", kLapack},
    {"aten.complex", kComplex},
    {"aten.convolution", kConvolution},
    {"aten.convolution_backward", kConvolution},
    {"aten.embedding_renorm", kSequence},
    {"aten.fractional_max_pool2d", kSampling},
    {"aten.fractional_max_pool2d_backward", kSampling},
    {"aten.fractional_max_pool3d", kSampling},
    {"aten.fractional_max_pool3d_backward", kSampling},
    {"aten.frexp", kBits},
    {"aten.gcd", kSequence},
    {"aten.geqrf", kLapack},
    {"aten.grid_sampler_2d_backward", kSampling},
    {"aten.grid_sampler_3d", kSampling},
    {"aten.grid_sampler_3d_backward", kSampling},
    {"aten.hash_tensor", kSequence},
    {"aten.histc", kSegments},
    {"aten.histogram", kSegments},
    {"aten.igamma", kSpecial},
    {"aten.igammac", kSpecial},
    {"aten.kthvalue", kSorting},
    {"aten.lcm", kSequence},
    {"aten.linalg_cholesky_ex", kLapack},
    {"aten.linalg_eig", kLapack},
    {"aten.linalg_householder_product", kLapack},
    {"aten.linalg_inv_ex", kLapack},
    {"aten.linalg_ldl_factor_ex", kLapack},
    {"aten.linalg_ldl_solve", kLapack},
    {"aten.linalg_lstsq", kLapack},
    {"aten.linalg_lu", kLapack},
    {"aten.linalg_lu_factor_ex", kLapack},
    {"aten.linalg_lu_solve", kLapack},
    {"aten.linalg_matrix_exp", kLapack},
    {"aten.linalg_pinv", kLapack},
    {"aten.linalg_qr", kLapack},
    {"aten.linalg_solve_triangular", kLapack},
    {"aten.logcumsumexp", kSequence},
    {"aten.lu_unpack", kLapack},
    {"aten.masked_scatter_backward", kSegments},
    {"aten.max_pool2d_with_indices_backward", kPooling},
    {"aten.median", kSorting},
    {"aten.mm", kProduct},
    {"aten.mode", kSorting},
    {"aten.multilabel_margin_loss_backward", kSegments},
    {"aten.multilabel_margin_loss_forward", kSegments},
    {"aten.nanmedian", kSorting},
    {"aten.nextafter", kBits},
    {"aten.nonzero_static", kSequence},
    {"aten.ormqr", kLapack},
    {"aten.polar", kComplex},
    {"aten.polygamma", kSpecial},
    {"aten.searchsorted", kSequence},
    {"aten.segment_reduce", kSegments},
    {"aten.sort", kSorting},
    {"aten.special_airy_ai", kSpecial},
    {"aten.special_bessel_j0", kSpecial},
    {"aten.special_bessel_j1", kSpecial},
    {"aten.special_bessel_y0", kSpecial},
    {"aten.special_bessel_y1", kSpecial},
    {"aten.special_chebyshev_polynomial_t", kSpecial},
    {"aten.special_chebyshev_polynomial_u", kSpecial},
    {"aten.special_chebyshev_polynomial_v", kSpecial},
    {"aten.special_chebyshev_polynomial_w", kSpecial},
    {"aten.special_hermite_polynomial_h", kSpecial},
    {"aten.special_hermite_polynomial_he", kSpecial},
    {"aten.special_laguerre_polynomial_l", kSpecial},
    {"aten.special_legendre_polynomial_p", kSpecial},
    {"aten.special_modified_bessel_k0", kSpecial},
    {"aten.special_modified_bessel_k1", kSpecial},
    {"aten.special_scaled_modified_bessel_k0", kSpecial},
    {"aten.special_scaled_modified_bessel_k1", kSpecial},
    {"aten.special_shifted_chebyshev_polynomial_t", kSpecial},
    {"aten.special_shifted_chebyshev_polynomial_u", kSpecial},
    {"aten.special_shifted_chebyshev_polynomial_v", kSpecial},
    {"aten.special_shifted_chebyshev_polynomial_w", kSpecial},
    {"aten.special_zeta", kSpecial},
    {"aten.topk", kSorting},
    {"aten.triangular_solve", kLapack},
    {"aten.view_as_complex_copy", kComplex},
    {"aten.view_as_real_copy", kComplex},
    {"aten.view_copy", kBits},
};

}  // namespace

absl::Span<const ExternReason> ExternReasons() { return kRows; }

bool CannotBeExtern(const OpRow& row) {
  if (row.schema.is_mutating()) return true;
  return std::any_of(row.schema.returns.begin(), row.schema.returns.end(), [](const ReturnSchema& returned) {
    return returned.type != ArgType::kTensor || returned.is_list;
  });
}

absl::string_view WhyExtern(const OpRow& row) {
  if (row.schema.is_mutating()) return kWrites;
  if (CannotBeExtern(row)) return row.schema.returns[0].is_list ? kList : kNumber;
  if (row.has(kTagDynamicShape)) return kDynamic;
  absl::string_view packet = absl::string_view(row.schema.name).substr(0, row.schema.name.rfind('.'));
  auto found = std::lower_bound(std::begin(kRows), std::end(kRows), packet,
                                [](const ExternReason& reason, absl::string_view name) { return reason.packet < name; });
  if (found != std::end(kRows) && found->packet == packet) return found->why;
  return row.has(kTagRandom) ? kRandom : "";
}

}  // namespace kiln
