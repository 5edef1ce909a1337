#include "service/grpc_service.h"

#include <utility>

#include "kiln/v1/compile_service.grpc.pb.h"
#include "service/artifact_reactor.h"
#include "service/compile_reactor.h"
#include "service/get_server_info.h"
#include "service/lookup.h"
#include "service/profile_shapes.h"
#include "service/propagate.h"
#include "service/unary_reactor.h"

namespace kiln {
namespace {

using Base = v1::CompileService::WithRawCallbackMethod_Lookup<
    v1::CompileService::WithRawCallbackMethod_Compile<v1::CompileService::WithRawCallbackMethod_GetArtifact<
        v1::CompileService::WithRawCallbackMethod_Propagate<
            v1::CompileService::WithRawCallbackMethod_GetServerInfo<
                v1::CompileService::WithRawCallbackMethod_ProfileShapes<v1::CompileService::Service>>>>>>;

void NoteOutcome(const v1::LookupResponse& response, RequestLog& log) {
  log.SetOutcome(response.found() ? DescribeTier(response.variant().tier()) : " found=false");
}
void NoteOutcome(const v1::GetServerInfoResponse&, RequestLog&) {}
void NoteOutcome(const v1::ProfileShapesResponse&, RequestLog&) {}

// A unary RPC that answers at once, on gRPC's own thread.
template <typename Request, typename Response>
UnaryReactor* Answer(Front& front, Rpc rpc, absl::Status (*handle)(Front&, const Request&, Response&),
                     const grpc::ByteBuffer& bytes, grpc::ByteBuffer* out) {
  auto* reactor = new UnaryReactor(front, rpc, out);
  Request request;
  Response response;
  absl::Status status = ParseRequest(bytes, request);
  if (status.ok()) {
    reactor->log().SetHeader(request.header());
    status = handle(front, request, response);
    NoteOutcome(response, reactor->log());
  }
  reactor->FinishWith(status, response);
  return reactor;
}

class GrpcService final : public Base {
 public:
  explicit GrpcService(Front& front) : front_(front) {}

  grpc::ServerUnaryReactor* Lookup(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override {
    auto* reactor = new UnaryReactor(front_, Rpc::kLookup, response);
    v1::LookupRequest parsed;
    if (absl::Status status = ParseRequest(*request, parsed); !status.ok()) {
      reactor->FinishWith(status, v1::LookupResponse());
      return reactor;
    }
    reactor->log().SetHeader(parsed.header());
    kiln::Lookup(front_, parsed, [reactor](const absl::Status& status, const v1::LookupResponse& answer) {
      if (status.ok()) NoteOutcome(answer, reactor->log());
      reactor->FinishWith(status, answer);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override {
    return Answer(front_, Rpc::kGetServerInfo, &kiln::GetServerInfo, *request, response);
  }

  grpc::ServerUnaryReactor* ProfileShapes(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override {
    return Answer(front_, Rpc::kProfileShapes, &kiln::ProfileShapes, *request, response);
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Compile(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request) override {
    return new CompileReactor(front_, context, *request);
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetArtifact(grpc::CallbackServerContext*,
                                                          const grpc::ByteBuffer* request) override {
    return new ArtifactReactor(front_, *request);
  }

  grpc::ServerUnaryReactor* Propagate(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    auto* reactor = new UnaryReactor(front_, Rpc::kPropagate, response);
    auto parsed = std::make_shared<v1::PropagateRequest>();
    if (absl::Status status = ParseRequest(*request, *parsed); !status.ok()) {
      reactor->FinishWith(status, v1::PropagateResponse());
      return reactor;
    }
    reactor->log().SetHeader(parsed->header());
    front_.propagations->Submit(
        [this, reactor, parsed](absl::Status admission) {
          if (!admission.ok()) return reactor->FinishWith(admission, v1::PropagateResponse());
          const auto answer = PropagateInWorker(front_, *parsed, reactor->cancel().get());
          reactor->FinishWith(answer.status(), answer.ok() ? *answer : v1::PropagateResponse());
        },
        reactor->cancel());
    return reactor;
  }

 private:
  Front& front_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcService(Front& front) { return std::make_unique<GrpcService>(front); }

}  // namespace kiln
