// Special functions, by the approximations of the Cephes library that PyTorch's
// own kernels use (aten/src/ATen/native/Math.h). Gamma functions cancel, so they
// are computed in float64 whatever the dtype.
#include <cmath>
#include <limits>

#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

using P = PointwiseContext;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Val Exp(P& p, Val x) { return p.Op(ScalarOp::kExp, x); }
Val Log(P& p, Val x) { return p.Op(ScalarOp::kLog, x); }
Val Abs(P& p, Val x) { return p.Op(ScalarOp::kAbs, x); }
Val Neg(P& p, Val x) { return p.Op(ScalarOp::kNeg, x); }
Val Sqrt(P& p, Val x) { return p.Op(ScalarOp::kSqrt, x); }
Val Like(P& p, Val x, double number) { return p.b().Constant(x.dtype, number); }

// A polynomial; the highest power's coefficient stands first.
Val Polynomial(P& p, Val x, absl::Span<const double> coefficients) {
  Val sum = Like(p, x, coefficients[0]);
  for (double c : coefficients.subspan(1)) sum = p.Add(p.Mul(sum, x), Like(p, x, c));
  return sum;
}

// A series of Chebyshev polynomials of x/2; the highest order stands first.
Val Chebyshev(P& p, Val x, absl::Span<const double> coefficients) {
  Val b0 = Like(p, x, coefficients[0]);
  Val b1 = Like(p, x, 0);
  Val b2 = b1;
  for (double c : coefficients.subspan(1)) {
    b2 = b1;
    b1 = b0;
    b0 = p.Add(p.Sub(p.Mul(x, b1), b2), Like(p, x, c));
  }
  return p.Mul(Like(p, x, 0.5), p.Sub(b0, b2));
}

// --- error functions

// exp(x^2) erfc(x) is P(x)/Q(x) for x in [1, 8), R(x)/S(x) from there on.
constexpr double kErfcxP[] = {
    2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771,
    526.4451949954773, 934.5285271719576, 1027.5518868951572, 557.5353353693994,
};
constexpr double kErfcxQ[] = {
    1.0, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
    2246.3376081871097, 1656.6630919416134, 557.5353408177277,
};
constexpr double kErfcxR[] = {
    0.5641895835477551, 1.275366707599781, 5.019050422511805, 6.160210979930536, 7.4097426995044895,
    2.9788666537210022,
};
constexpr double kErfcxS[] = {
    1.0, 2.2605286322011726, 9.396035249380015, 12.048953980809666, 17.08144507475659, 9.608968090632859,
    3.369076451000815,
};

// exp(x^2) erfc(x) for x >= 1.
Val ScaledTail(P& p, Val x) {
  // Behind any finite result, and so that no power overflows.
  Val far = p.Min(x, Like(p, x, 1e6));
  Val near = p.Min(x, Like(p, x, 8));
  Val first = p.Div(Polynomial(p, near, kErfcxP), Polynomial(p, near, kErfcxQ));
  Val second = p.Div(Polynomial(p, far, kErfcxR), Polynomial(p, far, kErfcxS));
  // 1 / (sqrt(pi) x) is all that is left of it.
  Val last = p.Div(Like(p, x, M_2_SQRTPI / 2), x);
  Val tail = p.Where(p.Lt(x, Like(p, x, 8)), first, second);
  return p.Where(p.Lt(x, Like(p, x, 1e6)), tail, last);
}

Val ErfcOf(P& p, Val x) {
  Val magnitude = p.Max(Abs(p, x), Like(p, x, 1));
  Val tail = p.Mul(Exp(p, Neg(p, p.Mul(magnitude, magnitude))), ScaledTail(p, magnitude));
  Val middle = p.Sub(Like(p, x, 1), p.Op(ScalarOp::kErf, x));
  Val below = p.Where(p.Le(x, Like(p, x, -1)), p.Sub(Like(p, x, 2), tail), middle);
  return p.Where(p.Op(ScalarOp::kGe, x, Like(p, x, 1)), tail, below);
}
Val Erfc(P& p) { return ErfcOf(p, p.Arg(0)); }

