// The strides that the text form leaves out: those of torch.empty(sizes).
#ifndef KILN_FAKE_RUNTIME_GRAPH_CONTIGUOUS_DEFAULT_H_
#define KILN_FAKE_RUNTIME_GRAPH_CONTIGUOUS_DEFAULT_H_

#include "absl/types/span.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

// Row-major strides, each the product of Max(1, size) over the later
// dimensions; the Max is left out where the declared range of the symbols keeps
// the size above zero. Unlike ContiguousStrides it needs no ShapeEnv, so that
// printing a graph asks nothing of an environment.
Dims DefaultStrides(ExprPool& pool, absl::Span<const Expr> sizes,
                    absl::Span<const SymbolDeclaration> symbols);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_CONTIGUOUS_DEFAULT_H_
