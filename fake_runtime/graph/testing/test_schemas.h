// The schemas that tests of the graph and of import look operators up in.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TESTING_TEST_SCHEMAS_H_
#define KILN_FAKE_RUNTIME_GRAPH_TESTING_TEST_SCHEMAS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/graph/op_schema.h"

namespace kiln {

// As PyTorch prints them.
absl::Span<const absl::string_view> TestSchemaTexts();

// nullptr if there is none. A SchemaLookup. Thread-safe.
const OpSchema* FindTestSchema(absl::string_view name);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TESTING_TEST_SCHEMAS_H_