Val ErfcxOf(P& p, Val x) {
  Val one = Like(p, x, 1);
  Val square = Exp(p, p.Mul(x, x));
  Val middle = p.Mul(square, p.Sub(one, p.Op(ScalarOp::kErf, x)));
  Val above = ScaledTail(p, p.Max(x, one));
  Val below = p.Sub(p.Mul(Like(p, x, 2), square), ScaledTail(p, p.Max(Neg(p, x), one)));
  Val left = p.Where(p.Le(x, Like(p, x, -1)), below, middle);
  return p.Where(p.Op(ScalarOp::kGe, x, one), above, left);
}
Val Erfcx(P& p) { return ErfcxOf(p, p.Arg(0)); }

// The logarithm of the normal distribution function.
Val LogNdtr(P& p) {
  Val x = p.Arg(0);
  Val t = p.Mul(x, p.Number(M_SQRT1_2));
  Val tail = p.Sub(Log(p, p.Mul(ErfcxOf(p, Neg(p, p.Min(t, p.Number(0)))), p.Number(0.5))), p.Mul(t, t));
  Val body = p.Op(ScalarOp::kLog1p, p.Mul(ErfcOf(p, t), p.Number(-0.5)));
  return p.Where(p.Lt(x, p.Number(-1)), tail, body);
}

// A rational start, in the middle and at the ends, and two steps of Newton's.
Val Erfinv(P& p) {
  constexpr double kA[] = {-0.140543331, 0.914624893, -1.645349621, 0.886226899};
  constexpr double kB[] = {0.012229801, -0.329097515, 1.442710462, -2.118377725, 1.0};
  constexpr double kC[] = {1.641345311, 3.429567803, -1.624906493, -1.970840454};
  constexpr double kD[] = {1.637067800, 3.543889200, 1.0};
  constexpr double kCentralRange = 0.7;
  Val y = p.Arg(0);
  Val magnitude = Abs(p, y);
  Val one = p.Number(1);
  Val square = p.Mul(y, y);
  Val middle = p.Mul(y, p.Div(Polynomial(p, square, kA), Polynomial(p, square, kB)));
  Val z = Sqrt(p, Neg(p, Log(p, p.Mul(p.Sub(one, magnitude), p.Number(0.5)))));
  Val end = p.Div(p.Mul(Polynomial(p, z, kC), p.Op(ScalarOp::kSign, y)), Polynomial(p, z, kD));
  Val x = p.Where(p.Le(magnitude, p.Number(kCentralRange)), middle, end);
  for (int step = 0; step < 2; ++step) {
    Val slope = p.Mul(p.Number(M_2_SQRTPI), Exp(p, Neg(p, p.Mul(x, x))));
    x = p.Sub(x, p.Div(p.Sub(p.Op(ScalarOp::kErf, x), y), slope));
  }
  Val infinite = p.Mul(p.Op(ScalarOp::kSign, y), p.Number(kInf));
  Val beyond = p.Where(p.Eq(magnitude, one), infinite, p.Number(kNan));
  return p.Where(p.Lt(magnitude, one), x, beyond);
}

// The quantile of the normal distribution: around 0.5, and for z = sqrt(-2 log y) in [2, 8) and [8, 64).
constexpr double kNdtriP0[] = {
    -59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125,
};
constexpr double kNdtriQ0[] = {
    1.0, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937, 200.26021238006066,
    -82.03722561683334, 15.90562251262117, -1.1833162112133,
};
constexpr double kNdtriP1[] = {
    4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803,
    2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854,
};
constexpr double kNdtriQ1[] = {
    1.0, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075, 2.504649462083094,
    -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574,
};
constexpr double kNdtriP2[] = {
    3.2377489177694603, 6.915228890689842, 3.9388102529247444, 1.3330346081580755, 0.20148538954917908,
    0.012371663481782003, 0.00030158155350823543, 2.6580697468673755e-06, 6.239745391849833e-09,
};
constexpr double kNdtriQ2[] = {
    1.0, 6.02427039364742, 3.6798356385616087, 1.3770209948908132, 0.21623699359449663, 0.013420400608854318,
    0.00032801446468212774, 2.8924786474538068e-06, 6.790194080099813e-09,
};

