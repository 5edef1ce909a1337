#include "clients/cli/target_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "clients/runtime/cpu_features.h"

namespace kiln {
namespace {

// More than any features have; the compiler takes what they have.
constexpr int kWidestVectorBits = 512;

}  // namespace

void AddTargetOptions(CLI::App& command, TargetOptions& options) {
  command.add_option("--arch", options.arch, "Architecture of the host: x86_64, aarch64. Default: this machine's");
  command
      .add_option("--features", options.features,
                  "Processor features of the host, by LLVM's names: avx2,fma; of SVE its length too: sve,sve256. "
                  "Default: this machine's, of another architecture none but its plainest processor's")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--vector-bits", options.vector_bits,
                     "The widest vectors to use: 128, 256, 512. Default: the features' widest");
  command.add_option("--threads", options.threads, "Threads of the host. Default: this machine's cores");
}

absl::StatusOr<TargetOptions> ParseTarget(const std::string& text) {
  TargetOptions options;
  if (text == "native") return options;
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  if (parts.first.empty()) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat("--target '", text, "' is neither native nor ARCH[:FEATURE,...]"));
  }
  options.arch = parts.first;
  options.features = absl::StrSplit(parts.second, ',', absl::SkipEmpty());
  options.only_features = true;
  return options;
}

v1::Target TargetOf(const TargetOptions& options) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  v1::Target target = DetectTarget(options.threads > 0 ? options.threads : cores);
  const bool is_other_arch = !options.arch.empty() && options.arch != target.arch();
  if (is_other_arch) {
    target.set_arch(options.arch);
    target.clear_cache_bytes();
  }
  if (is_other_arch || options.only_features || !options.features.empty()) {
    target.clear_features();
    for (const std::string& feature : options.features) target.add_features(feature);
    target.set_vector_bits(kWidestVectorBits);
  }
  if (options.vector_bits > 0) target.set_vector_bits(options.vector_bits);
  return target;
}

}  // namespace kiln
