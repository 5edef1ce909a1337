#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/compile_arguments.h"
#include "clients/cli/compile_options.h"
#include "clients/cli/describe.h"

namespace kiln {
namespace {

struct CompileCommandArguments {
  CompileArguments compile;
  std::string out;
  bool plain_sizes = false;
  bool quiet = false;
};

// Canonical names beside the file's own, where they differ.
std::string DescribeSymbols(const GraphIdentity& identity) {
  std::string out;
  for (size_t i = 0; i < identity.symbol_values.size(); ++i) {
    const std::string name = absl::StrCat("s", i);
    absl::StrAppend(&out, out.empty() ? "" : ", ", identity.symbol_names[i], " = ", identity.symbol_values[i]);
    if (identity.symbol_names[i] != name) absl::StrAppend(&out, " (in guards ", name, ")");
  }
  return out.empty() ? "none" : out;
}

void Report(const CompiledVariant& compiled, const GraphIdentity& identity, double seconds) {
  const std::string tier = absl::AsciiStrToLower(v1::Tier_Name(compiled.tier).substr(sizeof("TIER_") - 1));
  const v1::VariantRecord& record = compiled.record;
  std::cout << absl::StrFormat("answer    %s in %.3f s; the compile took %.3f s\n", tier, seconds,
                               record.compile_seconds());
  if (!compiled.why.empty()) std::cout << "because   " << compiled.why << "\n";
  std::cout << "artifact  " << absl::BytesToHexString(record.artifact_sha256()).substr(0, 12) << ", "
            << DescribeBytes(record.artifact_bytes()) << "\n";
  std::cout << "symbols   " << DescribeSymbols(identity) << "\n";
  std::cout << "guards    " << record.guards_size() << "\n";
  for (const v1::Guard& guard : record.guards()) {
    const int node = guard.reason().node();
    const bool known = node >= 0 && node < record.locations_size();
    std::cout << "  " << DescribeGuard(guard, known ? record.locations(node) : "") << "\n";
  }
  std::cout << "extern    " << record.extern_ops_size() << "\n";
  for (const std::string& op : record.extern_ops()) std::cout << "  " << op << "\n";
}

absl::Status WriteVariant(const std::string& path, const CompiledVariant& compiled) {
  KILN_RETURN_IF_ERROR(WriteWholeFile(path, compiled.elf));
  return WriteWholeFile(absl::StrCat(path, ".variant"), compiled.signed_variant.SerializeAsString());
}

absl::Status RunCompile(const CompileCommandArguments& arguments) {
  const CompileArguments& compile = arguments.compile;
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(OptionValues options, ParseOptionFlags(compile.options));
  KILN_ASSIGN_OR_RETURN(Graph graph, ReadGraphFile(compile.file, compile.graph, &pool));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, ConnectTo(compile.server));
  if (!arguments.plain_sizes) {
    KILN_ASSIGN_OR_RETURN(graph, client->MakeVaryingSizesSymbolic(std::move(graph), &pool));
  }
  KILN_ASSIGN_OR_RETURN(GraphIdentity identity, IdentifyGraph(graph, &pool));
  const absl::Time start = absl::Now();
  auto progress = [&](const v1::Progress& p) {
    if (arguments.quiet || p.phase() != v1::Progress::PHASE_PROPAGATED) return;
    std::cerr << absl::StrFormat("propagated: %d guards, about %.1f s to go\n", p.guards_size(),
                                 p.estimated_seconds());
  };
  KILN_ASSIGN_OR_RETURN(CompiledVariant compiled,
                        client->GetOrCompile(graph, &pool, options, HostOf(compile), progress));
  Report(compiled, identity, absl::ToDoubleSeconds(absl::Now() - start));
  return arguments.out.empty() ? absl::OkStatus() : WriteVariant(arguments.out, compiled);
}

}  // namespace

void AddCompileCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<CompileCommandArguments>();
  CLI::App* command = app.add_subcommand("compile", "Compile a graph on a server, or get what it has compiled before");
  command->footer(
      "The graph is looked up first and travels only on a miss. Example:\n"
      "  kiln compile --bind=s0=8,s1=16,s2=8 --out=add.so add.txt\n"
      "prints the variant's guards and writes add.so and its signed record, add.so.variant.");
  AddCompileArguments(*command, arguments->compile)->required();
  command->add_flag("--no-remembered-failures", arguments->compile.server.no_remembered_failures,
                    "Compile although the server remembers that it failed, or that the graph killed workers");
  command->add_option("--out", arguments->out, "Write the artifact here, and its signed record to OUT.variant");
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  command->callback([arguments, &outcome] { outcome.status = RunCompile(*arguments); });
}

}  // namespace kiln