Val Ndtri(P& p) {
  constexpr double kExpMinusTwo = 0.13533528323661269189;
  constexpr double kRootTwoPi = 2.50662827463100050242;
  Val given = p.Arg(0);
  Val one = p.Number(1);
  Val is_high = p.Gt(given, p.Number(1 - kExpMinusTwo));
  Val y = p.Where(is_high, p.Sub(one, given), given);
  Val from_middle = p.Sub(y, p.Number(0.5));
  Val square = p.Mul(from_middle, from_middle);
  Val ratio = p.Div(Polynomial(p, square, kNdtriP0), Polynomial(p, square, kNdtriQ0));
  Val middle = p.Mul(p.Add(from_middle, p.Mul(from_middle, p.Mul(square, ratio))), p.Number(kRootTwoPi));
  Val x = Sqrt(p, p.Mul(p.Number(-2), Log(p, y)));
  Val z = p.Div(one, x);
  Val near = p.Div(Polynomial(p, z, kNdtriP1), Polynomial(p, z, kNdtriQ1));
  Val far = p.Div(Polynomial(p, z, kNdtriP2), Polynomial(p, z, kNdtriQ2));
  Val share = p.Mul(z, p.Where(p.Lt(x, p.Number(8)), near, far));
  Val tail = p.Sub(p.Sub(x, p.Div(Log(p, x), x)), share);
  Val end = p.Where(is_high, tail, Neg(p, tail));
  Val inside = p.Where(p.Gt(y, p.Number(kExpMinusTwo)), middle, end);
  Val zero = p.Number(0);
  Val at_ends = p.Where(p.Eq(given, zero), p.Number(-kInf), p.Where(p.Eq(given, one), p.Number(kInf), p.Number(kNan)));
  return p.Where(p.And(p.Gt(given, zero), p.Lt(given, one)), inside, at_ends);
}

// --- gamma functions

// Lanczos' approximation with g = 7.
constexpr double kLanczos[] = {
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-06, 1.5056327351493116e-07,
};
constexpr double kLanczosFirst = 0.99999999999980993;

// log(gamma(x)) for x >= 0.5, in float64.
Val LogGammaAbove(P& p, Val x) {
  Val before = p.Sub(x, Like(p, x, 1));
  Val sum = Like(p, x, kLanczosFirst);
  double k = 1;
  for (double c : kLanczos) sum = p.Add(sum, p.Div(Like(p, x, c), p.Add(before, Like(p, x, k++))));
  Val t = p.Add(before, Like(p, x, 7.5));
  Val power = p.Sub(p.Mul(p.Add(before, Like(p, x, 0.5)), Log(p, t)), t);
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  return p.Add(p.Add(power, Like(p, x, kHalfLogTwoPi)), Log(p, sum));
}

Val LgammaOf(P& p, Val x) {
  Val half = Like(p, x, 0.5);
  Val mirrored = p.Lt(x, half);
  Val value = LogGammaAbove(p, p.Where(mirrored, p.Sub(Like(p, x, 1), x), x));
  Val whole = p.Op(ScalarOp::kFloor, x);
  Val sine = p.Op(ScalarOp::kSin, p.Mul(Like(p, x, M_PI), p.Sub(x, whole)));
  Val below = p.Sub(Log(p, p.Div(Like(p, x, M_PI), Abs(p, sine))), value);
  Val is_pole = p.And(p.Le(x, Like(p, x, 0)), p.Eq(x, whole));
  Val is_infinite = p.Or(is_pole, p.Op(ScalarOp::kIsInf, x));
  return p.Where(is_infinite, Like(p, x, kInf), p.Where(mirrored, below, value));
}
Val Lgamma(P& p) { return p.b().Cast(LgammaOf(p, p.b().Cast(p.Arg(0), DType::kFloat64)), p.dtype()); }

// aten::mvlgamma(Tensor self, int p): the sum of log(gamma(x - i/2)) for i < p, and a constant.
Val Mvlgamma(P& p) {
  Val x = p.b().Cast(p.Arg(0), DType::kFloat64);
  int64_t terms = p.args().Int(1);
  Val sum = Like(p, x, 0.25 * static_cast<double>(terms * (terms - 1)) * std::log(M_PI));
  for (int64_t i = 0; i < terms; ++i) sum = p.Add(sum, LgammaOf(p, p.Sub(x, Like(p, x, 0.5 * static_cast<double>(i)))));
  return p.b().Cast(sum, p.dtype());
}

