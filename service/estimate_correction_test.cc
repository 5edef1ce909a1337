#include "service/estimate_correction.h"

#include <limits>

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(EstimateCorrectionTest, SaysWhatItIsToldUntilItKnowsBetter) {
  EXPECT_EQ(EstimateCorrection().Correct(0.5), 0.5);
}

TEST(EstimateCorrectionTest, LearnsTheRatio) {
  EstimateCorrection correction;
  for (int i = 0; i < 100; ++i) correction.Note(0.1, absl::Milliseconds(400));
  EXPECT_NEAR(correction.Correct(2), 8, 1e-3);
  for (int i = 0; i < 100; ++i) correction.Note(0.4, absl::Milliseconds(100));
  EXPECT_NEAR(correction.Correct(2), 0.5, 1e-3);
}

TEST(EstimateCorrectionTest, NonsenseChangesNothingAndExtremesLittle) {
  EstimateCorrection correction;
  for (double estimate : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) correction.Note(estimate, absl::Seconds(1));
  correction.Note(1, absl::ZeroDuration());
  EXPECT_EQ(correction.Correct(1), 1);
  correction.Note(1e-300, absl::Seconds(1));
  correction.Note(std::numeric_limits<double>::infinity(), absl::Seconds(1));
  EXPECT_NEAR(correction.Correct(1), 1, 1.5);
}

}  // namespace
}  // namespace kiln
