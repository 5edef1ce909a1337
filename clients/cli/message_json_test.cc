#include "clients/cli/message_json.h"

#include "gtest/gtest.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {
namespace {

TEST(MessageJsonTest, IntegersAreNumbersAndZerosAreThere) {
  v1::ServerCounters counters;
  counters.set_compiles(int64_t{1} << 60);
  const std::string json = MessageJson(counters);
  EXPECT_NE(json.find("\"compiles\": 1152921504606846976"), std::string::npos) << json;
  EXPECT_NE(json.find("\"misses\": 0"), std::string::npos) << json;
  EXPECT_NE(json.find("\"stage_totals\": []"), std::string::npos) << json;
}

TEST(MessageJsonTest, ListsMapsEnumsBytesAndNesting) {
  v1::LookupRequest request;
  request.set_graph_digest("\x01\xff");
  (*request.mutable_options()->mutable_values())["fuse"] = "a\"b\n";
  request.add_symbol_values(8);
  request.add_symbol_values(-1);
  const std::string json = MessageJson(request);
  EXPECT_NE(json.find("\"graph_digest\": \"01ff\""), std::string::npos) << json;
  EXPECT_NE(json.find("{\"values\": {\"fuse\": \"a\\\"b\\u000a\"}}"), std::string::npos) << json;
  EXPECT_NE(json.find("\"symbol_values\": [8, -1]"), std::string::npos) << json;
  v1::LookupResponse response;
  response.add_reasons(v1::MISS_REASON_ISA);
  EXPECT_EQ(MessageJson(response), "{\"found\": false, \"reasons\": [\"MISS_REASON_ISA\"], \"graph_known\": false}");
}

}  // namespace
}  // namespace kiln
