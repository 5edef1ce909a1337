#include "clients/cli/describe_shapes.h"

#include "gtest/gtest.h"

namespace kiln {
namespace {

v1::ProfileShapesResponse::Subject Subject() {
  v1::ProfileShapesResponse::Subject subject;
  subject.set_subject("\x3f\x2a\x81\xc0\x9b\x4e more");
  subject.set_name("forward at model.py:41");
  auto& length = *subject.add_dims();
  length.set_source("L['x']");
  length.set_varies(true);
  for (int64_t size : {2, 8, 16, 100, 512}) length.add_sizes(size);
  length.set_min(2);
  length.set_max(512);
  length.set_observed(1000);
  length.add_divisions(17);
  auto& count = *subject.add_dims();
  count.set_source("L['count']");
  count.set_dim(-1);
  count.add_sizes(3);
  count.set_observed(7);
  return subject;
}

TEST(DescribeShapesTest, OneLineForEachDimension) {
  EXPECT_EQ(DescribeShapes(Subject()),
            "forward at model.py:41  (3f2a81c09b4e)\n"
            "  L['x']:0    varies  2 to 512, 1000 times, divided at 17\n"
            "  L['count']          3, 7 times\n");
}

TEST(DescribeShapesTest, WhatClientsSayIsEscaped) {
  v1::ProfileShapesResponse::Subject subject = Subject();
  subject.set_name("\x1b[31m red\n");
  const std::string text = DescribeShapes(subject);
  EXPECT_EQ(text.substr(0, text.find("  (")), "\\033[31m red\\n");
}

}  // namespace
}  // namespace kiln
