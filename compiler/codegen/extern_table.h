// The extern operators of a program, in the order of their indices: each pair of
// name and calling convention once, by first use. No LLVM; the manifest is built
// from it too.
#ifndef KILN_COMPILER_CODEGEN_EXTERN_TABLE_H_
#define KILN_COMPILER_CODEGEN_EXTERN_TABLE_H_

#include <map>
#include <string>
#include <vector>

#include "compiler/loops/loop_ir.h"

namespace kiln {

struct ExternEntry {
  std::string op;
  bool into = false;
  int call_sites = 0;
  std::vector<int> nodes;  // sorted, each once
  // What calls compute besides, and how many of them: "gelu" -> 12.
  std::map<std::string, int> epilogues;
};

struct ExternTable {
  std::vector<ExternEntry> ops;
  // By step; -1 where the step is no extern call.
  std::vector<int> index_of_step;
};

ExternTable BuildExternTable(const LoopProgram& program);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_EXTERN_TABLE_H_
