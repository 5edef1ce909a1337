#include "compiler/codegen/testing/kernel_cases.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/codegen/testing/twin_tensors.h"

namespace kiln {
namespace {

const KernelCase kCases[] = {
    {"Pointwise", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = mul f32 %0, %1\n%3 = sub f32 %2, %0\n%4 = maximum f32 %3, %1\nstore b2[s1*i0 + i1], %4\n}\n}"},
    {"BroadcastRow", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load f32 b1[i1]\n%2 = load f32 b1[i0]\n"
     "%3 = add f32 %0, %1\n%4 = add f32 %3, %2\nstore b2[s1*i0 + i1], %4\n}\n}"},
    {"Transposed", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[i0 + s0*i1]\n%1 = load f32 b1[2*i1]\n"
     "%2 = add f32 %0, %1\nstore b2[s0*i1 + i0], %2\n}\n}"},
    {"TransposedTiles", "f32", "bf16", "f32",
     "serial i0 < s0 {\n%9 = load f32 b0[i0]\nvector i1 < s1 {\n%0 = load f32 b0[i0 + s0*i1]\n"
     "%1 = load f32 b1[s0*i1 + i0]\n%2 = load f32 b1[i1]\n%3 = mul f32 %0, %1\n%4 = add f32 %3, %2\n"
     "%5 = add f32 %4, %9\nstore b2[s1*i0 + i1], %5\n}\n}"},
    {"TransposedTilesOfDoubles", "f64", "i64", "f64",
     "serial i0 < s0 {\nvector i1 < s1 {\n%0 = load f64 b0[i0 + s0*i1]\n%1 = load i64 b1[s0*i1 + i0]\n"
     "%2 = cast f64 %1\n%3 = mul f64 %0, %2\nstore b2[s1*i0 + i1], %3\n}\n}"},
    {"EveryThirdAndFourth", "f32", "i64", "f32",
     "serial i9 < s0*s1 {\n%20 = constant f32 0.0\nstore b2[i9], %20\n}\n"
     "vector i0 < (s0*s1) // 4 {\n%0 = load f32 b0[3*i0 + 1]\n%1 = load i64 b1[4*i0 + 2]\n%2 = cast f32 %1\n"
     "%3 = sub f32 %0, %2\nstore b2[i0], %3\n}"},
    {"WithinBounds", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + Max(0, Min(s1 - 1, i1 - 3))]\n"
     "%1 = load f32 b1[Max(0, Min(s0*s1 - 1, 2*i1 - 5))]\n%2 = load f32 b1[s1*i0 + Min(s1 - 1, i1 + 1)]\n"
     "%3 = expr f32 Max(2, Min(i1, s1 - 4)) + 3*i0\n%4 = sub f32 %0, %1\n%5 = mul f32 %2, %3\n%6 = add f32 %4, %5\n"
     "store b2[s1*i0 + i1], %6\n}\n}"},
    {"Reversed", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 - i1 + s1 - 1]\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = sub f32 %0, %1\nstore b2[s1*i0 - i1 + s1 - 1], %2\n}\n}"},
    {"Collapsed", "f32", "f32", "f32",
     "vector i0 < s0*s1 {\n%0 = load f32 b0[i0 % s1]\n%1 = load f32 b1[i0 // s1]\n%2 = add f32 %0, %1\n"
     "store b2[i0], %2\n}"},
    {"StoreToOnePlaceKeepsTheLast", "f32", "f32", "f32",
     "serial i0 < s0*s1 {\n%0 = load f32 b1[i0]\nstore b2[i0], %0\n}\nvector i1 < s1 {\n%1 = load f32 b0[i1]\n"
     "store b2[0], %1\n}"},
    {"Sum", "f32", "f32", "f32",
     "parallel i0 < s0 {\n%0 = accumulate sum f32\n%1 = accumulate prod f32\nvector i1 < s1 {\n"
     "%2 = load f32 b0[s1*i0 + i1]\nupdate %0, %2\n%3 = load f32 b1[s1*i0 + i1]\n%4 = constant f32 0.01\n"
     "%5 = mul f32 %3, %4\n%6 = constant f32 1.0\n%7 = add f32 %5, %6\nupdate %1, %7\n}\n%8 = result f32 %0, 0\n"
     "%9 = result f32 %1, 0\nvector i2 < s1 {\n%10 = load f32 b0[s1*i0 + i2]\n%11 = sub f32 %10, %8\n"
     "%12 = mul f32 %11, %9\nstore b2[s1*i0 + i2], %12\n}\n}",
     2e-5},
    {"MaxMin", "f32", "f32", "f32",
     "serial i9 < s0*s1 {\n%20 = constant f32 0.0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0 {\n%0 = accumulate max f32\n%1 = accumulate min f32\nvector i1 < s1 {\n"
     "%2 = load f32 b0[s1*i0 + i1]\nupdate %0, %2\nupdate %1, %2\n}\n%3 = result f32 %0, 0\n%4 = result f32 %1, 0\n"
     "%5 = sub f32 %3, %4\nstore b2[i0], %5\n}"},
    {"ArgMax", "f32", "f32", "i64",
     "serial i9 < s0*s1 {\n%20 = constant i64 0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0 {\n%0 = accumulate argmax f32\nvector i1 < s1 {\n%1 = load f32 b0[s1*i0 + i1]\n"
     "%2 = round f32 %1\n%3 = expr i64 i1\nupdate %0, %2, %3\n}\n%4 = result i64 %0, 1\nstore b2[i0], %4\n}"},
    {"ArgMinOfIntegers", "i32", "f32", "i64",
     "serial i9 < s0*s1 {\n%20 = constant i64 0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0 {\n%0 = accumulate argmin i32\nvector i1 < s1 {\n%1 = load i32 b0[s1*i0 + i1]\n"
     "%2 = expr i64 i1\nupdate %0, %1, %2\n}\n%3 = result i64 %0, 1\nstore b2[i0], %3\n}"},
    {"Welford", "f32", "f32", "f32",
     "parallel i0 < s0 {\n%0 = accumulate welford f32\nvector i1 < s1 {\n%1 = load f32 b0[s1*i0 + i1]\nupdate %0, %1\n}\n"
     "%2 = result f32 %0, 0\n%3 = result f32 %0, 1\n%4 = result f32 %0, 2\n%5 = div f32 %3, %4\nvector i2 < s1 {\n"
     "%6 = load f32 b0[s1*i0 + i2]\n%7 = sub f32 %6, %2\n%8 = mul f32 %7, %5\nstore b2[s1*i0 + i2], %8\n}\n}",
     1e-5},
    {"AnyAll", "bool", "bool", "bool",
     "parallel i0 < s0 {\n%0 = accumulate any bool\n%1 = accumulate all bool\nvector i1 < s1 {\n"
     "%2 = load bool b0[s1*i0 + i1]\nupdate %0, %2\nupdate %1, %2\n}\n%3 = result bool %0, 0\n%4 = result bool %1, 0\n"
     "vector i2 < s1 {\n%5 = load bool b1[s1*i0 + i2]\n%6 = where bool %5, %3, %4\nstore b2[s1*i0 + i2], %6\n}\n}"},
    {"SumOverRowsInMemory", "f32", "f32", "f32",
     "serial i9 < s0*s1 {\n%20 = constant f32 0.0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load f32 b2[i1]\n%2 = add f32 %0, %1\n"
     "store b2[i1], %2\n}\n}"},
    {"IntegerSum", "i32", "u8", "i64",
     "serial i9 < s0*s1 {\n%20 = constant i64 0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0 {\n%0 = accumulate sum i64\nvector i1 < s1 {\n%1 = load i32 b0[s1*i0 + i1]\n%2 = cast i64 %1\n"
     "%3 = load u8 b1[i1]\n%4 = cast i64 %3\n%5 = mul i64 %2, %4\nupdate %0, %5\n}\n%6 = result i64 %0, 0\n"
     "store b2[i0], %6\n}"},
    {"Gather", "i64", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load i64 b0[s1*i0 + i1]\nindirect j0 < 7, %0\n"
     "%1 = load f32 b1[j0]\nstore b2[s1*i0 + i1], %1\n}\n}"},
    {"GatherRows", "i64", "f32", "f32",
     "parallel i0 < s0 {\n%0 = load i64 b0[i0]\nindirect j0 < 7, %0\nvector i1 < s1 {\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = expr f32 j0\n%3 = mul f32 %1, %2\nstore b2[s1*i0 + i1], %3\n}\n}"},
    {"ScatterAdd", "i64", "f32", "f32",
     "serial i9 < s0*s1 {\n%20 = constant f32 0.0\nstore b2[i9], %20\n}\n"
     "serial i0 < s0*s1 {\n%0 = load i64 b0[i0]\nindirect j0 < 7, %0\n%1 = load f32 b1[i0]\nstore_add b2[j0], %1\n}"},
    {"HalfAndBFloat16", "f16", "bf16", "f16",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = mul f32 %0, %1\n%3 = constant f32 1.7\n%4 = add f32 %2, %3\nstore b2[s1*i0 + i1], %4\n}\n}",
     1e-3},
    {"ToBFloat16", "f64", "i8", "bf16",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f64 b0[s1*i0 + i1]\n%1 = cast f32 %0\n%2 = load i8 b1[s1*i0 + i1]\n"
     "%3 = cast f32 %2\n%4 = mul f32 %1, %3\nstore b2[s1*i0 + i1], %4\n}\n}",
     1e-2},
    {"Doubles", "f64", "f32", "f64",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f64 b0[s1*i0 + i1]\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = cast f64 %1\n%3 = div f64 %0, %2\n%4 = floor f64 %3\n%5 = exp f64 %0\n%6 = add f64 %4, %5\n"
     "store b2[s1*i0 + i1], %6\n}\n}",
     1e-12},
    {"IntegerDivision", "i64", "i64", "i64",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load i64 b0[s1*i0 + i1]\n%1 = load i64 b1[s1*i0 + i1]\n"
     "%2 = constant i64 3\n%3 = sub i64 %0, %2\n%4 = constant i64 -4\n%5 = sub i64 %1, %2\n%6 = where i64 %7, %5, %4\n"
     "%8 = floor_div i64 %3, %6\n%9 = remainder i64 %3, %6\n%10 = fmod i64 %3, %6\n%11 = trunc_div i64 %3, %6\n"
     "%12 = constant i64 10\n%13 = mul i64 %8, %12\n%14 = add i64 %13, %9\n%15 = mul i64 %14, %12\n%16 = add i64 %15, %10\n"
     "%17 = mul i64 %16, %12\n%18 = add i64 %17, %11\nstore b2[s1*i0 + i1], %18\n}\n}"},
    {"FloatDivision", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load f32 b1[s1*i0 + i1]\n"
     "%2 = floor_div f32 %0, %1\n%3 = remainder f32 %0, %1\n%4 = trunc_div f32 %0, %1\n%5 = add f32 %2, %3\n"
     "%6 = add f32 %5, %4\nstore b2[s1*i0 + i1], %6\n}\n}",
     1e-5},
    {"Bits", "i32", "i32", "i32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load i32 b0[s1*i0 + i1]\n%1 = load i32 b1[s1*i0 + i1]\n"
     "%2 = bit_and i32 %0, %1\n%3 = bit_or i32 %0, %1\n%4 = bit_xor i32 %0, %1\n%5 = bit_not i32 %0\n"
     "%6 = shift_left i32 %2, %1\n%7 = shift_right i32 %5, %1\n%8 = add i32 %6, %7\n%9 = add i32 %3, %4\n"
     "%10 = add i32 %8, %9\nstore b2[s1*i0 + i1], %10\n}\n}"},
    {"IntegerPower", "i64", "i64", "i64",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load i64 b0[s1*i0 + i1]\n%1 = load i64 b1[s1*i0 + i1]\n"
     "%2 = pow i64 %0, %1\nstore b2[s1*i0 + i1], %2\n}\n}"},
    {"ComparisonsAndCasts", "f32", "i16", "u8",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = load i16 b1[s1*i0 + i1]\n"
     "%2 = cast f32 %1\n%3 = lt bool %0, %2\n%4 = ge bool %0, %2\n%5 = cast bool %1\n%6 = bit_and bool %3, %5\n"
     "%7 = not bool %4\n%8 = cast u8 %6\n%9 = cast u8 %7\n%10 = add u8 %8, %9\n%11 = isnan bool %0\n%12 = cast u8 %11\n"
     "%13 = add u8 %10, %12\nstore b2[s1*i0 + i1], %13\n}\n}"},
    {"RoundingAndSigns", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\n%1 = floor f32 %0\n%2 = ceil f32 %0\n"
     "%3 = trunc f32 %0\n%4 = round f32 %0\n%5 = sign f32 %0\n%6 = abs f32 %0\n%7 = neg f32 %6\n%8 = add f32 %1, %2\n"
     "%9 = mul f32 %3, %4\n%10 = add f32 %5, %7\n%11 = add f32 %8, %9\n%12 = minimum f32 %10, %11\n"
     "store b2[s1*i0 + i1], %12\n}\n}"},
    {"IndicesAsValues", "f32", "f32", "f32",
     "parallel i0 < s0 {\nvector i1 < s1 {\n%0 = expr f32 3*i1 + i0\n%1 = expr bool i1 < i0\n%2 = load f32 b0[i1]\n"
     "%3 = where f32 %1, %0, %2\n%4 = expr f32 (i1 + 3*i0) // 2\n%5 = add f32 %3, %4\nstore b2[s1*i0 + i1], %5\n}\n}"},
    {"ExtentOfTheRow", "f32", "f32", "f32",
     "serial i9 < s0*s1 {\n%20 = constant f32 0.0\nstore b2[i9], %20\n}\n"
     "parallel_ i0 < (s0*s1 + 15) // 16 {\nvector i1 < Min(16, s0*s1 - 16*i0) {\n%0 = load f32 b0[16*i0 + i1]\n"
     "store b2[16*i0 + i1], %0\n}\n}"},
};

}  // namespace

