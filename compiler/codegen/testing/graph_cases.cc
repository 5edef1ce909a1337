#include "compiler/codegen/testing/graph_cases.h"

namespace kiln {
namespace {

// Integer inputs are numbers below 7, so that they index what has as many places.
const GraphCase kCases[] = {
    {"MaxPool", "(%x: f32[s0, 3, 9, 37]) { %v, %i = aten.max_pool2d_with_indices.default(%x, [3, 3], [2, 2], [1, 1]) "
                "return (%v, %i) }"},
    {"MaxPoolChannelsLast", "(%x: f32[s0, 19, 9, 7] strides=[1197, 1, 133, 19]) { %v, %i = "
                            "aten.max_pool2d_with_indices.default(%x, [3, 3], [2, 2], [1, 1]) return (%v, %i) }"},
    {"MaxPoolDilated", "(%x: f32[2, 3, 9, 37]) { %v, %i = aten.max_pool2d_with_indices.default(%x, [3, 2], [1, 1], "
                       "[1, 1], [2, 3], true) return (%v, %i) }"},
    {"AvgPoolChannelsLast", "(%x: f32[s0, 19, 9, 7] strides=[1197, 1, 133, 19]) { %r = aten.avg_pool2d.default(%x, "
                            "[3, 3], [1, 1], [1, 1]) return (%r) }"},
    {"MaxPool3d", "(%x: f32[2, 3, 5, 6, 20]) { %v, %i = aten.max_pool3d_with_indices.default(%x, [2, 3, 3], [1, 2, 1], "
                  "[1, 1, 1]) return (%v, %i) }"},
    {"AvgPoolWithoutPadding",
     "(%x: f32[s0, 3, 9, 37]) { %r = aten.avg_pool2d.default(%x, [3, 3], [2, 2], [1, 1], true, false) return (%r) }"},
    {"AvgPoolBackward",
     "(%g: f32[s0, 3, 5, 19], %x: f32[s0, 3, 9, 37]) { %r = aten.avg_pool2d_backward.default(%g, %x, [3, 3], [2, 2], "
     "[1, 1], false, false, none) return (%r) }"},
    {"AvgPool3d", "(%x: f32[2, 3, 5, 6, 20]) { %r = aten.avg_pool3d.default(%x, [2, 3, 3], [1, 2, 1]) return (%r) }"},
    {"AdaptiveAvgPool",
     "(%x: f32[s0, 3, 7, 37]) { %r = aten._adaptive_avg_pool2d.default(%x, [3, 16]) return (%r) }"},
    {"AdaptiveAvgPoolBackward",
     "(%g: f32[s0, 3, 3, 16], %x: f32[s0, 3, 7, 37]) { %r = aten._adaptive_avg_pool2d_backward.default(%g, %x) return "
     "(%r) }"},
    {"AdaptiveMaxPool",
     "(%x: f32[s0, 3, 7, 37]) { %v, %i = aten.adaptive_max_pool2d.default(%x, [3, 16]) return (%v, %i) }"},
    {"NearestOfADynamicSize", "(%x: f32[2, 3, s0, 20]) { %r = aten.upsample_nearest2d.default(%x, [11, 40]) return (%r) }"},
    {"NearestBackward", "(%g: f32[2, 3, 10, 33]) { %r = aten.upsample_nearest2d_backward.default(%g, [10, 33], "
                        "[2, 3, 5, 20]) return (%r) }"},
    {"Bilinear", "(%x: f32[2, 3, s0, 20]) { %r = aten.upsample_bilinear2d.default(%x, [11, 37], false) return (%r) }"},
    {"BilinearWithCorners", "(%x: f32[2, 3, 4, 20]) { %r = aten.upsample_bilinear2d.default(%x, [11, 37], true) return "
                            "(%r) }"},
    {"BilinearBackward", "(%g: f32[2, 3, 11, 37]) { %r = aten.upsample_bilinear2d_backward.default(%g, [11, 37], "
                         "[2, 3, 4, 20], false) return (%r) }"},
    {"Bicubic", "(%x: f32[2, 3, 4, 20]) { %r = aten.upsample_bicubic2d.default(%x, [11, 37], false) return (%r) }"},
    {"GridReflected", "(%x: f32[2, 3, 7, 9], %g: f32[2, 5, 20, 2]) { %r = aten.grid_sampler_2d.default(%x, %g, 0, 2, "
                      "false) return (%r) }"},
    {"GridBicubic", "(%x: f32[2, 3, 7, 9], %g: f32[2, 5, 20, 2]) { %r = aten.grid_sampler_2d.default(%x, %g, 2, 0, "
                    "true) return (%r) }"},
    {"Im2Col", "(%x: f32[2, 3, 8, 20]) { %r = aten.im2col.default(%x, [3, 3], [1, 2], [1, 1], [2, 1]) return (%r) }"},
    {"Col2Im", "(%x: f32[2, 27, 72]) { %r = aten.col2im.default(%x, [8, 20], [3, 3], [1, 2], [1, 1], [2, 1]) return "
               "(%r) }"},
    {"UnfoldBackward",
     "(%g: f32[4, 9, 5]) { %r = aten.unfold_backward.default(%g, [4, 21], 1, 5, 2) return (%r) }"},
    {"ReflectionPadBackward", "(%g: f32[2, 3, 12, 25], %x: f32[2, 3, 9, 20]) { %r = "
                              "aten.reflection_pad2d_backward.default(%g, %x, [3, 2, 1, 2]) return (%r) }"},
    {"ReplicationPadBackward", "(%g: f32[2, 3, 25], %x: f32[2, 3, 20]) { %r = "
                               "aten.replication_pad1d_backward.default(%g, %x, [3, 2]) return (%r) }"},
    {"SumOfNothing", "(%x: f32[0, 20]) { %r = aten.sum.dim_IntList(%x, [0]) %m = aten.mean.dim(%x, [0]) return (%r, %m) }"},
    {"ScatterAdd", "(%x: f32[7, 20], %i: i64[9, 20], %v: f32[9, 20]) { %r = aten.scatter_add.default(%x, 0, %i, %v) return "
                   "(%r) }"},
    {"ScatterAddOfADynamicSize", "(%x: f32[7, s0], %i: i64[9, s0], %v: f32[9, s0]) { %r = "
                                 "aten.scatter_add.default(%x, 0, %i, %v) return (%r) }"},
    {"RoundedValuesEqualThemselves", "(%x: f32[9, 20]) { %h = aten._to_copy.default(%x, dtype=f16) %m = aten.amin.default(%h, [1], "
                                     "true) %e = aten.eq.Tensor(%h, %m) %s = aten.gt.Scalar(%h, 0.1) return (%e, %s) }"},
    {"Cummax", "(%x: f32[s0, 20]) { %v, %i = aten.cummax.default(%x, 1) return (%v, %i) }"},
    {"Pdist", "(%x: f32[9, 20]) { %r = aten._pdist_forward.default(%x, 2.0) return (%r) }"},
    {"Cdist", "(%x: f32[2, 9, 20], %y: f32[2, 7, 20]) { %r = aten._cdist_forward.default(%x, %y, 3.0, none) return (%r) }"},
    {"Gamma", "(%x: f32[s0, 20]) { %a = aten.lgamma.default(%x) %b = aten.digamma.default(%x) return (%a, %b) }"},
    {"ErrorFunctions",
     "(%x: f32[s0, 20]) { %a = aten.erfc.default(%x) %h = aten.mul.Tensor(%x, 0.49) %b = aten.erfinv.default(%h) %c = "
     "aten.special_log_ndtr.default(%x) return (%a, %b, %c) }"},
    {"Bessel", "(%x: f32[s0, 20]) { %a = aten.i0.default(%x) %b = aten.special_i1e.default(%x) return (%a, %b) }"},
    {"GroupNorm",
     "(%x: f32[5, 6, 4, 5], %w: f32[6], %b: f32[6]) { %r, %m, %s = aten.native_group_norm.default(%x, %w, %b, 5, 6, 20, "
     "3, 1e-05) return (%r, %m, %s) }"},
    {"NllLoss", "(%x: f32[s0, 7], %t: i64[s0], %w: f32[7]) { %r, %c = aten.nll_loss_forward.default(%x, %t, %w, 2, 3) "
                "return (%r, %c) }"},
    {"MultiMarginLoss",
     "(%x: f32[s0, 7], %t: i64[s0]) { %r = aten.multi_margin_loss.default(%x, %t, 2, 1.0) return (%r) }"},
    {"TriangleIndices", "(%x: f32[2]) { %a = aten.tril_indices.default(6, 9, 1) %b = aten.triu_indices.default(6, 9, -2) "
                        "return (%a, %b) }"},
    {"Dropout", "(%x: f32[s0, 37]) { %r, %m = aten.native_dropout.default(%x, 0.3, true) return (%r, %m) }"},
    {"RandomIntegers", "(%x: f32[s0, 37]) { %r = aten.randint_like.low_dtype(%x, -5, 1000, dtype=i64) return (%r) }"},
    // The copy of a state is one that only its bytes say.
    {"SavedRandomState",
     "(%x: f32[s0, 37]) { %a = aten.rand_like.default(%x) %s = kiln.get_rng_state.default() %b = "
     "aten.randn_like.default(%x) %c = aten.clone.default(%s) %p = kiln.get_rng_state.default() "
     "kiln.set_rng_state.default(%c) %d = aten.randn_like.default(%x) kiln.set_rng_state.default(%p) %e = "
     "aten.bernoulli.p(%x, 0.25) return (%a, %b, %d, %e, %s) }"},
};

}  // namespace

absl::Span<const GraphCase> GraphCases() { return kCases; }

}  // namespace kiln
