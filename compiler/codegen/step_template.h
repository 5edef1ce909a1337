// What a step of the entry needs in memory: closures, tensors, argument lists.
//
// An entry keeps one scratch area of 8-byte slots. Before a step runs, the
// step's template is copied into it and patched: a fixup puts a value that only
// the call knows (a size, a buffer's address) into a slot. Templates are
// constants of the artifact, so a step costs a few words of data and one call,
// and the entry of a graph of a thousand nodes stays small. No LLVM here.
#ifndef KILN_COMPILER_CODEGEN_STEP_TEMPLATE_H_
#define KILN_COMPILER_CODEGEN_STEP_TEMPLATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// A KilnTensor and a KilnValue, in slots.
inline constexpr int kTensorSlots = 7;
inline constexpr int kValueSlots = 2;

// Every expression that some step needs, each once; its index is its place among
// the values that the entry computes first.
class ExprTable {
 public:
  int Index(Expr e);
  const std::vector<Expr>& exprs() const { return exprs_; }

 private:
  std::vector<Expr> exprs_;
  absl::flat_hash_map<Expr, int> index_;
};

// Strings of all steps, one after the other, each with a terminating zero.
class StringTable {
 public:
  int Offset(absl::string_view text);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  absl::flat_hash_map<std::string, int> offsets_;
};

// Numbers are those of the switch in entry_template_routines.cc.
enum class FixupKind : uint8_t {
  kExpr = 0,     // slot = value of expression a
  kScratch = 1,  // slot = address of scratch slot a
  kBuffer = 2,   // slot = address of buffer a's element 0
  // slot is a KilnTensor: data, storage, offset and handle of a window into
  // buffer a that starts at expression b, in elements of `scale` bytes.
  kWindow = 3,
  kString = 4,  // slot = address of byte a of the strings
  kHeader = 5,  // slot = header slot a of the frame
};

struct Fixup {
  FixupKind kind = FixupKind::kExpr;
  uint8_t scale = 0;
  int32_t slot = 0;
  int32_t a = 0;
  int32_t b = 0;
};

// Builds one template. Slot numbers are those within it.
class StepTemplate {
 public:
  StepTemplate(ExprTable* exprs, StringTable* strings) : exprs_(exprs), strings_(strings) {}

  // `count` new slots, zero; gives the first.
  int Reserve(int count);
  void SetInt(int slot, int64_t value) { slots_[slot] = value; }
  // An integer expression; a constant needs no fixup.
  void SetExpr(int slot, Expr e);
  // A float or bool expression's value: the entry stores doubles by their bits.
  void SetFixup(FixupKind kind, int slot, int32_t a, int32_t b = 0, uint8_t scale = 0);
  // New slots with these values, and the first's address in `slot`.
  void SetDims(int slot, absl::Span<const Expr> dims);
  void SetString(int slot, absl::string_view text);

  // A KilnTensor at `slot`. `record_of` gives a buffer's record in the frame.
  // Without a window, data stays NULL and only the layout is filled in.
  void SetTensor(int slot, const TensorOperand& tensor, int record, bool window);
  // A KilnValue at `slot`; lists and tensors in new slots.
  void SetValue(int slot, const Operand& operand, absl::Span<const int> record_of_buffer);

  // [number of slots, number of fixups, slots..., two words a fixup...]
  std::vector<int64_t> Encode() const;
  int num_slots() const { return static_cast<int>(slots_.size()); }

 private:
  ExprTable* exprs_;
  StringTable* strings_;
  std::vector<int64_t> slots_;
  std::vector<Fixup> fixups_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_STEP_TEMPLATE_H_
