// One argument of a node: a value of the graph, a literal, or a list of them.
#ifndef KILN_FAKE_RUNTIME_GRAPH_ARGUMENT_H_
#define KILN_FAKE_RUNTIME_GRAPH_ARGUMENT_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "fake_runtime/tensor/device.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// A value of one graph: its inputs first, then what nodes define, in order.
struct ValueId {
  int value = -1;
  friend auto operator<=>(ValueId, ValueId) = default;
  template <typename H>
  friend H AbslHashValue(H h, ValueId id) {
    return H::combine(std::move(h), id.value);
  }
};

struct Argument;
using ArgumentList = std::vector<Argument>;
struct None {
  friend bool operator==(None, None) = default;
};

// std::monostate is not used: None is a value that operators see.
struct Argument {
  std::variant<None, ValueId, int64_t, double, bool, std::string, DType, Device,
               Layout, MemoryFormat, ArgumentList>
      v = None{};

  Argument() = default;
  template <typename T>
  explicit Argument(T value) : v(std::move(value)) {}

  bool is_none() const { return std::holds_alternative<None>(v); }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&v);
  }
  friend bool operator==(const Argument&, const Argument&) = default;
};

// Calls `visit(ValueId)` for each value in `arg`, lists included, in order.
template <typename Visitor>
void VisitValues(const Argument& arg, Visitor&& visit) {
  if (const ValueId* id = arg.get_if<ValueId>()) {
    visit(*id);
  } else if (const ArgumentList* list = arg.get_if<ArgumentList>()) {
    for (const Argument& item : *list) VisitValues(item, visit);
  }
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_ARGUMENT_H_
