// A miss in words: for each of its reasons what is so, how the nearest entry differs,
// and what would avoid it.
#ifndef KILN_SERVICE_EXPLAIN_MISS_H_
#define KILN_SERVICE_EXPLAIN_MISS_H_

#include <string>

#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"
#include "service/miss_facts.h"

namespace kiln {

// Fills causes, entries, key and summary. `graph`, canonical, is the request's if it is
// at hand; else it is looked for among the graphs that are held.
void ExplainMiss(Front& front, const MissFacts& facts, const v1::Graph* graph, v1::ExplainResponse& response);

// "s0 <= 64 (s0 = 100), from aten.view at model.py:41" of a guard and the values that it
// does not hold for. `location` may be empty.
std::string GuardText(const v1::Guard& guard, const std::string& values, const std::string& location);

// A record without what is large and says nothing here.
v1::VariantRecord EntryOf(const v1::VariantRecord& record);

}  // namespace kiln

#endif  // KILN_SERVICE_EXPLAIN_MISS_H_
