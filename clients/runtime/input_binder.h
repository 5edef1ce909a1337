// What a graph's inputs must look like, compiled once: solves the symbols from the
// inputs of a call and compares everything else with its expression.
//
//   KILN_ASSIGN_OR_RETURN(InputBinder binder, InputBinder::Create(manifest.symbols(), manifest.inputs()));
//   std::vector<int64_t> symbols(binder.num_symbols());
//   if (binder.Bind(inputs, symbols.data())) ...
//
// A symbol is solved from any input size, stride, offset or symbolic scalar that
// is linear in it once the others are known: `s0`, `-s55`, `s55 + s70`, `384*s1`.
// Alone where it can be, so that no division is needed.
//
// The stride of a dimension of size 0 or 1, and of a tensor without elements,
// says nothing about where elements are; it is not compared.
#ifndef KILN_CLIENTS_RUNTIME_INPUT_BINDER_H_
#define KILN_CLIENTS_RUNTIME_INPUT_BINDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "clients/runtime/expr_program.h"
#include "compiler/artifact/kiln_abi.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// Immutable; thread-safe.
class InputBinder {
 public:
  using Inputs = google::protobuf::RepeatedPtrField<v1::ManifestInput>;
  using Symbols = google::protobuf::RepeatedPtrField<std::string>;

  // BAD_EXPRESSION; UNSUPPORTED_GRAPH naming a symbol that no input determines.
  static absl::StatusOr<InputBinder> Create(const Symbols& symbols, const Inputs& inputs);

  // True if `inputs` agree with the metadata; then symbols[0..num_symbols()) are
  // their values. Devices are the caller's to compare: KilnTensor has none.
  bool Bind(absl::Span<const KilnValue> inputs, int64_t* symbols) const;
  // Why Bind says no: "input 3: size 1 is 65 but s0 + 1 is 33". Empty if it says yes.
  std::string Explain(absl::Span<const KilnValue> inputs) const;

  int num_inputs() const { return static_cast<int>(rows_.size()); }
  int num_symbols() const { return num_symbols_; }

 private:
  // What one place must be: a constant, a symbol, or an expression.
  enum class FieldKind : uint8_t { kConstant, kSymbol, kProgram };
  struct Field {
    FieldKind kind = FieldKind::kConstant;
    int64_t value = 0;  // the constant, or the place of symbol or program
  };
  struct Row {
    bool is_tensor = false;
    int32_t rank = 0;
    int32_t dtype = 0;
    int32_t first_field = 0;  // sizes, strides, offset; or the scalar
  };
  // symbols[symbol] = (value of input's field - rest) / coefficient.
  struct Solve {
    int32_t input = 0;
    int32_t field = 0;  // within the input
    int32_t symbol = 0;
    bool alone = false;
    ExprProgram coefficient;
    ExprProgram rest;
  };
  class Builder;
  enum class Mismatch : uint8_t { kNone, kCount, kKind, kDtype, kRank, kField, kSolve };
  struct Verdict {
    Mismatch what = Mismatch::kNone;
    int input = -1;
    int field = -1;
    int64_t expected = 0;
    int64_t actual = 0;
  };

  static int64_t Read(const KilnValue& value, int field);
  Verdict CheckKind(const KilnValue& value, int input) const;
  Verdict CheckFields(const KilnValue& value, int input, const int64_t* symbols) const;
  Verdict SolveOne(const Solve& solve, absl::Span<const KilnValue> inputs, int64_t* symbols) const;
  Verdict Check(absl::Span<const KilnValue> inputs, int64_t* symbols) const;
  bool FieldHolds(const Field& field, int64_t actual, const int64_t* symbols, int64_t* expected) const;

  int num_symbols_ = 0;
  std::vector<Row> rows_;
  std::vector<Field> fields_;
  std::vector<std::string> texts_;  // of fields, for messages
  std::vector<ExprProgram> programs_;
  std::vector<Solve> solves_;  // in the order in which they can be done
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_INPUT_BINDER_H_
