#include "clients/cli/graph_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/limits.h"
#include "fake_runtime/import/export_graph.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kAdd[] =
    "# a comment\ngraph add(%a: f32[s0, s1], %b: f32[s2, s1]) {\n"
    "  %c = aten.add.Tensor(%a, %b)  # add.txt:3\n  return (%c)\n}\n";

class GraphFileTest : public ::testing::Test {
 protected:
  GraphFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kiln_graph_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~GraphFileTest() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteWholeFile(path, bytes).ok());
    return path;
  }

  std::string folder_;
  ExprPool pool_;
};

TEST(ParseBindingsTest, TakesNamesAndIntegers) {
  EXPECT_THAT(*ParseBindings("s0=8, s1=-16"), ElementsAre(Pair("s0", 8), Pair("s1", -16)));
  EXPECT_THAT(*ParseBindings(""), ElementsAre());
}

TEST(ParseBindingsTest, NamesThePieceThatIsWrong) {
  for (const char* piece : {"s1", "s1=", "=8", "s1=x", "s1=8.5"}) {
    absl::Status status = ParseBindings(std::string("s0=8,") + piece).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentValue) << piece;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("'") + piece + "'"));
  }
}

TEST_F(GraphFileTest, ReadsTextAndProtoAlike) {
  absl::StatusOr<Graph> text = ReadGraphFile(Write("a.txt", kAdd), {.bind = "s0=8,s1=16,s2=8"}, &pool_);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->symbols[0].hint, 8);
  EXPECT_EQ(text->nodes[0].location, "add.txt:3");
  const std::string bytes = ExportModule(*text, "2.13").SerializeAsString();
  absl::StatusOr<Graph> proto = ReadGraphFile(Write("a.pb", bytes), {}, &pool_);
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(ExportModule(*proto, "2.13").SerializeAsString(), bytes);
}

TEST_F(GraphFileTest, ErrorsNameTheFile) {
  const std::string path =
      Write("bad.txt", "graph f(%a: f32[s0]) {\n  %b = aten.nonsense.default(%a)\n  return (%b)\n}\n");
  absl::Status status = ReadGraphFile(path, {}, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnknownOp);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  status = ReadGraphFile(Write("random", "\x01\x02\x03\x04"), {}, &pool_).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("random"));
  status = ReadGraphFile(folder_ + "/absent", {}, &pool_).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_FALSE(ReadGraphFile(folder_, {}, &pool_).ok());
}

TEST_F(GraphFileTest, ARefusedOperatorSaysWhy) {
  const std::string path = Write("s.txt", "graph f(%a: f32[2]) {\n  %b = aten._to_sparse(%a)\n  return (%b)\n}\n");
  const absl::Status status = ReadGraphFile(path, {}, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedGraph);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("node 0 (aten._to_sparse) at s.txt:2: operator refused: sparse tensors have no fake tensors"));
}

TEST_F(GraphFileTest, ASymbolWithoutASizeIsNamed) {
  absl::Status status = ReadGraphFile(Write("a.txt", kAdd), {.bind = "s0=8,s1=16"}, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_THAT(std::string(status.message()), HasSubstr("s2"));
}

TEST_F(GraphFileTest, DynamicTurnsPlainSizesIntoSymbols) {
  const std::string path = Write("a.txt", "graph f(%a: f32[8, 8, 1]) {\n  return (%a)\n}\n");
  absl::StatusOr<Graph> graph = ReadGraphFile(path, {.dynamic = true}, &pool_);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->symbols.size(), 1u);
}

TEST_F(GraphFileTest, FilesAreWholeOrNotThere) {
  EXPECT_FALSE(WriteWholeFile(folder_ + "/no/such/folder", "x").ok());
  const std::string path = Write("f", "one");
  ASSERT_TRUE(WriteWholeFile(path, "two").ok());
  EXPECT_EQ(*ReadWholeFile(path), "two");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST_F(GraphFileTest, WhatIsNoFileIsWrittenToAndNotReplaced) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // A reader that is there, so that opening the pipe to write does not wait.
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(WriteWholeFile(pipe, "through").ok());
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  char read_back[16] = {};
  EXPECT_EQ(read(reader, read_back, sizeof(read_back)), 7);
  EXPECT_STREQ(read_back, "through");
  close(reader);
  EXPECT_FALSE(WriteWholeFile(folder_, "a folder").ok());
}

TEST_F(GraphFileTest, WhatALinkNamesIsReplacedAndTheLinkStays) {
  const std::string path = Write("real", "one"), link = folder_ + "/link";
  std::filesystem::create_symlink(path, link);
  ASSERT_TRUE(WriteWholeFile(link, "two").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(*ReadWholeFile(path), "two");
}

TEST_F(GraphFileTest, AnEmptyFileIsCalledEmpty) {
  const absl::Status status = ReadGraphFile(Write("empty", ""), {}, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("empty: it is empty"));
}

TEST_F(GraphFileTest, AMessageOverTheLimitIsNotRead) {
  const absl::Status status =
      ReadGraphFile(Write("large", std::string(GetLimit(Limit::kRequestBytes) + 1, 'x')), {}, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded);
}

TEST_F(GraphFileTest, ASymbolIsBoundToOneSize) {
  EXPECT_TRUE(ParseBindings("s0=3,s1=4,s0=3").ok());
  const absl::Status status = ParseBindings("s0=3,s1=4,s0=5").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentValue);
  EXPECT_THAT(std::string(status.message()), HasSubstr("s0 is 3 and then 5"));
}

}  // namespace
}  // namespace kiln
