#include "service/get_server_info.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/elf_machine.h"
#include "compiler/artifact/kiln_abi.h"
#include "service/request_header.h"
#include "service/server_limits.h"

namespace kiln {
namespace {

constexpr absl::string_view kDialects[] = {"aten"};
constexpr absl::string_view kCapabilities[] = {"compile", "compile-by-digest", "explain",  "get-artifact",
                                               "lookup",  "profile-shapes",    "propagate"};

void AddLimits(v1::GetServerInfoResponse& response) {
  for (const LimitRow& limit : Limits()) {
    v1::GetServerInfoResponse::LimitRow& row = *response.add_limits();
    row.set_name(std::string(limit.name));
    row.set_value(limit.value);
    row.set_unit(std::string(limit.unit));
    row.set_what(std::string(limit.what));
  }
}

void AddOptions(const CompilerEntry& compiler, v1::GetServerInfoResponse& response) {
  for (const CompileOptionRow& option : compiler.option_rows) {
    v1::GetServerInfoResponse::OptionRow& row = *response.add_options();
    row.set_name(std::string(option.name));
    row.set_default_value(std::string(option.default_value));
    row.set_what(std::string(option.what));
  }
}

}  // namespace

absl::Status GetServerInfo(Front& front, const v1::GetServerInfoRequest& request,
                           v1::GetServerInfoResponse& response) {
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  response.set_version(KILN_VERSION);
  response.set_compiler_build(front.compiler.build);
  response.set_abi_min(KILN_ABI_VERSION);
  response.set_abi_max(KILN_ABI_VERSION);
  for (const ElfMachine& machine : ElfMachines()) {
    response.add_target_families(absl::StrCat(kTargetDevice, "/", machine.arch));
  }
  AddLimits(response);
  AddOptions(front.compiler, response);
  for (absl::string_view dialect : kDialects) response.add_dialects(std::string(dialect));
  for (absl::string_view capability : kCapabilities) response.add_capabilities(std::string(capability));
  response.add_public_keys(std::string(front.key.public_key()));
  response.set_started_unix_seconds(absl::ToUnixSeconds(front.started));
  *response.mutable_counters() = front.metrics->Counters();
  return absl::OkStatus();
}

}  // namespace kiln
