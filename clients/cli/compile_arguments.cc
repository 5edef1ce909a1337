#include "clients/cli/compile_arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <utility>

namespace kiln {

CLI::Option* AddCompileArguments(CLI::App& command, CompileArguments& arguments) {
  CLI::Option* file = command.add_option("file", arguments.file,
                                         "A graph: text form, or a serialized kiln.v1.GraphModule; - for stdin");
  command.add_option("--bind", arguments.graph.bind, "The symbols' sizes: s0=8,s1=16");
  command.add_flag("--dynamic", arguments.graph.dynamic, "Turn plain sizes of inputs into symbols");
  command
      .add_option("--option", arguments.options,
                  "A compile option NAME=VALUE; may be repeated. `kiln stats --json` lists them")
      ->allow_extra_args(false);
  AddTargetOptions(command, arguments.target);
  command
      .add_option("--extern-ops", arguments.extern_ops, "Operators that the host serves; a trailing * is any suffix")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  AddServerOptions(command, arguments.server);
  return file;
}

v1::HostCapabilities HostOf(const CompileArguments& arguments) {
  v1::Target target = TargetOf(arguments.target);
  v1::HostCapabilities host = ThisHost(target.threads());
  *host.mutable_target() = std::move(target);
  host.clear_extern_ops();
  for (const std::string& op : arguments.extern_ops) host.add_extern_ops(op);
  return host;
}

}  // namespace kiln
