#include "tests/e2e/service_fixture.h"

#include <unistd.h>

#include "clients/cpp/grpc_status.h"

namespace kiln {

void ServerTest::Restart(std::vector<std::string> more_flags) {
  server_.reset();
  more_flags.insert(more_flags.end(), flags_.begin(), flags_.end());
  server_ = ServerProcess::Start(Data(), more_flags);
  ASSERT_NE(server_, nullptr);
  client_ = std::make_unique<TestClient>(server_->address());
}

std::vector<pid_t> ServerTest::AwaitWorkers(size_t count) {
  for (int i = 0; i < 1000 && server_->Workers().size() != count; ++i) usleep(5000);
  return server_->Workers();
}

absl::Status ServiceTest::Hanging::Finish() {
  // gRPC gives the status only behind the last message.
  for (v1::CompileResponse message; reader->Read(&message);) {
  }
  return FromGrpcStatus(reader->Finish());
}

std::unique_ptr<ServiceTest::Hanging> ServiceTest::StartHanging() {
  auto hanging = std::make_unique<Hanging>();
  hanging->reader = client_->stub().Compile(&hanging->context, RequestFor(kAdd, kSizes, {{"behave", "hang"}}));
  for (v1::CompileResponse message; hanging->reader->Read(&message);) {
    if (message.progress().phase() == v1::Progress::PHASE_PROPAGATED) break;
  }
  return hanging;
}

}  // namespace kiln
