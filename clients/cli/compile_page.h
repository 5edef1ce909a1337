// One self-contained HTML page of what a compile made: the graph coloured by kernel,
// and of each kernel the operators with the user's lines, why they are one kernel,
// bytes and operations, loop IR, LLVM IR and assembly beside each other; time by stage
// and by kernel, guards, inputs and outputs. Built of the parts of a propagated graph's
// page (fake_runtime/report/page_frame.h), with its law: everything is escaped.
//
// An artifact does not hold its graph's edges: for one alone the page draws its steps
// in their order, and says so.
#ifndef KILN_CLIENTS_CLI_COMPILE_PAGE_H_
#define KILN_CLIENTS_CLI_COMPILE_PAGE_H_

#include <optional>
#include <string>
#include <vector>

#include "fake_runtime/report/propagation_report.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// What there is to read of a kernel's code; empty where it is not known.
struct KernelCode {
  std::string loops, llvm_ir, assembly;
};

struct CompilePageInput {
  std::string title;  // of the page: a file's name
  v1::Manifest manifest;
  // Locations, and what the compile took; unset where no record is there.
  std::optional<v1::VariantRecord> record;
  // By kernel of the manifest.
  std::vector<KernelCode> code;
  // The canonical graph that was compiled: its nodes have the manifest's numbers.
  std::optional<PropagationReport> graph;
};

std::string CompilePage(const CompilePageInput& input);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COMPILE_PAGE_H_
