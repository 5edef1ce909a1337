// Literals and words of the text form, both ways: what PrintLiteral prints,
// ParseWord and the graph parser's numbers and strings read back as the same
// Argument.
#ifndef KILN_FAKE_RUNTIME_GRAPH_LITERAL_TEXT_H_
#define KILN_FAKE_RUNTIME_GRAPH_LITERAL_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "fake_runtime/graph/argument.h"
#include "fake_runtime/symbolic/shape_env.h"

namespace kiln {

// "contiguous", "channels_last", ...; "strided", ...
absl::string_view MemoryFormatText(MemoryFormat format);
absl::string_view LayoutText(Layout layout);

// "automatic", "dynamic", "unbacked", "static".
absl::string_view PolicyText(DimPolicy policy);
std::optional<DimPolicy> ParsePolicy(absl::string_view word);

// Shortest decimal that reads back the same, always with a point or exponent:
// "1.0", "1e-05", "inf", "nan".
std::string PrintDouble(double value);

// `arg` holds no value and no list.
std::string PrintLiteral(const Argument& arg);

// "none", "true", "f32", "strided", "contiguous", "cpu", "cuda:1", "inf".
std::optional<Argument> ParseWord(absl::string_view word);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_LITERAL_TEXT_H_
