// Pooling and resampling. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/backward_meta.h"
#include "fake_runtime/ops/pooling_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor", kTagCore, AdaptiveAvgPoolMeta, "out"},
    {"aten::_adaptive_avg_pool2d_backward(Tensor grad_output, Tensor self) -> Tensor",
     kTagCore, PoolBackwardMeta, "out"},
    {"aten::_adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor", kTagCore, AdaptiveAvgPoolMeta, "out"},
    {"aten::_adaptive_avg_pool3d_backward(Tensor grad_output, Tensor self) -> Tensor",
     kTagNone, PoolBackwardMeta, "out"},
    {"aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, "
     "float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::_upsample_bicubic2d_aa_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, bool "
     "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, "
     "float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::_upsample_bilinear2d_aa_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, bool "
     "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::_upsample_nearest_exact1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::_upsample_nearest_exact1d_backward(Tensor grad_output, SymInt[1] output_size, SymInt[3] input_size, "
     "float? scales=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::_upsample_nearest_exact2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
     "scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::_upsample_nearest_exact2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, "
     "float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::_upsample_nearest_exact3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::_upsample_nearest_exact3d_backward(Tensor grad_output, SymInt[3] output_size, SymInt[5] input_size, "
     "float? scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor", kTagCore, AdaptiveAvgPoolMeta, "out"},
    {"aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)",
     kTagNone, AdaptiveMaxPoolMeta, "out(out,indices)"},
    {"aten::adaptive_max_pool2d_backward(Tensor grad_output, Tensor self, Tensor indices) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)",
     kTagNone, AdaptiveMaxPoolMeta, "out(out,indices)"},
    {"aten::adaptive_max_pool3d_backward(Tensor grad_output, Tensor self, Tensor indices) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], bool ceil_mode=False, "
     "bool count_include_pad=True) -> Tensor",
     kTagCore, AvgPoolMeta, "out"},
    {"aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, "
     "bool count_include_pad=True, int? divisor_override=None) -> Tensor",
     kTagCore, AvgPoolMeta, "out"},
    {"aten::avg_pool2d_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding, "
     "bool ceil_mode, bool count_include_pad, int? divisor_override) -> Tensor",
     kTagCore, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool ceil_mode=False, "
     "bool count_include_pad=True, int? divisor_override=None) -> Tensor",
     kTagCore, AvgPoolMeta, "out"},
    {"aten::avg_pool3d_backward(Tensor grad_output, Tensor self, int[3] kernel_size, int[3] stride, int[3] padding, "
     "bool ceil_mode, bool count_include_pad, int? divisor_override) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) -> "
     "(Tensor, Tensor)",
     kTagNone, FractionalMaxPoolMeta, "output(output,indices)"},
    {"aten::fractional_max_pool2d_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] output_size, "
     "Tensor indices) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, Tensor random_samples) -> "
     "(Tensor, Tensor)",
     kTagNone, FractionalMaxPoolMeta, "output(output,indices)"},
    {"aten::fractional_max_pool3d_backward(Tensor grad_output, Tensor self, int[3] kernel_size, int[3] output_size, "
     "Tensor indices) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool "
     "align_corners) -> Tensor",
     kTagCore, GridSamplerMeta, "out"},
    {"aten::grid_sampler_2d_backward(Tensor grad_output, Tensor input, Tensor grid, int interpolation_mode, int "
     "padding_mode, bool align_corners, bool[2] output_mask) -> (Tensor, Tensor)",
     kTagNone, GridSamplerBackwardMeta, "out"},
    {"aten::grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool "
     "align_corners) -> Tensor",
     kTagNone, GridSamplerMeta, "out"},
    {"aten::grid_sampler_3d_backward(Tensor grad_output, Tensor input, Tensor grid, int interpolation_mode, int "
     "padding_mode, bool align_corners, bool[2] output_mask) -> (Tensor, Tensor)",
     kTagNone, GridSamplerBackwardMeta, "out"},
    {"aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] "
     "dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
     kTagCore, MaxPoolMeta, "out(out,indices)"},
    {"aten::max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, "
     "int[2] padding, int[2] dilation, bool ceil_mode, Tensor indices) -> Tensor",
     kTagCore, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] "
     "dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
     kTagCore, MaxPoolMeta, "out(out,indices)"},
    {"aten::max_pool3d_with_indices_backward(Tensor grad_output, Tensor self, int[3] kernel_size, int[3] stride, "
     "int[3] padding, int[3] dilation, bool ceil_mode, Tensor indices) -> Tensor",
     kTagNone, PoolBackwardMeta, "grad_input(grad_input)"},
    {"aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor",
     kTagNone, MaxUnpoolMeta, "out"},
    {"aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] stride, int[3] padding) -> Tensor",
     kTagNone, MaxUnpoolMeta, "out"},
    {"aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? "
     "scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) "
     "-> Tensor",
     kTagNone, UpsampleVecMeta},
    {"aten::upsample_bicubic2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, bool "
     "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, "
     "float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     kTagCore, UpsampleVecMeta, "vec_out"},
    {"aten::upsample_bilinear2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, bool "
     "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_linear1d(Tensor self, SymInt[1] output_size, bool align_corners, float? scales=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_linear1d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) "
     "-> Tensor",
     kTagNone, UpsampleVecMeta},
    {"aten::upsample_linear1d_backward(Tensor grad_output, SymInt[1] output_size, SymInt[3] input_size, bool "
     "align_corners, float? scales=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     kTagNone, UpsampleVecMeta},
    {"aten::upsample_nearest1d_backward(Tensor grad_output, SymInt[1] output_size, SymInt[3] input_size, float? "
     "scales=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) -> "
     "Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     kTagCore, UpsampleVecMeta, "vec_out"},
    {"aten::upsample_nearest2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_nearest3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? scales_h=None, "
     "float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_nearest3d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     kTagNone, UpsampleVecMeta},
    {"aten::upsample_nearest3d_backward(Tensor grad_output, SymInt[3] output_size, SymInt[5] input_size, float? "
     "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
    {"aten::upsample_trilinear3d(Tensor self, SymInt[3] output_size, bool align_corners, float? scales_d=None, "
     "float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleMeta, "out"},
    {"aten::upsample_trilinear3d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     kTagNone, UpsampleVecMeta},
    {"aten::upsample_trilinear3d_backward(Tensor grad_output, SymInt[3] output_size, SymInt[5] input_size, bool "
     "align_corners, float? scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
     kTagNone, UpsampleBackwardMeta, "grad_input(grad_input)"},
};

}  // namespace

absl::Span<const OpDef> PoolingOps() { return kRows; }

}  // namespace kiln
