#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/bundle_reader.h"
#include "clients/cli/admin_client.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"
#include "clients/cli/describe_cache.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/message_json.h"
#include "clients/cli/option_checks.h"
#include "clients/cli/variant_filter_options.h"

namespace kiln {
namespace {

struct CacheArguments {
  AdminClientOptions admin;
  VariantFilterOptions filter;
  bool json = false;
  bool all = false;
  std::string artifact;
  std::string file;
  double mib_per_second = 0;
  std::vector<std::string> lines;
};

absl::Status PrintVariants(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const v1::VariantFilter filter, FilterOf(arguments.filter, *client));
  v1::ListVariantsResponse all;
  const absl::Time now = absl::Now();
  if (!arguments.json) std::cout << VariantTableHead();
  KILN_RETURN_IF_ERROR(client->VisitVariants(filter, [&](const v1::VariantSummary& variant) {
    if (arguments.json) {
      *all.add_variants() = variant;
    } else {
      std::cout << DescribeVariant(variant, now);
    }
    return true;
  }));
  if (arguments.json) std::cout << MessageJson(all) << "\n";
  return absl::OkStatus();
}

absl::Status PrintArtifact(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const std::string sha256, CompleteArtifact(arguments.artifact, *client));
  KILN_ASSIGN_OR_RETURN(const v1::ShowArtifactResponse shown, client->ShowArtifact(sha256));
  if (arguments.json) {
    std::cout << MessageJson(shown) << "\n";
    return absl::OkStatus();
  }
  for (int i = 0; i < shown.variants_size(); ++i) {
    const v1::VariantSummary& variant = shown.variants(i);
    std::cout << "key       " << absl::BytesToHexString(variant.key()) << "\n"
              << "artifact  " << absl::BytesToHexString(variant.artifact_sha256()) << "\n"
              << "signed by " << absl::BytesToHexString(variant.key_id()) << "\n"
              << DescribeArtifact(shown.manifest(), variant.artifact_bytes(), &shown.records(i));
  }
  return absl::OkStatus();
}

absl::Status Verify(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  const auto rate = static_cast<int64_t>(arguments.mib_per_second * (1 << 20));
  KILN_ASSIGN_OR_RETURN(const v1::VerifyCacheResponse done,
                        client->Verify(rate, [&](const v1::VerifyCacheResponse& so_far) {
                          if (!arguments.json) std::cerr << DescribeProgress(so_far) << "\n";
                        }));
  std::cout << (arguments.json ? MessageJson(done) + "\n" : DescribeVerification(done));
  const int64_t bad =
      done.corrupt_artifacts() + done.missing_artifacts() + done.untrusted_rows() + done.revoked_rows();
  if (bad == 0) return absl::OkStatus();
  return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat(bad, " entries did not hold"));
}

absl::Status Evict(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  v1::EvictVariantsRequest request;
  KILN_ASSIGN_OR_RETURN(*request.mutable_filter(), FilterOf(arguments.filter, *client));
  if (!arguments.all && !request.filter().has_domain() && request.filter().ByteSizeLong() == 0) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     "evict what? Give --artifact, --graph, --key, --domain, --older-than or --job, or --all");
  }
  request.set_all(arguments.all);
  KILN_ASSIGN_OR_RETURN(const v1::EvictVariantsResponse done, client->Evict(request));
  if (arguments.json) {
    std::cout << MessageJson(done) << "\n";
  } else {
    std::cout << "evicted   " << done.variants() << " variants, " << DescribeBytes(done.artifact_bytes()) << "\n";
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<std::FILE>> OpenToRead(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  return std::shared_ptr<std::FILE>(file, [](std::FILE* opened) { std::fclose(opened); });
}

// Reads all of it, so that what is broken behind the manifest is found too.
absl::StatusOr<v1::BundleManifest> ReadCoverage(const std::string& path, const std::string& trusted_keys) {
  KILN_ASSIGN_OR_RETURN(const std::shared_ptr<Trust> trust, Trust::Load({.keys = trusted_keys}));
  KILN_ASSIGN_OR_RETURN(const std::shared_ptr<std::FILE> file, OpenToRead(path));
  const ByteSource source = [file](char* buffer, size_t size) -> absl::StatusOr<size_t> {
    return std::fread(buffer, 1, size, file.get());
  };
  KILN_ASSIGN_OR_RETURN(BundleReader reader, BundleReader::Open(source, trust->Current()));
  KILN_RETURN_IF_ERROR(reader.ReadAll(
      {.graph = [](const v1::BundleGraph&, std::string) { return absl::OkStatus(); },
       .artifact = [](const v1::BundleArtifact&, std::vector<v1::SignedVariant>, std::string) { return absl::OkStatus(); }}));
  return reader.manifest();
}

absl::Status PrintBundle(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const v1::BundleManifest manifest, ReadCoverage(arguments.file, arguments.admin.trusted_keys));
  std::cout << (arguments.json ? MessageJson(manifest) + "\n" : DescribeCoverage(manifest));
  return absl::OkStatus();
}

