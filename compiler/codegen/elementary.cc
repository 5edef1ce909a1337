#include "compiler/codegen/elementary.h"

#include <cmath>
#include <limits>

#include "compiler/codegen/reduce_half_pi.h"
#include "llvm/IR/Intrinsics.h"

namespace kiln {
namespace {

// Coefficients are from fit_polynomials.py, by the names that it prints.
constexpr double kExpFloat[] = {0.5000000080855526, 0.16666515928544925, 0.04166626297442578, 0.0083691588723161608,
                                0.0013946458096183317};
constexpr double kExpDouble[] = {
    0.5,
    0.16666666666666667,
    0.041666666666666714,
    0.0083333333333333382,
    0.0013888888888863644,
    0.00019841269841247138,
    2.4801587363841404e-5,
    2.755731927437567e-6,
    2.7557241509053001e-7,
    2.5052050319299231e-8,
    2.0924509983525333e-9,
    1.6092543895532492e-10,
};
constexpr double kLogFloat[] = {-0.50000002006932667, 0.33333205736005604,  -0.24999640557952955,
                                0.20010871577990688,  -0.16684525468850974, 0.13999426230540616,
                                -0.12142363384378462, 0.14012320124050341,  -0.13043367919607432};
constexpr double kLogDouble[] = {0.66666666666666667, 0.39999999999999992, 0.28571428571435404,
                                 0.2222222221984622,  0.18181818595383447, 0.15384575003111814,
                                 0.13335644021180732, 0.11688008359358714, 0.11883005212591617};
constexpr double kTanhFloat[] = {-0.3333333041084208,  0.13333190806744818, -0.053944827806583254,
                                 0.021689958863976362, -0.0081504271955738, 0.0021178959132906726};
constexpr double kErfNearFloat[] = {0.12837916657502181,   -0.37612633063041499,    0.11283684412154012,
                                    -0.026858753323431061, 0.0051993768070468847,   -0.00081234675781731649,
                                    8.2874244483549402e-5};
constexpr double kErfFarFloat[] = {0.12855654113940511,   0.63560203963149589,    0.1053099013497511,
                                   -0.02272619589850243,  0.0029637882848717381,  -6.2304071947670059e-5,
                                   -4.2976287512045194e-5, 4.7153507829002099e-6};
constexpr double kSinDouble[] = {-0.16666666666666667,    0.0083333333333333333,  -0.00019841269841269827,
                                 2.7557319223973968e-6,   -2.5052108379730624e-8, 1.605904224121795e-10,
                                 -7.646904947588604e-13,  2.7888700291613546e-15};
constexpr double kCosDouble[] = {0.041666666666666667,  -0.0013888888888888874, 2.4801587301571092e-5,
                                 -2.7557319215225668e-7, 2.0876754336343294e-9,  -1.1470290239349786e-11,
                                 4.7379854598477946e-14};
constexpr double kAtanDouble[] = {-0.33333333333333333,  0.19999999999999997,   -0.14285714285712894,
                                  0.11111111110818741,   -0.090909090555337024, 0.076923050396361348,
                                  -0.066665391890508853, 0.058784132882462902,  -0.051871157542789661,
                                  0.039176709624137207};
constexpr double kAsinDouble[] = {0.1666666666666666,   0.07500000000002494,   0.044642857139743156,
                                  0.030381944641154581, 0.022372151728715937,  0.017352942420368391,
                                  0.013961917248425653, 0.011585521956933165,  0.0094852458703779528,
                                  0.010003126125596064, 0.00070488176663724893, 0.024776111330578207,
                                  -0.026084450316326916, 0.033606444583017647};
constexpr double kErfNearDouble[] = {0.12837916709551257,    -0.37612638903183752,   0.1128379167095512,
                                     -0.026866170645129854,  0.0052239776254234544,  -0.00085483270219454273,
                                     0.00012055332903350668, -1.4925647581008593e-5, 1.6462045711013025e-6,
                                     -1.6364645854816388e-7, 1.4792435426962471e-8,  -1.2164764337224506e-9,
                                     8.7097552328517897e-11, -4.2320376764874592e-12};
constexpr double kErfcFarDouble[] = {1.2648381843668615,     -0.12235676308240459,    -0.099024539573634163,
                                     0.15762991902328865,    -0.10296705603483863,    0.032760893263586541,
                                     0.0009318926528331003,  -0.0043820781753618922,  0.00049186938586569734,
                                     0.00063212149934367744, -8.852162937581884e-5,   -0.00011349465799516958,
                                     6.5477034909427422e-6,  2.2546381463056633e-5,   1.6088777682166583e-6,
                                     -3.7708854845502477e-6};

constexpr double kLog2E = 1.4426950408889634;
constexpr double kPi = 3.141592653589793;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ln 2 in a part whose products with exponents are exact, and the rest.
constexpr double kLn2HighFloat = 0.693145751953125;
constexpr double kLn2LowFloat = 1.428606820309417e-6;
constexpr double kLn2HighDouble = 6.93147180369123816490e-01;
constexpr double kLn2LowDouble = 1.90821492927058770002e-10;

Num NegateIf(Num condition, Num x) { return Select(condition, -x, x); }

// Applies a double form to a float by way of double.
template <typename Form>
Num Widened(Num x, Form form) {
  return ToFloat(form(ToDouble(x)));
}

// --- exp

// x = n ln 2 + r with |r| <= ln 2 / 2.
struct ExpParts {
  NearestInt n;
  Num r;
};

ExpParts ReduceExp(Num x) {
  NearestInt n = ToNearestInt(x * kLog2E);
  const double high = x.is_double() ? kLn2HighDouble : kLn2HighFloat;
  const double low = x.is_double() ? kLn2LowDouble : kLn2LowFloat;
  Num r = Fma(n.as_float, -high, x);
  return {n, Fma(n.as_float, -low, r)};
}

// exp(r) - 1 for a reduced r.
Num Expm1Reduced(Num r) {
  Num q = r.is_double() ? Polynomial(r, kExpDouble) : Polynomial(r, kExpFloat);
  return Fma(r * r, q, r);
}

// Beyond these exp is infinite or zero whatever the rounding.
Num ClampExp(Num x) {
  const double high = x.is_double() ? 710.0 : 89.0;
  const double low = x.is_double() ? -746.0 : -104.0;
  x = Select(Gt(x, high), high, x);
  return Select(Lt(x, low), low, x);
}

Num Expm1Double(Num x) {
  Num clamped = Select(Gt(x, 41.0), 41.0, Select(Lt(x, -50.0), -50.0, x));
  ExpParts parts = ReduceExp(clamped);
  Num power = ScaleByPowerOfTwo(x.Const(1.0), parts.n);
  Num small = Fma(power, Expm1Reduced(parts.r), power - 1.0);
  Num result = Select(Gt(x, 40.0), Exp(x), small);
  return Select(Eq(x, 0.0), x, result);
}

// --- log

// x = 2^exponent * m with m around 1; `log_m` is its logarithm.
struct LogParts {
  Num exponent;
  Num log_m;
};

Num IntToFloat(Num n, Num like) {
  Num magic = like.Const(like.is_double() ? 6755399441055744.0 : 12582912.0);
  Num bits = magic.Bits();
  return bits.With(bits.b().CreateAdd(n.v, bits.v)).AsFloat(like.type()) - magic;
}

// The logarithm of a positive normal or denormal number.
LogParts LogOfPositive(Num x) {
  llvm::IRBuilder<>& b = x.b();
  const int mantissa = x.is_double() ? 52 : 23;
  // The least m: sqrt(1/2) for the double form, 2/3 for the float form.
  const int64_t least = x.is_double() ? 0x3fe6a09e667f3bcd : 0x3f2aaaab;
  const double scale = x.is_double() ? 54.0 : 25.0;
  Num is_small = Lt(x, x.is_double() ? 2.2250738585072014e-308 : 1.1754943508222875e-38);
  Num normal = Select(is_small, x * std::exp2(scale), x);
  Num bits = normal.Bits();
  Num offset = bits.With(b.CreateSub(bits.v, bits.IntConst(least).v));
  Num e = bits.With(b.CreateAShr(offset.v, bits.IntConst(mantissa).v));
  Num m = bits.With(b.CreateSub(bits.v, b.CreateShl(e.v, bits.IntConst(mantissa).v))).AsFloat(x.type());
  Num exponent = IntToFloat(e, x) - Select(is_small, scale, x.Const(0.0));
  Num f = m - 1.0;
  if (!x.is_double()) return {exponent, Fma(f * f, Polynomial(f, kLogFloat), f)};
  Num s = f / (m + 1.0);
  Num z = s * s;
  return {exponent, Fma(s * z, Polynomial(z, kLogDouble), s + s)};
}

// Puts logarithms' special cases over `result`.
Num LogSpecials(Num x, Num result) {
  result = Select(Eq(x, kInfinity), kInfinity, result);
  result = Select(Eq(x, 0.0), -kInfinity, result);
  return Select(Or(Lt(x, 0.0), IsNan(x)), kNan, result);
}

Num LogInBase(Num x, double log_of_two, double log_of_e) {
  LogParts parts = LogOfPositive(x);
  return LogSpecials(x, Fma(parts.exponent, log_of_two, parts.log_m * log_of_e));
}

Num Log1pDouble(Num x) {
  Num u = x + 1.0;
  Num log_u = Log(u);
  // What was lost when 1 + x was rounded.
  Num corrected = log_u + (x - (u - 1.0)) / u;
  Num is_plain = And(Gt(u, 0.0), Lt(u, kInfinity));
  return Select(Eq(x, 0.0), x, Select(is_plain, corrected, log_u));
}

// --- trigonometry

Num SinReduced(Num r) {
  Num z = r * r;
  return Fma(r * z, Polynomial(z, kSinDouble), r);
}

Num CosReduced(Num r) {
  Num z = r * r;
  return Fma(z * z, Polynomial(z, kCosDouble), Fma(z, -0.5, z.Const(1.0)));
}

Num HasBit(Num n, int64_t bit) {
  llvm::IRBuilder<>& b = n.b();
  return n.With(b.CreateICmpNE(b.CreateAnd(n.v, n.IntConst(bit).v), n.IntConst(0).v));
}

// sin(x + shift * pi/2).
Num SinShifted(Num x, int64_t shift) {
  Quadrant q = ReduceByHalfPi(x);
  Num n = q.n.With(q.n.b().CreateAdd(q.n.v, q.n.IntConst(shift).v));
  Num value = Select(HasBit(n, 1), CosReduced(q.r), SinReduced(q.r));
  return NegateIf(HasBit(n, 2), value);
}

Num TanDouble(Num x) {
  Quadrant q = ReduceByHalfPi(x);
  Num s = SinReduced(q.r);
  Num c = CosReduced(q.r);
  return Select(Eq(x, 0.0), x, Select(HasBit(q.n, 1), -(c / s), s / c));
}

// atan of x in [0, 1]: two halvings of the angle, then the polynomial.
Num AtanOfUnit(Num x) {
  for (int i = 0; i < 2; ++i) x = x / (1.0 + Sqrt(Fma(x, x, 1.0)));
  Num z = x * x;
  return Fma(x * z, Polynomial(z, kAtanDouble), x) * 4.0;
}

Num AtanDouble(Num x) {
  Num a = Abs(x);
  Num is_large = Gt(a, 1.0);
  Num angle = AtanOfUnit(Select(is_large, 1.0 / a, a));
  return CopySign(Select(is_large, kPi / 2 - angle, angle), x);
}

Num Atan2Double(Num y, Num x) {
  Num a = Abs(y);
  Num b = Abs(x);
  Num is_steep = Gt(a, b);
  Num ratio = Select(is_steep, b, a) / Select(is_steep, a, b);
  // 0/0 and infinity/infinity, by C's rules.
  ratio = Select(Eq(a, b), Select(Eq(a, 0.0), 0.0, ratio.Const(1.0)), ratio);
  Num angle = AtanOfUnit(ratio);
  angle = Select(is_steep, kPi / 2 - angle, angle);
  Num x_is_negative = Lt(CopySign(x.Const(1.0), x), 0.0);
  angle = CopySign(Select(x_is_negative, kPi - angle, angle), y);
  return Select(Or(IsNan(x), IsNan(y)), kNan, angle);
}

Num AsinOfHalf(Num x) {
  Num z = x * x;
  return Fma(x * z, Polynomial(z, kAsinDouble), x);
}

Num AsinDouble(Num x) {
  Num a = Abs(x);
  Num is_large = Gt(a, 0.5);
  Num angle = AsinOfHalf(Select(is_large, Sqrt((1.0 - a) * 0.5), a));
  return CopySign(Select(is_large, Fma(angle, -2.0, angle.Const(kPi / 2)), angle), x);
}

Num AcosDouble(Num x) {
  Num a = Abs(x);
  Num is_large = Gt(a, 0.5);
  Num angle = AsinOfHalf(Select(is_large, Sqrt((1.0 - a) * 0.5), x));
  Num twice = angle + angle;
  Num large = Select(Lt(x, 0.0), kPi - twice, twice);
  return Select(is_large, large, kPi / 2 - angle);
}

Num SinhDouble(Num x) {
  Num a = Abs(x);
  Num t = Expm1Double(a);
  Num small = (t + t / (t + 1.0)) * 0.5;
  Num h = Exp(a * 0.5);
  return CopySign(Select(Gt(a, 22.0), h * 0.5 * h, small), x);
}

Num CoshDouble(Num x) {
  Num h = Exp(Abs(x) * 0.5);
  return h * 0.5 * h + 0.5 / (h * h);
}

Num TanhDouble(Num x) {
  Num a = Abs(x);
  Num t = Expm1Double(a + a);
  return CopySign(Select(Gt(a, 22.0), 1.0, t / (t + 2.0)), x);
}

Num ErfDouble(Num x) {
  Num a = Abs(x);
  Num t = Select(Gt(a, 6.2), 6.2, a);
  Num near = Fma(x, Polynomial(x * x, kErfNearDouble), x);
  Num g = Polynomial((t - 2.5) / (t + 2.5), kErfcFarDouble);
  Num far = 1.0 - Exp(-(t * t)) * g / Fma(t, 2.0, t.Const(1.0));
  return Select(Lt(a, 1.0), near, CopySign(far, x));
}

Num PowDouble(Num x, Num y) {
  Num a = Abs(x);
  Num y_is_integer = Eq(Round(y, Rounding::kTrunc), y);
  Num y_half = y * 0.5;
  Num y_is_odd = And(y_is_integer, Not(Eq(Round(y_half, Rounding::kTrunc), y_half)));
  Num x_is_negative = Lt(CopySign(x.Const(1.0), x), 0.0);
  Num result = NegateIf(And(x_is_negative, y_is_odd), Exp(y * Log(a)));
  result = Select(And(Lt(x, 0.0), And(Not(y_is_integer), Lt(a, kInfinity))), kNan, result);
  // (-1)^infinity, x^0 and 1^y are 1, also where the other operand is NaN.
  Num is_one = Or(And(Eq(a, 1.0), Eq(Abs(y), kInfinity)), Or(Eq(y, 0.0), Eq(x, 1.0)));
  return Select(is_one, 1.0, result);
}

// --- fmod

// The quotient, cut so that its product with y is exact or nearly so.
Num CutQuotient(Num q) {
  q = Round(q, Rounding::kTrunc);
  if (q.context->has_fma) return q;
  Num bits = q.Bits();
  return bits.With(bits.b().CreateAnd(bits.v, bits.IntConst(~int64_t{0x1fffffff}).v)).AsFloat(q.type());
}

// Each round takes 52 bits (24 without fma) off the quotient: r - trunc(r/y) y is
// a multiple of y's last bit, small enough to be exact.
Num FmodDouble(Num x, Num y) {
  llvm::IRBuilder<>& b = x.b();
  Num modulus = Abs(y);
  Num is_plain = And(Lt(Abs(x), kInfinity), Gt(modulus, 0.0));
  Num start = Select(is_plain, x, 0.0);
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::Function* function = before->getParent();
  auto* loop = llvm::BasicBlock::Create(b.getContext(), "fmod.round", function);
  auto* done = llvm::BasicBlock::Create(b.getContext(), "fmod.done", function);
  b.CreateCondBr(AnyLane(Ge(Abs(start), modulus)), loop, done);
  b.SetInsertPoint(loop);
  llvm::PHINode* phi = b.CreatePHI(x.type(), 2);
  Num r = x.With(phi);
  Num next = Fma(-CutQuotient(r / modulus), modulus, r);
  next = Select(Ge(Abs(r), modulus), next, r);
  b.CreateCondBr(AnyLane(Ge(Abs(next), modulus)), loop, done);
  phi->addIncoming(start.v, before);
  phi->addIncoming(next.v, b.GetInsertBlock());
  llvm::BasicBlock* loop_end = b.GetInsertBlock();
  b.SetInsertPoint(done);
  llvm::PHINode* out = b.CreatePHI(x.type(), 2);
  out->addIncoming(start.v, before);
  out->addIncoming(next.v, loop_end);
  Num rest = x.With(out);
  // A quotient that was rounded up leaves a remainder of the other sign.
  Num other_sign = And(Not(Eq(rest, 0.0)), Lt(rest * CopySign(x.Const(1.0), x), 0.0));
  rest = Select(other_sign, rest + CopySign(modulus, x), rest);
  rest = CopySign(Abs(rest), x);
  Num valid = And(is_plain, Not(IsNan(y)));
  return Select(valid, rest, kNan);
}

}  // namespace

Num Exp(Num x) {
  ExpParts parts = ReduceExp(ClampExp(x));
  return ScaleByPowerOfTwo(Expm1Reduced(parts.r) + 1.0, parts.n);
}

Num Log(Num x) {
  LogParts parts = LogOfPositive(x);
  const double high = x.is_double() ? kLn2HighDouble : kLn2HighFloat;
  const double low = x.is_double() ? kLn2LowDouble : kLn2LowFloat;
  Num sum = Fma(parts.exponent, high, Fma(parts.exponent, low, parts.log_m));
  return LogSpecials(x, sum);
}

Num Tanh(Num x) {
  if (x.is_double()) return TanhDouble(x);
  Num z = x * x;
  Num near = Fma(x * z, Polynomial(z, kTanhFloat), x);
  Num a = Abs(x);
  Num far = 1.0 - 2.0 / (Exp(a + a) + 1.0);
  return CopySign(Select(Lt(z, 0.4), near, far), x);
}

Num Erf(Num x) {
  if (x.is_double()) return ErfDouble(x);
  Num a = Abs(x);
  Num t = Select(Gt(a, 4.0), 4.0, a);
  Num near = Fma(x, Polynomial(x * x, kErfNearFloat), x);
  Num far = 1.0 - Exp(-Fma(t, Polynomial(t, kErfFarFloat), t));
  return Select(Lt(a, 0.9375), near, CopySign(far, x));
}

Num Sigmoid(Num x) {
  // With e^x = 2^n e^r it is 2^n / (2^n + (e^-r - 1) + 1), where no e^-x is rounded before the sum is. In this order:
  // 2^n + 1 would lose a small 2^n, which is half a unit. Of all floats -0.0003449918 is the worst, with 1.9991 units.
  const double least = x.is_double() ? -746.0 : -104.0;
  // Above this it is 1.
  Num clamped = Select(Gt(x, 40.0), 40.0, Select(Lt(x, least), least, x));
  ExpParts parts = ReduceExp(clamped);
  Num power = ScaleByPowerOfTwo(x.Const(1.0), parts.n);
  return power / ((power + Expm1Reduced(-parts.r)) + 1.0);
}

Num Expm1(Num x) { return x.is_double() ? Expm1Double(x) : Widened(x, Expm1Double); }

Num Log1p(Num x) { return x.is_double() ? Log1pDouble(x) : Widened(x, Log1pDouble); }

Num Log2(Num x) {
  if (!x.is_double()) return Widened(x, Log2);
  return LogInBase(x, 1.0, kLog2E);
}

Num Log10(Num x) {
  if (!x.is_double()) return Widened(x, Log10);
  return LogInBase(x, 0.30102999566398120, 0.43429448190325183);
}

Num Sin(Num x) {
  if (!x.is_double()) return Widened(x, Sin);
  // The polynomial's sum loses the sign of a zero.
  return Select(Eq(x, 0.0), x, SinShifted(x, 0));
}

Num Cos(Num x) {
  if (!x.is_double()) return Widened(x, Cos);
  return SinShifted(x, 1);
}

Num Tan(Num x) { return x.is_double() ? TanDouble(x) : Widened(x, TanDouble); }

Num Sinh(Num x) { return x.is_double() ? SinhDouble(x) : Widened(x, SinhDouble); }

Num Cosh(Num x) { return x.is_double() ? CoshDouble(x) : Widened(x, CoshDouble); }

Num Asin(Num x) { return x.is_double() ? AsinDouble(x) : Widened(x, AsinDouble); }

Num Acos(Num x) { return x.is_double() ? AcosDouble(x) : Widened(x, AcosDouble); }

Num Atan(Num x) { return x.is_double() ? AtanDouble(x) : Widened(x, AtanDouble); }

Num Atan2(Num y, Num x) {
  if (y.is_double()) return Atan2Double(y, x);
  return ToFloat(Atan2Double(ToDouble(y), ToDouble(x)));
}

Num Pow(Num x, Num y) {
  if (x.is_double()) return PowDouble(x, y);
  return ToFloat(PowDouble(ToDouble(x), ToDouble(y)));
}

Num Fmod(Num x, Num y) {
  if (x.is_double()) return FmodDouble(x, y);
  return ToFloat(FmodDouble(ToDouble(x), ToDouble(y)));
}

}  // namespace kiln