// Stirling's series from 10 on; smaller numbers climb there step by step.
Val DigammaAbove(P& p, Val x) {
  constexpr double kSeries[] = {8.33333333333333333333E-2,  -2.10927960927960927961E-2, 7.57575757575757575758E-3,
                                -4.16666666666666666667E-3, 3.96825396825396825397E-3,  -8.33333333333333333333E-3,
                                8.33333333333333333333E-2};
  Val one = Like(p, x, 1), zero = Like(p, x, 0), ten = Like(p, x, 10);
  Val sum = zero;
  for (int step = 0; step < 10; ++step) {
    Val is_low = p.Lt(x, ten);
    sum = p.Sub(sum, p.Where(is_low, p.Div(one, x), zero));
    x = p.Add(x, p.Where(is_low, one, zero));
  }
  Val z = p.Div(one, p.Mul(x, x));
  Val series = p.Mul(z, Polynomial(p, z, kSeries));
  return p.Sub(p.Sub(p.Add(sum, Log(p, x)), p.Div(Like(p, x, 0.5), x)), series);
}

Val DigammaOf(P& p, Val x) {
  Val zero = Like(p, x, 0);
  Val is_below = p.Lt(x, zero);
  Val value = DigammaAbove(p, p.Where(is_below, p.Sub(Like(p, x, 1), x), x));
  Val whole = p.Op(ScalarOp::kTrunc, x);
  Val tangent = p.Op(ScalarOp::kTan, p.Mul(Like(p, x, M_PI), p.Sub(x, whole)));
  Val mirrored = p.Sub(value, p.Div(Like(p, x, M_PI), tangent));
  Val below = p.Where(p.Eq(x, whole), Like(p, x, kNan), mirrored);
  // 1/-0 and 1/0 are infinities of the right sign.
  Val at_zero = Neg(p, p.Div(Like(p, x, 1), x));
  return p.Where(p.Eq(x, zero), at_zero, p.Where(is_below, below, value));
}
Val Digamma(P& p) { return p.b().Cast(DigammaOf(p, p.b().Cast(p.Arg(0), DType::kFloat64)), p.dtype()); }

// --- Bessel functions

// exp(-x) I0(x) in [0, 8], and exp(-x) sqrt(x) I0(x) from there on.
constexpr double kI0A[] = {
    -4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15,
    -1.1685332877993451e-14, 7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12,
    -1.726826291441556e-11, 9.675809035373237e-11, -5.189795601635263e-10, 2.6598237246823866e-09,
    -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07, 1.1173875391201037e-06,
    -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
    -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998,
    -0.02373741480589947, 0.04930528423967071, -0.09490109704804764, 0.17162090152220877, -0.3046826723431984,
    0.6767952744094761,
};
constexpr double kI0B[] = {
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17,
    -2.8276239805165836e-16, -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15,
    -9.554846698828307e-15, -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
    7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11, -3.1499165279632416e-11,
    1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
    2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943,
    0.8044904110141088,
};
// exp(-x) I1(x) / x in [0, 8], and exp(-x) sqrt(x) I1(x) from there on.
constexpr double kI1A[] = {
    2.7779141127610464e-18, -2.111421214358166e-17, 1.5536319577362005e-16, -1.1055969477353862e-15,
    7.600684294735408e-15, -5.042185504727912e-14, 3.223793365945575e-13, -1.9839743977649436e-12,
    1.1736186298890901e-11, -6.663489723502027e-11, 3.625590281552117e-10, -1.8872497517228294e-09,
    9.381537386495773e-09, -4.445059128796328e-08, 2.0032947535521353e-07, -8.568720264695455e-07,
    3.4702513081376785e-06, -1.3273163656039436e-05, 4.781565107550054e-05, -0.00016176081582589674,
    0.0005122859561685758, -0.0015135724506312532, 0.004156422944312888, -0.010564084894626197,
    0.024726449030626516, -0.05294598120809499, 0.1026436586898471, -0.17641651835783406, 0.25258718644363365,
};
constexpr double kI1B[] = {
    7.517296310842105e-18, 4.414348323071708e-18, -4.6503053684893586e-17, -3.209525921993424e-17,
    2.96262899764595e-16, 3.3082023109209285e-16, -1.8803547755107825e-15, -3.8144030724370075e-15,
    1.0420276984128802e-14, 4.272440016711951e-14, -2.1015418427726643e-14, -4.0835511110921974e-13,
    -7.198551776245908e-13, 2.0356285441470896e-12, 1.4125807436613782e-11, 3.2526035830154884e-11,
    -1.8974958123505413e-11, -5.589743462196584e-10, -3.835380385964237e-09, -2.6314688468895196e-08,
    -2.512236237870209e-07, -3.882564808877691e-06, -0.00011058893876262371, -0.009761097491361469,
    0.7785762350182801,
};

