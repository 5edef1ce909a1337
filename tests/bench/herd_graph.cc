#include "tests/bench/herd_graph.h"

#include "absl/strings/str_cat.h"

namespace kiln {

std::string HerdGraph(int layers, int salt) {
  std::string inputs = "%x0: f32[s0, 64]", body;
  for (int i = 0; i < layers; ++i) {
    const int inner = 65 + salt % 1000 + i;
    absl::StrAppend(&inputs, ", %v", i, ": f32[64, ", inner, "], %w", i, ": f32[", inner, ", 64]");
    absl::StrAppend(&body, "  %a", i, " = aten.mm.default(%x", i, ", %v", i, ")\n");
    absl::StrAppend(&body, "  %b", i, " = aten.gelu.default(%a", i, ")\n");
    absl::StrAppend(&body, "  %c", i, " = aten._softmax.default(%b", i, ", -1, false)\n");
    absl::StrAppend(&body, "  %d", i, " = aten.mm.default(%c", i, ", %w", i, ")\n");
    absl::StrAppend(&body, "  %x", i + 1, " = aten.add.Tensor(%d", i, ", %x", i, ")\n");
  }
  return absl::StrCat("graph herd(", inputs, ") {\n", body, "  return (%x", layers, ")\n}\n");
}

}  // namespace kiln
