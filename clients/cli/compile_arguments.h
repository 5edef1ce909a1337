// The arguments of commands that ask a server about the compile of a graph: `kiln
// compile` does it, `kiln explain` says what would come of it.
#ifndef KILN_CLIENTS_CLI_COMPILE_ARGUMENTS_H_
#define KILN_CLIENTS_CLI_COMPILE_ARGUMENTS_H_

#include <string>
#include <vector>

#include "clients/cli/graph_file.h"
#include "clients/cli/server_options.h"
#include "clients/cli/target_options.h"
#include "kiln/v1/compile_service.pb.h"

namespace CLI {
class App;
class Option;
}

namespace kiln {

struct CompileArguments {
  ServerOptions server;
  GraphFileOptions graph;
  std::string file;
  std::vector<std::string> options;
  TargetOptions target;
  std::vector<std::string> extern_ops = {"aten.*"};
};

// The file, --bind, --dynamic, --option, --extern-ops, and those of target and server.
// Returns the file's. `arguments` must outlive the app.
CLI::Option* AddCompileArguments(CLI::App& command, CompileArguments& arguments);

v1::HostCapabilities HostOf(const CompileArguments& arguments);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COMPILE_ARGUMENTS_H_
