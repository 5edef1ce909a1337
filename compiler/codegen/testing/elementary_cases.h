// The elementary functions beside their true values, and how far compiled ones may
// be from them.
#ifndef KILN_COMPILER_CODEGEN_TESTING_ELEMENTARY_CASES_H_
#define KILN_COMPILER_CODEGEN_TESTING_ELEMENTARY_CASES_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

struct ElementaryFunction {
  const char* op;
  double (*f)(double);
  double max_ulp;
  // Of the argument: beyond it precision is not promised.
  double limit = std::numeric_limits<double>::infinity();
};

absl::Span<const ElementaryFunction> ElementaryFunctions();

// One scalar operation over s0 elements: vectors, and at the end single elements.
std::string ElementaryProgram(absl::string_view op, absl::string_view dtype, int arity);

// Floats of every exponent and sign, denormals, zeros, infinities, NaN.
std::vector<double> FloatLine(int step = 20011);

// The distance of two floats near the true value, in units of its last place.
double UlpError(double got, double want, bool is_double);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_ELEMENTARY_CASES_H_
