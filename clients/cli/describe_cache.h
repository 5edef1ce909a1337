// What `kiln cache` prints for people.
#ifndef KILN_CLIENTS_CLI_DESCRIBE_CACHE_H_
#define KILN_CLIENTS_CLI_DESCRIBE_CACHE_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "kiln/v1/admin_service.pb.h"
#include "kiln/v1/bundle.pb.h"

namespace kiln {

// The head of the table whose lines DescribeVariant writes.
std::string VariantTableHead();
// Artifact, graph, size, compile seconds, age, features, guards: one line.
std::string DescribeVariant(const v1::VariantSummary& variant, absl::Time now);

// "412 of 1000 variants, 38.1 MiB".
std::string DescribeProgress(const v1::VerifyCacheResponse& response);
// What was found, a line each; "all is well" if nothing was.
std::string DescribeVerification(const v1::VerifyCacheResponse& response);
// Who made it and what it covers: graphs, and below each its guard sets with the
// processors that they are compiled for.
std::string DescribeCoverage(const v1::BundleManifest& manifest);
std::string DescribeStats(const v1::GetCacheStatsResponse& response);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_DESCRIBE_CACHE_H_