absl::Span<const KernelCase> KernelCases() { return kCases; }

std::string ProgramOf(const KernelCase& c) {
  std::string body = absl::StrReplaceAll(c.body, {{"parallel_", "serial"}});
  // A condition that most cases have no use for.
  body = absl::StrReplaceAll(body, {{"%6 = where i64 %7", "%7 = ne bool %1, %2\n%6 = where i64 %7"}});
  return absl::StrCat("program symbols=[s0, s1] inputs=2 {\nbuffer b0 input 0 ", c.in0, "[s0*s1]\nbuffer b1 input 1 ",
                      c.in1, "[s0*s1]\nbuffer b2 output 0 ", c.out, "[s0*s1]\ninputs [b0, b1]\nkernel ", c.name,
                      " nodes=[0] grain=1 {\n", body, "\n}\nreturn new b2: ", c.out,
                      "[s0, s1] strides=[s1, 1] offset=0\n}\n");
}

std::vector<std::map<std::string, int64_t>> KernelSymbols() {
  return {{{"s0", 3}, {"s1", 77}},
          {{"s0", 7}, {"s1", 16}},
          {{"s0", 8}, {"s1", 1}},
          {{"s0", 2}, {"s1", 7}},
          {{"s0", 7}, {"s1", 203}},
          // Tiles of transposes.
          {{"s0", 37}, {"s1", 50}}};
}

std::vector<PlainTensor> KernelInputs(const KernelCase& c, const std::map<std::string, int64_t>& symbols) {
  const int64_t n = symbols.at("s0") * symbols.at("s1");
  return {RandomTensor(*ParseDType(c.in0), n, 1), RandomTensor(*ParseDType(c.in1), n, 2)};
}

}  // namespace kiln
