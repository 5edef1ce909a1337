#include "service/frame_socket.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

class FrameSocketTest : public testing::Test {
 protected:
  FrameSocketTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ours_ = std::make_unique<FrameSocket>(UniqueFd(ends[0]), 1 << 16);
    theirs_ = UniqueFd(ends[1]);
  }

  void Send(const std::string& bytes) {
    ASSERT_EQ(send(theirs_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

  std::unique_ptr<FrameSocket> ours_;
  UniqueFd theirs_;
};

FrameWait Briefly() { return {.deadline = Clock::Real()->Monotonic() + absl::Milliseconds(20)}; }

TEST_F(FrameSocketTest, FramesComeWholeWhateverTheirPieces) {
  std::thread peer([this] {
    for (char c : std::string("\5\0\0\0hello\0\0\0\0", 13)) Send(std::string(1, c));
  });
  EXPECT_EQ(*ours_->Read({}), "hello");
  EXPECT_EQ(*ours_->Read({}), "");
  peer.join();
}

TEST_F(FrameSocketTest, AnAnnouncedLengthOverTheLimitIsRefusedUnread) {
  Send(std::string("\1\0\1\0", 4));
  EXPECT_EQ(GetErrorReason(ours_->Read({}).status()), ErrorReason::kWorkerProtocol);
  EXPECT_EQ(GetErrorReason(ours_->Write(std::string((1 << 16) + 1, 'x'), {})), ErrorReason::kLimitExceeded);
}

TEST_F(FrameSocketTest, APeerThatGoesAwayInAFrameIsACrash) {
  Send(std::string("\5\0\0\0he", 6));
  theirs_.Reset();
  EXPECT_EQ(GetErrorReason(ours_->Read({}).status()), ErrorReason::kWorkerCrashed);
}

TEST_F(FrameSocketTest, WaitsNoLongerThanTheDeadline) {
  Send(std::string("\5\0\0\0he", 6));
  EXPECT_EQ(GetErrorReason(ours_->Read(Briefly()).status()), ErrorReason::kDeadlineExceeded);
  const std::string frame(1 << 16, 'x');
  absl::Status written;
  while (written.ok()) written = ours_->Write(frame, Briefly());
  EXPECT_EQ(GetErrorReason(written), ErrorReason::kDeadlineExceeded);
}

TEST_F(FrameSocketTest, ACancelWakesTheReader) {
  CancelSignal cancel;
  std::thread canceller([&] { cancel.Cancel(); });
  EXPECT_EQ(GetErrorReason(ours_->Read({.cancel = &cancel}).status()), ErrorReason::kRequestCancelled);
  canceller.join();
}

}  // namespace
}  // namespace kiln