absl::Status Export(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const v1::VariantFilter filter, FilterOf(arguments.filter, *client));
  KILN_ASSIGN_OR_RETURN(const int64_t bytes, client->Export(filter, arguments.file));
  if (arguments.json) {
    std::cout << "{\"bytes\": " << bytes << "}\n";
  } else {
    std::cout << "exported  " << arguments.file << ", " << DescribeBytes(bytes) << "\n";
  }
  return absl::OkStatus();
}

absl::Status Import(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const v1::ImportBundleResponse done, client->Import(arguments.file));
  if (arguments.json) {
    std::cout << MessageJson(done) << "\n";
    return absl::OkStatus();
  }
  std::cout << "imported  " << done.variants() << " variants, " << done.artifacts() << " artifacts, " << done.graphs()
            << " graphs; signed by " << absl::BytesToHexString(done.key_id()) << "\n";
  if (done.variants_of_other_builds() > 0) {
    std::cout << "warning   " << done.variants_of_other_builds()
              << " variants are of another compiler build than this server's, which will not find them\n";
  }
  return absl::OkStatus();
}

absl::Status PrintStats(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const v1::GetCacheStatsResponse stats, client->Stats());
  std::cout << (arguments.json ? MessageJson(stats) + "\n" : DescribeStats(stats));
  return absl::OkStatus();
}

absl::Status Revoke(const CacheArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(const std::unique_ptr<AdminClient> client, AdminClient::Connect(arguments.admin));
  KILN_ASSIGN_OR_RETURN(const v1::RevokeResponse done, client->Revoke(arguments.lines));
  if (arguments.json) {
    std::cout << MessageJson(done) << "\n";
  } else {
    std::cout << "revoked   " << done.variants() << " variants dropped; the list has " << done.revocations()
              << " lines\n";
  }
  return absl::OkStatus();
}

struct Subcommand {
  const char* name;
  const char* what;
  absl::Status (*run)(const CacheArguments&);
  bool has_filter;
  void (*add)(CLI::App&, CacheArguments&);
};

void AddNothing(CLI::App&, CacheArguments&) {}

const Subcommand kSubcommands[] = {
    {"ls", "List variants: what each needs, and under which guards it holds", &PrintVariants, true, &AddNothing},
    {"show", "Show an artifact: its keys, guards, kernels, and who made it for whom", &PrintArtifact, false,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_option("artifact", arguments.artifact, "Hex digits of its SHA-256, or their beginning")->required();
     }},
    {"bundle", "Check a bundle whole, and show what it covers; nothing is asked but the file and --trusted-keys", &PrintBundle, false,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_option("file", arguments.file, "A bundle")->required();
     }},
    {"verify", "Read everything back, hash it again, check signatures; exit code 1 if something did not hold", &Verify,
     false,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_option("--mib-per-second", arguments.mib_per_second, "Read no faster. 0: as fast as it goes")
           ->check(NumberWithin(0, 1e6))
           ->capture_default_str();
     }},
    {"evict", "Forget variants", &Evict, true,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_flag("--all", arguments.all, "All of them, where nothing else is said");
     }},
    {"export", "Write variants and their graphs into one signed file", &Export, true,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_option("--out", arguments.file, "The bundle")->required();
     }},
    {"import", "Verify a bundle, then take in what it holds", &Import, false,
     [](CLI::App& command, CacheArguments& arguments) {
       command.add_option("file", arguments.file, "A bundle")->required();
     }},
    {"stats", "Print what the cache holds and has done", &PrintStats, false, &AddNothing},
    {"revoke", "Add lines to the server's revocation list and drop what they name", &Revoke, false,
     [](CLI::App& command, CacheArguments& arguments) {
       command
           .add_option("line", arguments.lines,
                       "'artifact SHA256', 'key ID', 'build NAME' or 'before 2026-11-30T12:00:00Z'; may be repeated")
           ->required();
     }},
};

}  // namespace

void AddCacheCommand(CLI::App& app, CommandOutcome& outcome) {
  CLI::App* cache = app.add_subcommand("cache", "Look into a server's cache, and change it");
  cache->require_subcommand(1);
  cache->footer(
      "Every command but shapes takes --data FOLDER, the server's data folder, or --admin ADDRESS. Of a server that does not run,\n"
      "ls, show, verify, export and stats read the folder itself, and leave it as it is. Example:\n"
      "  kiln cache export --data=/var/lib/kiln --job=train-17 --out=train-17.kiln\n"
      "  kiln cache import --data=/var/lib/other train-17.kiln\n"
      "An importer trusts the keys of `kiln serve --trusted-keys`, and its own.");
  for (const Subcommand& row : kSubcommands) {
    auto arguments = std::make_shared<CacheArguments>();
    CLI::App* command = cache->add_subcommand(row.name, row.what);
    row.add(*command, *arguments);
    if (row.has_filter) AddVariantFilterOptions(*command, arguments->filter);
    AddAdminOptions(*command, arguments->admin);
    command->add_flag("--json", arguments->json, "The same as JSON");
    command->callback([arguments, run = row.run, &outcome] { outcome.status = run(*arguments); });
  }
  AddCacheShapesCommand(*cache, outcome);
}

}  // namespace kiln
