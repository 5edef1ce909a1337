// What a miss is explained from, then or later: the request as far as its key, guards
// and host go, and the entry that was nearest when it missed. A value.
#ifndef KILN_SERVICE_MISS_FACTS_H_
#define KILN_SERVICE_MISS_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cache/guard_index.h"
#include "cache/indexed_variant.h"
#include "cache/variant_cache.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/prepared_compile.h"

namespace kiln {

struct MissFacts {
  v1::KeyComponents key;
  std::vector<v1::MissReason> reasons;
  IndexedVariantPtr nearest;  // may be null
  std::vector<int64_t> symbol_values;
  // As the client gave them.
  std::map<std::string, std::string> options;
  v1::HostCapabilities host;
  // Of the requester's graph; empty where it sent none. Never null.
  std::shared_ptr<const GraphSource> source = std::make_shared<const GraphSource>();
};

// Of a Compile that found nothing for `reasons`: looks for the nearest entry, and says
// more of an unknown key where it can.
MissFacts FactsOfMiss(const GuardIndex& index, const PreparedCompile& request, std::vector<v1::MissReason> reasons);
// Of a Lookup, which has no graph.
MissFacts FactsOfMiss(const v1::LookupRequest& request, const v1::KeyComponents& key, const CacheAnswer& answer);

// About what they take in memory, the entry left out, which others hold too.
size_t SizeOfFacts(const MissFacts& facts);

}  // namespace kiln

#endif  // KILN_SERVICE_MISS_FACTS_H_
