// Runs graphs through the naive twin of the compiler, for comparison with
// PyTorch. Reads from standard input blocks of
//
//   graph <bytes>\n<text of the graph>\ninputs <n>\n
//   <dtype> <rank> <sizes..> <strides..> <offset> <count> <elements of the storage..>\n   (n times)
//
// or `module <bytes>\n` and a serialized GraphModule instead of the text,
// and answers each with a line `error <message>`, or `ok <n>` and n lines of
// `<count> <elements in row-major order..>`.
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/loops/testing/lower_text.h"
#include "compiler/loops/testing/plain_arithmetic.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {
namespace {

double ReadNumber() {
  std::string word;
  std::cin >> word;
  double value = 0;
  if (!absl::SimpleAtod(word, &value)) std::cerr << "not a number: " << word << "\n";
  return value;
}

PlainTensor ReadTensor() {
  std::string dtype;
  size_t rank = 0;
  std::cin >> dtype >> rank;
  PlainTensor t;
  t.dtype = ParseDType(dtype).value_or(DType::kFloat32);
  t.sizes.resize(rank);
  t.strides.resize(rank);
  for (int64_t& size : t.sizes) std::cin >> size;
  for (int64_t& stride : t.strides) std::cin >> stride;
  int64_t count = 0;
  std::cin >> t.offset >> count;
  t.storage = std::make_shared<std::vector<PlainNumber>>();
  for (int64_t i = 0; i < count; ++i) {
    t.storage->push_back(CastNumber(DType::kFloat64, t.dtype, {ReadNumber(), 0}));
  }
  return t;
}

// A serialized module as the text of its graph.
absl::StatusOr<std::string> TextOfModule(const std::string& bytes) {
  v1::GraphModule module;
  if (!module.ParseFromString(bytes)) return MakeError(ErrorReason::kMalformedMessage, "no GraphModule");
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ImportModule(module, &pool, {FindOpSchema, RefusedOps()}));
  return PrintGraph(graph);
}

void RunBlock(bool is_module) {
  std::string word;
  size_t bytes = 0;
  std::cin >> bytes;
  std::cin.get();
  std::string text(bytes, ' ');
  std::cin.read(text.data(), static_cast<std::streamsize>(bytes));
  size_t count = 0;
  std::cin >> word >> count;
  std::vector<PlainTensor> inputs;
  for (size_t i = 0; i < count; ++i) inputs.push_back(ReadTensor());
  absl::StatusOr<std::string> graph = is_module ? TextOfModule(text) : text;
  absl::StatusOr<std::vector<PlainTensor>> outputs = graph.ok() ? RunText(*graph, inputs) : graph.status();
  if (!outputs.ok()) {
    std::cout << "error " << absl::StrReplaceAll(outputs.status().message(), {{"\n", " "}}) << std::endl;
    return;
  }
  std::cout << "ok " << outputs->size() << "\n";
  for (const PlainTensor& t : *outputs) {
    std::vector<double> values = t.Values();
    std::cout << values.size();
    for (double v : values) std::cout << " " << absl::StrFormat("%.17g", v);
    std::cout << "\n";
  }
  std::cout << std::flush;
}

}  // namespace
}  // namespace kiln

int main() {
  std::string word;
  while (std::cin >> word && (word == "graph" || word == "module")) kiln::RunBlock(word == "module");
  return 0;
}