// exp(-|x|) I(|x|).
Val ScaledBessel(P& p, Val magnitude, absl::Span<const double> low, absl::Span<const double> high, bool times_x) {
  Val eight = p.Number(8);
  Val near = Chebyshev(p, p.Sub(p.Mul(magnitude, p.Number(0.5)), p.Number(2)), low);
  if (times_x) near = p.Mul(near, magnitude);
  Val far_argument = p.Sub(p.Div(p.Number(32), p.Max(magnitude, eight)), p.Number(2));
  Val far = p.Div(Chebyshev(p, far_argument, high), Sqrt(p, magnitude));
  return p.Where(p.Le(magnitude, eight), near, far);
}
Val I0e(P& p) { return ScaledBessel(p, Abs(p, p.Arg(0)), kI0A, kI0B, false); }
Val I0(P& p) { return p.Mul(Exp(p, Abs(p, p.Arg(0))), I0e(p)); }
Val I1e(P& p) {
  Val x = p.Arg(0);
  Val value = ScaledBessel(p, Abs(p, x), kI1A, kI1B, true);
  return p.Where(p.Lt(x, p.Number(0)), Neg(p, value), value);
}
Val I1(P& p) { return p.Mul(Exp(p, Abs(p, p.Arg(0))), I1e(p)); }

Val SphericalJ0(P& p) {
  constexpr double kSeries[] = {1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1};
  Val x = p.Arg(0);
  Val near = Polynomial(p, p.Mul(x, x), kSeries);
  Val far = p.Div(p.Op(ScalarOp::kSin, x), x);
  Val value = p.Where(p.Lt(Abs(p, x), p.Number(0.5)), near, far);
  return p.Where(p.Op(ScalarOp::kIsInf, x), p.Number(0), value);
}

// aten::special_entr(Tensor self): -x log(x), 0 at 0
Val Entr(P& p) {
  Val x = p.Arg(0);
  Val zero = p.Number(0);
  Val value = p.Where(p.Eq(x, zero), zero, p.Where(p.Lt(x, zero), p.Number(-kInf), Neg(p, p.Mul(x, Log(p, x)))));
  return p.Where(p.Op(ScalarOp::kIsNan, x), x, value);
}

constexpr PointwiseRow kRows[] = {
    {"aten.digamma.default", Computes::kOut, Digamma},
    {"aten.erfc.default", Computes::kOut, Erfc},
    {"aten.erfinv.default", Computes::kOut, Erfinv},
    {"aten.i0.default", Computes::kOut, I0},
    {"aten.lgamma.default", Computes::kOut, Lgamma},
    {"aten.mvlgamma.default", Computes::kOut, Mvlgamma},
    {"aten.special_entr.default", Computes::kOut, Entr},
    {"aten.special_erfcx.default", Computes::kOut, Erfcx},
    {"aten.special_i0e.default", Computes::kOut, I0e},
    {"aten.special_i1.default", Computes::kOut, I1},
    {"aten.special_i1e.default", Computes::kOut, I1e},
    {"aten.special_log_ndtr.default", Computes::kOut, LogNdtr},
    {"aten.special_modified_bessel_i0.default", Computes::kOut, I0},
    {"aten.special_modified_bessel_i1.default", Computes::kOut, I1},
    {"aten.special_ndtri.default", Computes::kOut, Ndtri},
    {"aten.special_spherical_bessel_j0.default", Computes::kOut, SphericalJ0},
};

}  // namespace

absl::Span<const PointwiseRow> SpecialRows() { return kRows; }

}  // namespace kiln
