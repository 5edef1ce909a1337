#include "service/recent_graphs.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// Of about `bytes`.
std::shared_ptr<const PreparedGraph> GraphOf(size_t bytes) {
  auto graph = std::make_shared<PreparedGraph>();
  graph->source = std::make_shared<const GraphSource>(GraphSource{.locations = {std::string(bytes, 'x')}});
  return graph;
}

Digest Name(int i) { return Sha256(absl::StrCat(i)); }

v1::CompileRequest Request(const std::string& domain, const std::string& graph_name) {
  v1::CompileRequest request;
  request.mutable_header()->set_domain(domain);
  request.mutable_module()->add_graphs()->set_name(graph_name);
  return request;
}

TEST(RecentGraphsTest, FindsWhatWasAdded) {
  RecentGraphs recent;
  EXPECT_EQ(recent.Find(Name(1)), nullptr);
  const auto graph = GraphOf(10);
  recent.Add(Name(1), graph);
  recent.Add(Name(1), GraphOf(10));
  EXPECT_EQ(recent.Find(Name(1)), graph);
  EXPECT_EQ(recent.Find(Name(2)), nullptr);
}

TEST(RecentGraphsTest, DropsWhatWasLongestNotAskedFor) {
  constexpr size_t kBytes = 1 << 20;
  RecentGraphs recent(3 * kBytes + kBytes / 2);
  for (int i = 0; i < 3; ++i) recent.Add(Name(i), GraphOf(kBytes));
  EXPECT_NE(recent.Find(Name(0)), nullptr);
  recent.Add(Name(3), GraphOf(kBytes));
  EXPECT_NE(recent.Find(Name(0)), nullptr);
  EXPECT_EQ(recent.Find(Name(1)), nullptr);
  EXPECT_NE(recent.Find(Name(2)), nullptr);
  EXPECT_NE(recent.Find(Name(3)), nullptr);
}

TEST(RecentGraphsTest, OneThatIsTooLargeDropsNothing) {
  RecentGraphs recent(1 << 20);
  recent.Add(Name(0), GraphOf(1 << 10));
  recent.Add(Name(1), GraphOf(2 << 20));
  EXPECT_NE(recent.Find(Name(0)), nullptr);
  EXPECT_EQ(recent.Find(Name(1)), nullptr);
}

TEST(RecentGraphsTest, ANameSaysDomainAndGraph) {
  const Digest name = RecentGraphs::NameOf(Request("a", "g"));
  EXPECT_EQ(RecentGraphs::NameOf(Request("a", "g")), name);
  EXPECT_NE(RecentGraphs::NameOf(Request("b", "g")), name);
  EXPECT_NE(RecentGraphs::NameOf(Request("a", "h")), name);
  // Who asks, with which options, is another matter.
  v1::CompileRequest other = Request("a", "g");
  other.mutable_header()->set_request_id("7");
  (*other.mutable_options()->mutable_values())["fuse"] = "false";
  EXPECT_EQ(RecentGraphs::NameOf(other), name);
}

TEST(RecentGraphsTest, ANameSaysWhichValuesAReferenceHas) {
  v1::CompileRequest one;
  one.mutable_ref()->set_graph_digest("d");
  one.mutable_ref()->add_symbol_values(8);
  v1::CompileRequest other = one;
  other.mutable_ref()->set_symbol_values(0, 9);
  EXPECT_NE(RecentGraphs::NameOf(one), RecentGraphs::NameOf(other));
}

}  // namespace
}  // namespace kiln
