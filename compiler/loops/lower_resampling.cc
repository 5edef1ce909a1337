// Resampling over the last dimensions: nearest neighbours, linear and cubic
// interpolation, and sampling at the points of a grid. Positions are computed
// in float32, or float64 for float64 tensors, as PyTorch's kernels do.
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// One resampled dimension; `scale` is what the caller gave, output over input.
struct ResampledAxis {
  Expr in;
  Expr out;
  std::optional<double> scale;
};

std::vector<ResampledAxis> AxesOf(LoweringContext& c, const Dims& in, const Dims& out, int num_axes, int scale_arg) {
  std::vector<ResampledAxis> axes;
  for (int a = 0; a < num_axes; ++a) {
    ResampledAxis axis{in[in.size() - num_axes + a], out[out.size() - num_axes + a], std::nullopt};
    if (!c.args().IsNone(scale_arg + a) && c.args().Float(scale_arg + a) > 0) axis.scale = c.args().Float(scale_arg + a);
    axes.push_back(axis);
  }
  return axes;
}

Val Real(KernelBuilder& b, DType dtype, Expr e) { return b.FromExpr(dtype, e); }

// Input places per output place.
Val Ratio(KernelBuilder& b, DType dtype, const ResampledAxis& axis) {
  if (axis.scale.has_value()) return b.Constant(dtype, 1.0 / *axis.scale);
  return b.Op(ScalarOp::kDiv, Real(b, dtype, axis.in), Real(b, dtype, axis.out));
}

// --- nearest neighbours

// The place that output place `o` is next to, in whole numbers: exact takes the
// middle of the output place.
Expr WholePlace(ExprPool& pool, const ResampledAxis& axis, Expr o, bool exact) {
  if (!exact) return pool.FloorDiv(pool.Mul(o, axis.in), axis.out);
  Expr twice = pool.Add(pool.Mul(o, Expr(2)), Expr(1));
  return pool.FloorDiv(pool.Mul(twice, axis.in), pool.Mul(Expr(2), axis.out));
}

// Most places of a dimension that are compared one by one.
constexpr int64_t kMostCompared = 1 << 16;

// Whether PyTorch's float32 arithmetic finds the places that whole numbers give.
// Where sizes are not known and no scale is given, it does but for the rounding
// of a quotient that is an integer.
bool IsWhole(const ResampledAxis& axis, bool exact) {
  std::optional<int64_t> in = axis.in.AsInt();
  std::optional<int64_t> out = axis.out.AsInt();
  if (!in.has_value() || !out.has_value()) return !axis.scale.has_value();
  if (*out > kMostCompared) return false;
  float ratio = axis.scale.has_value() ? static_cast<float>(1.0 / *axis.scale)
                                       : static_cast<float>(*in) / static_cast<float>(*out);
  for (int64_t o = 0; o < *out; ++o) {
    float position = (static_cast<float>(o) + (exact ? 0.5f : 0.0f)) * ratio;
    int64_t found = std::min(static_cast<int64_t>(std::floor(position)), *in - 1);
    int64_t whole = exact ? (2 * o + 1) * *in / (2 * *out) : o * *in / *out;
    if (found != whole) return false;
  }
  return true;
}

Expr NearestPlace(KernelBuilder& b, const ResampledAxis& axis, Expr o, bool exact) {
  if (IsWhole(axis, exact)) return WholePlace(b.pool(), axis, o, exact);
  Val position = Real(b, DType::kFloat32, o);
  if (exact) position = b.Op(ScalarOp::kAdd, position, b.Constant(DType::kFloat32, 0.5));
  position = b.Op(ScalarOp::kFloor, b.Op(ScalarOp::kMul, position, Ratio(b, DType::kFloat32, axis)));
  Val last = b.FromExpr(DType::kInt64, b.pool().Sub(axis.in, Expr(1)));
  return b.Indirect(b.Op(ScalarOp::kMinimum, b.Cast(position, DType::kInt64), last), axis.in);
}

// aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None), its
// fellows, and _upsample_nearest_exact2d.
absl::Status Nearest(LoweringContext& c, int num_axes, bool exact) {
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  std::vector<ResampledAxis> axes = AxesOf(c, in.sizes, out.sizes, num_axes, 2);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  size_t first = in.sizes.size() - num_axes;
  for (int a = 0; a < num_axes; ++a) at[first + a] = NearestPlace(b, axes[a], i[first + a], exact);
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
template <int num_axes, bool exact>
absl::Status UpsampleNearest(LoweringContext& c) {
  return Nearest(c, num_axes, exact);
}

void EmitZeros(LoweringContext& c) {
  KernelBuilder b = c.NewKernel();
  FillNest(b, c.Out(), Expr(0));
  c.Emit(std::move(b));
}

// The factor by which every axis grows, if it is whole and known: then each
// place has a block of output places of its own.
std::optional<std::vector<int64_t>> WholeFactors(const std::vector<ResampledAxis>& axes, bool exact) {
  std::vector<int64_t> factors;
  for (const ResampledAxis& axis : axes) {
    std::optional<int64_t> in = axis.in.AsInt();
    std::optional<int64_t> out = axis.out.AsInt();
    if (!in.has_value() || !out.has_value() || *in == 0 || *out % *in != 0 || !IsWhole(axis, exact)) return std::nullopt;
    factors.push_back(*out / *in);
  }
  return factors;
}

absl::Status SumOfBlocks(LoweringContext& c, const std::vector<int64_t>& factors) {
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims block;
  for (int64_t factor : factors) block.emplace_back(factor);
  Dims k = b.BeginNest(block);
  Dims at = i;
  size_t first = i.size() - factors.size();
  for (size_t a = 0; a < factors.size(); ++a) {
    at[first + a] = c.pool().Add(c.pool().Mul(i[first + a], block[a]), k[a]);
  }
  b.Update(sum, b.Load(grad.buffer, grad.dtype, b.Index(grad, at)));
  b.EndNest(k);
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::upsample_nearest2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, float?
// scales_h=None, float? scales_w=None), and its fellows.
absl::Status NearestBackward(LoweringContext& c, int num_axes, bool exact) {
  TensorOperand grad = c.In(0);
  std::vector<ResampledAxis> axes = AxesOf(c, c.OutTensor().sizes, grad.sizes, num_axes, 3);
  if (std::optional<std::vector<int64_t>> factors = WholeFactors(axes, exact)) return SumOfBlocks(c, *factors);
  TensorOperand out = c.Out();
  EmitZeros(c);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(grad.sizes);
  Dims at = i;
  size_t first = i.size() - num_axes;
  for (int a = 0; a < num_axes; ++a) at[first + a] = NearestPlace(b, axes[a], i[first + a], exact);
  b.StoreAdd(out.buffer, out.dtype, b.Index(out, at), b.Load(grad.buffer, grad.dtype, b.Index(grad, i)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
template <int num_axes, bool exact>
absl::Status UpsampleNearestBackward(LoweringContext& c) {
  return NearestBackward(c, num_axes, exact);
}

// --- interpolation

// A place of the input and its share in an output place.
struct Tap {
  Expr place;
  Val weight;
};

// Where the middle of output place `o` lies in the input.
Val Position(KernelBuilder& b, DType dtype, const ResampledAxis& axis, Expr o, bool align_corners) {
  ExprPool& pool = b.pool();
  if (align_corners) {
    // A single output place is at 0, whatever it is divided by.
    Val spans = Real(b, dtype, pool.Max(pool.Sub(axis.out, Expr(1)), Expr(1)));
    Val ratio = b.Op(ScalarOp::kDiv, Real(b, dtype, pool.Sub(axis.in, Expr(1))), spans);
    return b.Op(ScalarOp::kMul, ratio, Real(b, dtype, o));
  }
  Val half = b.Constant(dtype, 0.5);
  Val middle = b.Op(ScalarOp::kAdd, Real(b, dtype, o), half);
  return b.Op(ScalarOp::kSub, b.Op(ScalarOp::kMul, Ratio(b, dtype, axis), middle), half);
}

Val Between(KernelBuilder& b, Val v, Val low, Val high) {
  return b.Op(ScalarOp::kMinimum, b.Op(ScalarOp::kMaximum, v, low), high);
}

std::vector<Tap> LinearTaps(KernelBuilder& b, DType dtype, const ResampledAxis& axis, Expr o, bool align_corners) {
  ExprPool& pool = b.pool();
  Val zero = b.Constant(dtype, 0);
  Val one = b.Constant(dtype, 1);
  Expr last = pool.Sub(axis.in, Expr(1));
  Val position = b.Op(ScalarOp::kMaximum, Position(b, dtype, axis, o, align_corners), zero);
  Val whole = b.Op(ScalarOp::kMinimum, b.Op(ScalarOp::kFloor, position), Real(b, dtype, last));
  Val rest = Between(b, b.Op(ScalarOp::kSub, position, whole), zero, one);
  Expr low = b.Indirect(whole, axis.in);
  return {{low, b.Op(ScalarOp::kSub, one, rest)}, {pool.Min(pool.Add(low, Expr(1)), last), rest}};
}

// Keys' cubic convolution at distance x: the two arms of its kernel.
constexpr double kCubicA = -0.75;
Val CubicNear(KernelBuilder& b, Val x) {
  Val inner = b.Op(ScalarOp::kSub, b.Op(ScalarOp::kMul, b.Constant(x.dtype, kCubicA + 2), x),
                   b.Constant(x.dtype, kCubicA + 3));
  return b.Op(ScalarOp::kAdd, b.Op(ScalarOp::kMul, b.Op(ScalarOp::kMul, inner, x), x), b.Constant(x.dtype, 1));
}
Val CubicFar(KernelBuilder& b, Val x) {
  auto number = [&](double v) { return b.Constant(x.dtype, v); };
  Val inner = b.Op(ScalarOp::kSub, b.Op(ScalarOp::kMul, number(kCubicA), x), number(5 * kCubicA));
  inner = b.Op(ScalarOp::kAdd, b.Op(ScalarOp::kMul, inner, x), number(8 * kCubicA));
  return b.Op(ScalarOp::kSub, b.Op(ScalarOp::kMul, inner, x), number(4 * kCubicA));
}
std::vector<Val> CubicWeights(KernelBuilder& b, Val t) {
  Val one = b.Constant(t.dtype, 1);
  Val rest = b.Op(ScalarOp::kSub, one, t);
  return {CubicFar(b, b.Op(ScalarOp::kAdd, t, one)), CubicNear(b, t), CubicNear(b, rest),
          CubicFar(b, b.Op(ScalarOp::kAdd, rest, one))};
}

std::vector<Tap> CubicTaps(KernelBuilder& b, DType dtype, const ResampledAxis& axis, Expr o, bool align_corners) {
  Expr last = b.pool().Sub(axis.in, Expr(1));
  Val position = Position(b, dtype, axis, o, align_corners);
  Val whole = b.Op(ScalarOp::kMinimum, b.Op(ScalarOp::kFloor, position), Real(b, dtype, last));
  Val rest = Between(b, b.Op(ScalarOp::kSub, position, whole), b.Constant(dtype, 0), b.Constant(dtype, 1));
  std::vector<Val> weights = CubicWeights(b, rest);
  std::vector<Tap> taps;
  Val middle = b.Cast(whole, DType::kInt64);
  for (int k = 0; k < 4; ++k) {
    Val place = b.Op(ScalarOp::kAdd, middle, b.Constant(DType::kInt64, k - 1));
    place = Between(b, place, b.Constant(DType::kInt64, 0), b.FromExpr(DType::kInt64, last));
    taps.push_back({b.Indirect(place, axis.in), weights[k]});
  }
  return taps;
}

using TapsOf = std::vector<Tap> (*)(KernelBuilder& b, DType dtype, const ResampledAxis& axis, Expr o,
                                    bool align_corners);

// Calls `visit` with the places and weights of all taps of one output place.
void VisitTaps(const std::vector<std::vector<Tap>>& taps, Dims at, size_t axis, std::vector<Val>& weights,
               const std::function<void(const Dims& at, const std::vector<Val>& weights)>& visit) {
  if (axis == taps.size()) return visit(at, weights);
  for (const Tap& tap : taps[axis]) {
    at[at.size() - taps.size() + axis] = tap.place;
    weights.push_back(tap.weight);
    VisitTaps(taps, at, axis + 1, weights, visit);
    weights.pop_back();
  }
}

// The sum over the taps of the axes from `axis` on, innermost axis first.
Val Interpolated(KernelBuilder& b, const TensorOperand& in, DType dtype, const std::vector<std::vector<Tap>>& taps,
                 Dims at, size_t axis) {
  if (axis == taps.size()) return b.Cast(b.Load(in.buffer, in.dtype, b.Index(in, at)), dtype);
  std::optional<Val> sum;
  for (const Tap& tap : taps[axis]) {
    at[at.size() - taps.size() + axis] = tap.place;
    Val part = b.Op(ScalarOp::kMul, Interpolated(b, in, dtype, taps, at, axis + 1), tap.weight);
    sum = sum.has_value() ? b.Op(ScalarOp::kAdd, *sum, part) : part;
  }
  return *sum;
}

// aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float?
// scales_w=None), and its fellows.
absl::Status Interpolate(LoweringContext& c, int num_axes, TapsOf taps_of) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("interpolation of integers");
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  bool align_corners = c.args().Bool(2);
  std::vector<ResampledAxis> axes = AxesOf(c, in.sizes, out.sizes, num_axes, 3);
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  std::vector<std::vector<Tap>> taps;
  size_t first = i.size() - num_axes;
  for (int a = 0; a < num_axes; ++a) taps.push_back(taps_of(b, dtype, axes[a], i[first + a], align_corners));
  StoreAt(b, out, i, Interpolated(b, in, dtype, taps, i, 0));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
template <int num_axes>
absl::Status UpsampleLinear(LoweringContext& c) {
  return Interpolate(c, num_axes, LinearTaps);
}
absl::Status UpsampleBicubic2d(LoweringContext& c) { return Interpolate(c, 2, CubicTaps); }

// aten::upsample_bilinear2d_backward(Tensor grad_output, SymInt[2] output_size, SymInt[4] input_size, bool
// align_corners, float? scales_h=None, float? scales_w=None), and its fellows. float16 would be rounded at each
// addition.
absl::Status InterpolateBackward(LoweringContext& c, int num_axes, TapsOf taps_of) {
  DType dtype = c.OutTensor().dtype;
  if (!IsFloating(dtype) || ComputationDType(dtype) != dtype) return c.Unsupported("sums in a narrow dtype");
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  bool align_corners = c.args().Bool(3);
  std::vector<ResampledAxis> axes = AxesOf(c, out.sizes, grad.sizes, num_axes, 4);
  EmitZeros(c);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(grad.sizes);
  std::vector<std::vector<Tap>> taps;
  size_t first = i.size() - num_axes;
  for (int a = 0; a < num_axes; ++a) taps.push_back(taps_of(b, dtype, axes[a], i[first + a], align_corners));
  Val v = b.Load(grad.buffer, grad.dtype, b.Index(grad, i));
  std::vector<Val> weights;
  VisitTaps(taps, i, 0, weights, [&](const Dims& at, const std::vector<Val>& shares) {
    Val part = v;
    for (Val share : shares) part = b.Op(ScalarOp::kMul, part, share);
    b.StoreAdd(out.buffer, out.dtype, b.Index(out, at), part);
  });
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
template <int num_axes>
absl::Status UpsampleLinearBackward(LoweringContext& c) {
  return InterpolateBackward(c, num_axes, LinearTaps);
}
absl::Status UpsampleBicubic2dBackward(LoweringContext& c) { return InterpolateBackward(c, 2, CubicTaps); }

// --- grids

// The numbers of grid_sampler's modes.
enum class GridMode : int64_t { kBilinear = 0, kNearest = 1, kBicubic = 2 };
enum class GridPadding : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

// One element of grid_sampler_2d's result.
class GridSample {
 public:
  GridSample(LoweringContext& c, KernelBuilder& b, const TensorOperand& in, DType dtype)
      : b_(b), in_(in), dtype_(dtype), mode_(GridMode(c.args().Int(2))), padding_(GridPadding(c.args().Int(3))),
        align_corners_(c.args().Bool(4)) {}

  // At (x, y) of the grid, each in [-1, 1], of the plane that the first indices of `i` name.
  Val At(Dims i, Val x, Val y) {
    at_ = std::move(i);
    Expr height = in_.sizes[2];
    Expr width = in_.sizes[3];
    Val column = Unnormalized(x, width);
    Val row = Unnormalized(y, height);
    switch (mode_) {
      case GridMode::kBilinear: return Bilinear(Moved(row, height), Moved(column, width));
      case GridMode::kNearest:
        return Pixel(Op(ScalarOp::kRound, Moved(row, height)), Op(ScalarOp::kRound, Moved(column, width)));
      case GridMode::kBicubic: return Bicubic(row, column);
    }
    return Number(0);
  }

 private:
  Val Op(ScalarOp op, Val a) { return b_.Op(op, a); }
  Val Op(ScalarOp op, Val a, Val b) { return b_.Op(op, a, b); }
  Val Add(Val a, Val b) { return Op(ScalarOp::kAdd, a, b); }
  Val Sub(Val a, Val b) { return Op(ScalarOp::kSub, a, b); }
  Val Mul(Val a, Val b) { return Op(ScalarOp::kMul, a, b); }
  Val Number(double v) { return b_.Constant(dtype_, v); }
  Val Size(Expr size) { return b_.FromExpr(dtype_, size); }

  Val Unnormalized(Val x, Expr size) {
    Val moved = Add(x, Number(1));
    if (align_corners_) return Mul(Mul(moved, Number(0.5)), Size(b_.pool().Sub(size, Expr(1))));
    return Mul(Sub(Mul(moved, Size(size)), Number(1)), Number(0.5));
  }

  Val Clipped(Val x, Expr size) { return Between(b_, x, Number(0), Size(b_.pool().Sub(size, Expr(1)))); }

  // What the padding makes of a position.
  Val Moved(Val x, Expr size) {
    if (padding_ == GridPadding::kZeros) return x;
    return Clipped(padding_ == GridPadding::kBorder ? x : Reflected(x, size), size);
  }

  // Reflected between the middles, or the outer edges, of the first and the last place.
  Val Reflected(Val x, Expr size) {
    ExprPool& pool = b_.pool();
    double low = align_corners_ ? 0 : -0.5;
    // A single place that corners are aligned to has no span, and is at 0.
    Val span = Size(align_corners_ ? pool.Max(pool.Sub(size, Expr(1)), Expr(1)) : size);
    Val distance = Op(ScalarOp::kAbs, Sub(x, Number(low)));
    Val flips = Op(ScalarOp::kFloor, Op(ScalarOp::kDiv, distance, span));
    Val rest = Op(ScalarOp::kFmod, distance, span);
    Val is_even = Op(ScalarOp::kEq, Op(ScalarOp::kRemainder, flips, Number(2)), Number(0));
    Val reflected = Add(b_.Where(is_even, rest, Sub(span, rest)), Number(low));
    if (!align_corners_) return reflected;
    Val is_single = Op(ScalarOp::kEq, Size(size), Number(1));
    return b_.Where(is_single, Number(0), reflected);
  }

  Val IsWithin(Val x, Expr size) {
    Val above = Op(ScalarOp::kGe, x, Number(0));
    return Op(ScalarOp::kBitAnd, above, Op(ScalarOp::kLt, x, Size(size)));
  }

  // The element at whole numbers `row` and `column`, 0 outside of the plane.
  Val Pixel(Val row, Val column) {
    Val inside = Op(ScalarOp::kBitAnd, IsWithin(row, in_.sizes[2]), IsWithin(column, in_.sizes[3]));
    Dims at = at_;
    at[2] = b_.Indirect(b_.Cast(b_.Where(inside, row, Number(0)), DType::kInt64), in_.sizes[2]);
    at[3] = b_.Indirect(b_.Cast(b_.Where(inside, column, Number(0)), DType::kInt64), in_.sizes[3]);
    Val v = b_.Cast(b_.Load(in_.buffer, in_.dtype, b_.Index(in_, at)), dtype_);
    return b_.Where(inside, v, Number(0));
  }

  Val Bilinear(Val row, Val column) {
    Val top = Op(ScalarOp::kFloor, row);
    Val left = Op(ScalarOp::kFloor, column);
    Val bottom = Add(top, Number(1));
    Val right = Add(left, Number(1));
    Val up = Sub(bottom, row), down = Sub(row, top);
    Val west = Sub(right, column), east = Sub(column, left);
    Val sum = Mul(Pixel(top, left), Mul(up, west));
    sum = Add(sum, Mul(Pixel(top, right), Mul(up, east)));
    sum = Add(sum, Mul(Pixel(bottom, left), Mul(down, west)));
    return Add(sum, Mul(Pixel(bottom, right), Mul(down, east)));
  }

  Val Bicubic(Val row, Val column) {
    Val top = Op(ScalarOp::kFloor, row);
    Val left = Op(ScalarOp::kFloor, column);
    std::vector<Val> down = CubicWeights(b_, Sub(row, top));
    std::vector<Val> along = CubicWeights(b_, Sub(column, left));
    std::optional<Val> sum;
    for (int r = 0; r < 4; ++r) {
      Val y = Moved(Add(top, Number(r - 1)), in_.sizes[2]);
      std::optional<Val> line;
      for (int k = 0; k < 4; ++k) {
        Val x = Moved(Add(left, Number(k - 1)), in_.sizes[3]);
        Val part = Mul(Pixel(y, x), along[k]);
        line = line.has_value() ? Add(*line, part) : part;
      }
      Val part = Mul(*line, down[r]);
      sum = sum.has_value() ? Add(*sum, part) : part;
    }
    return *sum;
  }

  KernelBuilder& b_;
  const TensorOperand& in_;
  DType dtype_;
  GridMode mode_;
  GridPadding padding_;
  bool align_corners_;
  Dims at_;
};

// aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners):
// [n, c, h, w] and [n, y, x, 2] -> [n, c, y, x]
absl::Status GridSampler2d(LoweringContext& c) {
  TensorOperand in = c.In(0);
  TensorOperand grid = c.In(1);
  for (int d : {2, 3}) {
    if (!c.env().KnownTrue(c.pool().Gt(in.sizes[d], Expr(0)))) return c.Unsupported("a plane that may be empty");
  }
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  auto coordinate = [&](int which) {
    return b.Cast(b.Load(grid.buffer, grid.dtype, b.Index(grid, {i[0], i[2], i[3], Expr(which)})), dtype);
  };
  StoreAt(b, out, i, GridSample(c, b, in, dtype).At(i, coordinate(0), coordinate(1)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._upsample_nearest_exact1d.default", UpsampleNearest<1, true>},
    {"aten._upsample_nearest_exact1d_backward.default", UpsampleNearestBackward<1, true>},
    {"aten._upsample_nearest_exact2d.default", UpsampleNearest<2, true>},
    {"aten._upsample_nearest_exact2d_backward.default", UpsampleNearestBackward<2, true>},
    {"aten._upsample_nearest_exact3d.default", UpsampleNearest<3, true>},
    {"aten._upsample_nearest_exact3d_backward.default", UpsampleNearestBackward<3, true>},
    {"aten.grid_sampler_2d.default", GridSampler2d},
    {"aten.upsample_bicubic2d.default", UpsampleBicubic2d},
    {"aten.upsample_bicubic2d_backward.default", UpsampleBicubic2dBackward},
    {"aten.upsample_bilinear2d.default", UpsampleLinear<2>},
    {"aten.upsample_bilinear2d_backward.default", UpsampleLinearBackward<2>},
    {"aten.upsample_linear1d.default", UpsampleLinear<1>},
    {"aten.upsample_linear1d_backward.default", UpsampleLinearBackward<1>},
    {"aten.upsample_nearest1d.default", UpsampleNearest<1, false>},
    {"aten.upsample_nearest1d_backward.default", UpsampleNearestBackward<1, false>},
    {"aten.upsample_nearest2d.default", UpsampleNearest<2, false>},
    {"aten.upsample_nearest2d_backward.default", UpsampleNearestBackward<2, false>},
    {"aten.upsample_nearest3d.default", UpsampleNearest<3, false>},
    {"aten.upsample_nearest3d_backward.default", UpsampleNearestBackward<3, false>},
    {"aten.upsample_trilinear3d.default", UpsampleLinear<3>},
    {"aten.upsample_trilinear3d_backward.default", UpsampleLinearBackward<3>},
};

}  // namespace

absl::Span<const LoweringRow> ResamplingLowerings() { return kRows; }

}  // namespace kiln
