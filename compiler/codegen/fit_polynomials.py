"""Prints the polynomial coefficients that float_math.cc and double_math.cc hold.

Each row is a function, an interval and a degree. The fit is least squares on
Chebyshev nodes in 60 digits, weighted for relative error, then rounded to the
type; on these short intervals that is within a factor of two of the minimax
polynomial. Needs mpmath. Run it when a degree or an interval changes:

    python3 compiler/codegen/fit_polynomials.py
"""

import mpmath as mp

mp.mp.dps = 60


def fit(f, lo, hi, degree, weight):
    n = 6 * (degree + 1)
    xs = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    rows = mp.matrix(n, degree + 1)
    rhs = mp.matrix(n, 1)
    for i, x in enumerate(xs):
        w = weight(x)
        for j in range(degree + 1):
            rows[i, j] = w * x**j
        rhs[i] = w * f(x)
    return [c for c in mp.lu_solve(rows, rhs)]


def show(name, coefficients, f, lo, hi, weight):
    worst = mp.mpf(0)
    for k in range(401):
        x = lo + (hi - lo) * mp.mpf(k) / 400
        if x == 0:
            continue
        worst = max(worst, abs(weight(x) * (mp.polyval(coefficients[::-1], x) - f(x))))
    print(f"{name}: weighted error {mp.nstr(worst, 3)} = 2^{mp.nstr(mp.log(worst, 2), 4)}")
    print("    " + ", ".join(mp.nstr(c, 17) for c in coefficients))


def series_guard(f, limit):
    """f, or its value at `limit` where x is so near 0 that f divides by nothing."""
    return lambda x: f(x) if abs(x) > mp.mpf(10) ** -25 else limit


def table():
    half_ln2 = mp.log(2) / 2 * mp.mpf("1.0001")
    third = mp.mpf(1) / 3
    quarter_pi = mp.pi / 4 * mp.mpf("1.0001")
    sqrt_half = mp.mpf("0.1716") ** 2  # ((sqrt2-1)/(sqrt2+1))^2
    one = lambda x: mp.mpf(1)
    # e^r = 1 + r + r^2 q(r)
    exp_q = series_guard(lambda r: (mp.expm1(r) - r) / r**2, mp.mpf(1) / 2)
    exp_w = lambda r: r**2
    yield "exp q, float", exp_q, -half_ln2, half_ln2, 4, exp_w
    yield "exp q, double", exp_q, -half_ln2, half_ln2, 11, exp_w
    # log(1 + f) = f + f^2 q(f)
    log_q = series_guard(lambda f: (mp.log1p(f) - f) / f**2, -mp.mpf(1) / 2)
    log_w = lambda f: abs(f) + mp.mpf("1e-3")
    yield "log q, float", log_q, -third, third, 8, log_w
    # log(m) = 2 s + s z q(z), s = (m-1)/(m+1), z = s^2
    atanh_q = series_guard(lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z, mp.mpf(2) / 3)
    yield "log q, double", atanh_q, mp.mpf(0), sqrt_half, 8, one
    # tanh(x) = x + x z q(z), z = x^2
    tanh_q = series_guard(lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mp.mpf(1) / 3)
    yield "tanh q, float", tanh_q, mp.mpf(0), mp.mpf("0.4"), 5, lambda z: z
    # erf(x) = x (1 + q(z)), z = x^2, |x| <= 0.9375
    erf_q = series_guard(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, 2 / mp.sqrt(mp.pi) - 1)
    yield "erf near q, float", erf_q, mp.mpf(0), mp.mpf("0.88"), 6, one
    # erf(t) = 1 - exp(-t - t q(t)), 0.9375 <= t <= 4
    far = lambda t: -mp.log(mp.erfc(t)) / t - 1
    yield "erf far q, float", far, mp.mpf("0.92"), mp.mpf(4), 7, lambda t: t * mp.erfc(t) / mp.erf(t)
    # sin(r) = r + r z q(z); cos(r) = 1 - z/2 + z^2 q(z)
    sin_q = series_guard(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mp.mpf(1) / 6)
    cos_q = series_guard(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, mp.mpf(1) / 24)
    yield "sin q, double", sin_q, mp.mpf(0), quarter_pi**2, 7, lambda z: z
    yield "cos q, double", cos_q, mp.mpf(0), quarter_pi**2, 6, lambda z: z**2
    # atan(x) = x + x z q(z), |x| <= tan(pi/16) after two reductions
    atan_q = series_guard(lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mp.mpf(1) / 3)
    yield "atan q, double", atan_q, mp.mpf(0), mp.tan(mp.pi / 16) ** 2 * mp.mpf("1.001"), 9, lambda z: z
    # asin(x) = x + x z q(z), |x| <= 1/2
    asin_q = series_guard(lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, mp.mpf(1) / 6)
    yield "asin q, double", asin_q, mp.mpf(0), mp.mpf("0.2501"), 13, lambda z: z
    # expm1(r) = r + r^2 q(r) is the exp row. erf in double, z = x^2 <= 1
    yield "erf near q, double", erf_q, mp.mpf(0), mp.mpf(1), 13, one
    # erfc(t) = exp(-t^2) g(v), v = (t - 2.5) / (t + 2.5) on [1, 6.2]
    def scaled(v):
        t = mp.mpf("2.5") * (1 + v) / (1 - v)
        return mp.erfc(t) * mp.exp(t * t) * (1 + 2 * t)

    yield "erfc far g, double", scaled, -mp.mpf("0.4286"), mp.mpf("0.4253"), 15, one


def main():
    for name, f, lo, hi, degree, weight in table():
        show(name, fit(f, lo, hi, degree, weight), f, lo, hi, weight)


if __name__ == "__main__":
    main()
