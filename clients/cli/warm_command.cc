#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/admin_client.h"
#include "clients/cli/child_process.h"
#include "clients/cli/command.h"
#include "clients/cli/compile_options.h"
#include "clients/cli/describe.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/server_options.h"
#include "clients/cli/target_options.h"

namespace kiln {
namespace {

struct WarmArguments {
  ServerOptions server;
  AdminClientOptions admin;
  GraphFileOptions graph;
  std::vector<std::string> files;
  std::vector<std::string> targets;
  std::vector<std::string> options;
  std::string python = "python3";
  std::string out;
};

bool IsPython(absl::string_view file) { return absl::EndsWith(file, ".py"); }

// A server over a folder for as long as the object lives.
class OwnServer {
 public:
  static absl::StatusOr<std::unique_ptr<OwnServer>> Start(const std::string& data_folder) {
    std::error_code error;
    const std::string binary = std::filesystem::read_symlink("/proc/self/exe", error);
    // Relative paths would be another folder's in a socket's address.
    const std::string data = std::filesystem::absolute(data_folder);
    auto server = std::make_unique<OwnServer>();
    server->address_ = absl::StrCat("unix:", data, "/warm.sock");
    server->data_ = data;
    KILN_ASSIGN_OR_RETURN(server->process_,
                          ChildProcess::Start({binary, "serve", absl::StrCat("--listen=", server->address_),
                                               absl::StrCat("--data=", data), "--metrics=none", "--log-level=warn"},
                                              /*reads_output=*/true));
    const std::string ready = server->process_->ReadLine();
    if (absl::StartsWith(ready, "kiln: serving on ")) return server;
    return MakeError(ErrorReason::kStorage, absl::StrCat("no server could be started over ", data,
                                                         ", for the reason above; if one runs there, give --address "
                                                         "and --admin instead of --data"));
  }

  const std::string& address() const { return address_; }
  std::string public_key() const { return data_ + "/signing_key.pub"; }

 private:
  std::string address_;
  std::string data_;
  std::unique_ptr<ChildProcess> process_;
};

// A file's name that is gone with the object.
class ListFile {
 public:
  ListFile() : path_((std::filesystem::temp_directory_path() / "kiln_warm_XXXXXX").string()) {
    const int fd = mkstemp(path_.data());
    if (fd >= 0) close(fd);
  }
  ~ListFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Warming {
 public:
  explicit Warming(const WarmArguments& arguments) : arguments_(arguments) {}

  absl::Status Run() {
    KILN_RETURN_IF_ERROR(FindServer());
    KILN_RETURN_IF_ERROR(WarmGraphs());
    KILN_RETURN_IF_ERROR(WarmModules());
    if (artifacts_.empty()) return MakeError(ErrorReason::kUnsupportedGraph, "nothing was compiled");
    if (arguments_.out.empty()) return absl::OkStatus();
    KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> admin, AdminClient::Connect(arguments_.admin));
    v1::VariantFilter filter;
    for (const std::string& artifact : artifacts_) filter.add_artifacts(artifact);
    KILN_ASSIGN_OR_RETURN(const int64_t bytes, admin->Export(filter, arguments_.out));
    std::cout << "exported  " << arguments_.out << ", " << DescribeBytes(bytes) << ", " << artifacts_.size()
              << " artifacts\n";
    return absl::OkStatus();
  }

 private:
  absl::Status FindServer() {
    if (arguments_.admin.data_folder.empty()) {
      if (arguments_.out.empty() || !arguments_.admin.address.empty()) return absl::OkStatus();
      return MakeError(ErrorReason::kBadArgumentValue, "--out wants --admin ADDRESS, or --data FOLDER");
    }
    KILN_ASSIGN_OR_RETURN(own_server_, OwnServer::Start(arguments_.admin.data_folder));
    arguments_.server.address = own_server_->address();
    arguments_.server.trusted_keys = own_server_->public_key();
    return absl::OkStatus();
  }

