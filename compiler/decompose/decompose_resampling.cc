// Pooling and resampling written in another way: of one dimension, or by scale
// factors instead of sizes.
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor, as a plane of one row.
void AdaptiveAvgPool1d(D& d) {
  int64_t size = *(*d.Arg(1).get_if<ArgumentList>())[0].get_if<int64_t>();
  ValueId plane = d.Call("aten.unsqueeze.default", {d.Value(0), -2});
  d.Return(d.Call("aten.squeeze.dim", {d.Call("aten._adaptive_avg_pool2d.default", {plane, CallArg::Ints({1, size})}), -2}));
}

// aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, bool
//   count_include_pad=True) -> Tensor
void AvgPool1d(D& d) {
  auto pair = [&](int arg, int64_t of_rows) {
    const ArgumentList& list = *d.Arg(arg).get_if<ArgumentList>();
    if (list.empty()) return CallArg::Ints({});
    return CallArg::Ints({of_rows, *list[0].get_if<int64_t>()});
  };
  ValueId plane = d.Call("aten.unsqueeze.default", {d.Value(0), -2});
  ValueId means = d.Call("aten.avg_pool2d.default", {plane, pair(1, 1), pair(2, 1), pair(3, 0), d.Arg(4), d.Arg(5)});
  d.Return(d.Call("aten.squeeze.dim", {means, -2}));
}

// The size of dimension `dim` times `factor`, rounded down.
Argument Scaled(D& d, int dim, double factor) {
  Argument size = d.Size(d.Value(0), dim);
  if (const int64_t* known = size.get_if<int64_t>()) return Argument(static_cast<int64_t>(std::floor(*known * factor)));
  return Argument(d.Call("sym.int", {d.Call("sym.mul", {d.Call("sym.float", {size}), factor})}));
}

// aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors)
//   -> Tensor and its fellows; nearest ones have no align_corners.
void UpsampleVec(D& d) {
  bool has_corners = d.args().size() == 4;
  int scales_arg = has_corners ? 3 : 2;
  std::vector<CallArg> args = {d.Value(0)};
  if (d.IsNone(scales_arg)) {
    args.push_back(d.Arg(1));
    if (has_corners) args.push_back(d.Arg(2));
  } else {
    const ArgumentList& scales = *d.Arg(scales_arg).get_if<ArgumentList>();
    ArgumentList sizes;
    for (size_t a = 0; a < scales.size(); ++a) {
      sizes.push_back(Scaled(d, static_cast<int>(a) + 2, *scales[a].get_if<double>()));
    }
    args.push_back(Argument(std::move(sizes)));
    if (has_corners) args.push_back(d.Arg(2));
    for (const Argument& scale : scales) args.push_back(scale);
  }
  d.Return(d.Call(absl::StrReplaceAll(d.op(), {{".vec", ".default"}}), std::move(args)));
}

constexpr DecomposeRow kRows[] = {
    {"aten.adaptive_avg_pool1d.default", AdaptiveAvgPool1d},
    {"aten.avg_pool1d.default", AvgPool1d},
    {"aten.upsample_bicubic2d.vec", UpsampleVec},
    {"aten.upsample_bilinear2d.vec", UpsampleVec},
    {"aten.upsample_linear1d.vec", UpsampleVec},
    {"aten.upsample_nearest1d.vec", UpsampleVec},
    {"aten.upsample_nearest2d.vec", UpsampleVec},
    {"aten.upsample_nearest3d.vec", UpsampleVec},
    {"aten.upsample_trilinear3d.vec", UpsampleVec},
};

}  // namespace

absl::Span<const DecomposeRow> ResamplingRules() { return kRows; }

}  // namespace kiln
