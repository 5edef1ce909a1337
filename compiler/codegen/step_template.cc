#include "compiler/codegen/step_template.h"

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "compiler/artifact/kiln_abi.h"

namespace kiln {
namespace {

static_assert(sizeof(KilnTensor) == kTensorSlots * 8);
static_assert(sizeof(KilnValue) == kValueSlots * 8);
static_assert(offsetof(KilnTensor, sizes) == 8 && offsetof(KilnTensor, strides) == 16);
static_assert(offsetof(KilnTensor, rank) == 24 && offsetof(KilnTensor, dtype) == 28);
static_assert(offsetof(KilnTensor, storage) == 32 && offsetof(KilnTensor, storage_offset) == 40);
static_assert(offsetof(KilnTensor, handle) == 48);
static_assert(offsetof(KilnValue, count) == 4 && offsetof(KilnValue, u) == 8);

// Two 32-bit fields of a struct as one little-endian word.
int64_t Pack(int32_t low, int32_t high) {
  return static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(high)) << 32 | static_cast<uint32_t>(low));
}

int64_t BitsOf(double value) {
  int64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

}  // namespace

int ExprTable::Index(Expr e) {
  auto [it, is_new] = index_.try_emplace(e, static_cast<int>(exprs_.size()));
  if (is_new) exprs_.push_back(e);
  return it->second;
}

int StringTable::Offset(absl::string_view text) {
  auto [it, is_new] = offsets_.try_emplace(std::string(text), static_cast<int>(bytes_.size()));
  if (is_new) {
    bytes_.append(text.data(), text.size());
    bytes_.push_back('\0');
  }
  return it->second;
}

int StepTemplate::Reserve(int count) {
  const int first = num_slots();
  slots_.resize(slots_.size() + count);
  return first;
}

void StepTemplate::SetExpr(int slot, Expr e) {
  if (std::optional<int64_t> constant = e.AsInt()) {
    SetInt(slot, *constant);
  } else {
    SetFixup(FixupKind::kExpr, slot, exprs_->Index(e));
  }
}

void StepTemplate::SetFixup(FixupKind kind, int slot, int32_t a, int32_t b, uint8_t scale) {
  fixups_.push_back({kind, scale, slot, a, b});
}

void StepTemplate::SetDims(int slot, absl::Span<const Expr> dims) {
  const int first = Reserve(static_cast<int>(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) SetExpr(first + static_cast<int>(i), dims[i]);
  SetFixup(FixupKind::kScratch, slot, first);
}

void StepTemplate::SetString(int slot, absl::string_view text) {
  SetFixup(FixupKind::kString, slot, strings_->Offset(text));
}

void StepTemplate::SetTensor(int slot, const TensorOperand& tensor, int record, bool window) {
  SetDims(slot + 1, tensor.sizes);
  SetDims(slot + 2, tensor.strides);
  SetInt(slot + 3, Pack(static_cast<int32_t>(tensor.sizes.size()), GetDTypeRow(tensor.dtype).wire_id));
  if (!window) return;
  SetFixup(FixupKind::kWindow, slot, record, exprs_->Index(tensor.offset),
           static_cast<uint8_t>(DTypeSizeBytes(tensor.dtype)));
}

void StepTemplate::SetValue(int slot, const Operand& operand, absl::Span<const int> record_of_buffer) {
  auto set = [&](int32_t kind, int32_t count, int64_t payload) {
    SetInt(slot, Pack(kind, count));
    SetInt(slot + 1, payload);
  };
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, None>) {
          set(KILN_VALUE_NONE, 0, 0);
        } else if constexpr (std::is_same_v<T, TensorOperand>) {
          set(KILN_VALUE_TENSOR, 0, 0);
          const int tensor = Reserve(kTensorSlots);
          SetTensor(tensor, value, record_of_buffer[value.buffer.value], /*window=*/true);
          SetFixup(FixupKind::kScratch, slot + 1, tensor);
        } else if constexpr (std::is_same_v<T, Expr>) {
          static constexpr int32_t kKinds[] = {KILN_VALUE_INT, KILN_VALUE_FLOAT, KILN_VALUE_BOOL};
          set(kKinds[static_cast<int>(value.type())], 0, 0);
          SetExpr(slot + 1, value);
        } else if constexpr (std::is_same_v<T, double>) {
          set(KILN_VALUE_FLOAT, 0, BitsOf(value));
        } else if constexpr (std::is_same_v<T, bool>) {
          set(KILN_VALUE_BOOL, 0, value ? 1 : 0);
        } else if constexpr (std::is_same_v<T, std::string>) {
          set(KILN_VALUE_STRING, static_cast<int32_t>(value.size()), 0);
          SetString(slot + 1, value);
        } else if constexpr (std::is_same_v<T, DType>) {
          set(KILN_VALUE_DTYPE, 0, GetDTypeRow(value).wire_id);
        } else if constexpr (std::is_same_v<T, Device>) {
          const std::string text = value.ToString();
          set(KILN_VALUE_DEVICE, static_cast<int32_t>(text.size()), 0);
          SetString(slot + 1, text);
        } else if constexpr (std::is_same_v<T, Layout>) {
          set(KILN_VALUE_LAYOUT, 0, static_cast<int64_t>(value));
        } else if constexpr (std::is_same_v<T, MemoryFormat>) {
          set(KILN_VALUE_MEMORY_FORMAT, 0, static_cast<int64_t>(value));
        } else if constexpr (std::is_same_v<T, OperandList>) {
          set(KILN_VALUE_LIST, static_cast<int32_t>(value.size()), 0);
          const int first = Reserve(kValueSlots * static_cast<int>(value.size()));
          for (size_t i = 0; i < value.size(); ++i) {
            SetValue(first + kValueSlots * static_cast<int>(i), value[i], record_of_buffer);
          }
          SetFixup(FixupKind::kScratch, slot + 1, first);
        }
      },
      operand.v);
}

std::vector<int64_t> StepTemplate::Encode() const {
  std::vector<int64_t> words = {num_slots(), static_cast<int64_t>(fixups_.size())};
  words.insert(words.end(), slots_.begin(), slots_.end());
  for (const Fixup& fixup : fixups_) {
    words.push_back(Pack(static_cast<int32_t>(fixup.kind) | fixup.scale << 8, fixup.slot));
    words.push_back(Pack(fixup.a, fixup.b));
  }
  return words;
}

}  // namespace kiln