  absl::Status WarmGraphs() {
    if (std::all_of(arguments_.files.begin(), arguments_.files.end(), &IsPython)) return absl::OkStatus();
    KILN_ASSIGN_OR_RETURN(const OptionValues options, ParseOptionFlags(arguments_.options));
    KILN_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, ConnectTo(arguments_.server));
    for (const std::string& file : arguments_.files) {
      if (IsPython(file)) continue;
      ExprPool pool;
      KILN_ASSIGN_OR_RETURN(const Graph graph, ReadGraphFile(file, arguments_.graph, &pool));
      for (const std::string& text : arguments_.targets) {
        KILN_ASSIGN_OR_RETURN(const v1::HostCapabilities host, HostOf(text));
        absl::StatusOr<CompiledVariant> compiled = client->GetOrCompile(graph, &pool, options, host);
        if (!compiled.ok()) return AddContext(compiled.status(), file);
        artifacts_.insert(compiled->record.artifact_sha256());
      }
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<v1::HostCapabilities> HostOf(const std::string& text) {
    KILN_ASSIGN_OR_RETURN(const TargetOptions options, ParseTarget(text));
    v1::Target target = TargetOf(options);
    v1::HostCapabilities host = ThisHost(target.threads());
    *host.mutable_target() = std::move(target);
    return host;
  }

  // PyTorch's part: clients/python/src/kiln/warm.py.
  absl::Status WarmModules() {
    const ListFile list;
    std::vector<std::string> words = {arguments_.python, "-m", "kiln.warm", absl::StrCat("--list=", list.path())};
    for (const std::string& target : arguments_.targets) words.push_back(absl::StrCat("--target=", target));
    const size_t fixed = words.size();
    std::copy_if(arguments_.files.begin(), arguments_.files.end(), std::back_inserter(words), &IsPython);
    if (words.size() == fixed) return absl::OkStatus();
    const std::pair<const char*, const std::string&> variables[] = {{"KILN_ADDRESS", arguments_.server.address},
                                                                    {"KILN_TRUSTED_KEYS", arguments_.server.trusted_keys},
                                                                    {"KILN_DOMAIN", arguments_.server.domain},
                                                                    {"KILN_REQUESTER", arguments_.server.requester}};
    for (const auto& [name, value] : variables) {
      if (!value.empty()) setenv(name, value.c_str(), /*overwrite=*/1);
    }
    KILN_ASSIGN_OR_RETURN(const std::unique_ptr<ChildProcess> python, ChildProcess::Start(words));
    if (const int code = python->Wait(); code != 0) {
      return absl::FailedPreconditionError(absl::StrCat(arguments_.python, " -m kiln.warm ended with ", code));
    }
    KILN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(list.path()));
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      const std::optional<Digest> digest = Digest::FromHex(line);
      if (digest.has_value()) artifacts_.insert(std::string(digest->bytes()));
    }
    return absl::OkStatus();
  }

  WarmArguments arguments_;
  std::unique_ptr<OwnServer> own_server_;
  std::set<std::string> artifacts_;
};

}  // namespace

void AddWarmCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<WarmArguments>();
  CLI::App* command = app.add_subcommand("warm", "Compile before it is asked for, and write what came of it to a bundle");
  command->footer(
      "A Python file defines kiln_warm(), which yields models and example inputs (`python -m kiln.warm --help`); other\n"
      "files are graphs, as `kiln compile` takes them. Neither needs an accelerator, or the processor that is compiled\n"
      "for. With --data a server is started over that folder for as long as it takes, whose signing_key then signs\n"
      "the bundle. Example:\n"
      "  kiln warm --data=/tmp/warm --target=x86_64:avx2,fma --target=aarch64 --out=model.kiln model.py");
  command->add_option("files", arguments->files, "MODULE.py with kiln_warm(), or graphs")->required();
  command->add_option("--out", arguments->out, "The bundle. Without it the server alone is warmed");
  arguments->targets = {"native"};
  command->add_option("--target", arguments->targets, "native, or ARCH[:FEATURE,...]; may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--bind", arguments->graph.bind, "Sizes of the graphs' symbols: s0=8,s1=16");
  command->add_flag("--dynamic", arguments->graph.dynamic, "Turn plain sizes of the graphs' inputs into symbols");
  command->add_option("--option", arguments->options, "A compile option NAME=VALUE for the graphs; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--python", arguments->python, "The interpreter that has PyTorch and kiln")
      ->envname("KILN_PYTHON")
      ->capture_default_str();
  AddServerOptions(*command, arguments->server);
  command->add_option("--admin", arguments->admin.address, "The server's admin address, for --out")->envname("KILN_ADMIN");
  command->add_option("--admin-token", arguments->admin.token_file, "A file with the token that a TCP address asks for")
      ->envname("KILN_ADMIN_TOKEN_FILE");
  command->add_option("--data", arguments->admin.data_folder, "Start a server over this folder meanwhile");
  command->callback([arguments, &outcome] { outcome.status = Warming(*arguments).Run(); });
}

}  // namespace kiln
