#include "service/grpc_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cache/miss_reason_table.h"
#include "kiln/v1/compile_service.grpc.pb.h"
#include "kiln/v1/peer_service.grpc.pb.h"
#include "service/artifact_reactor.h"
#include "service/compile_reactor.h"
#include "service/explain.h"
#include "service/get_server_info.h"
#include "service/list_rows.h"
#include "service/lookup.h"
#include "service/profile_shapes.h"
#include "service/propagate.h"
#include "service/unary_reactor.h"

namespace kiln {
namespace {

using Base = v1::CompileService::WithRawCallbackMethod_Lookup<
    v1::CompileService::WithRawCallbackMethod_Compile<v1::CompileService::WithRawCallbackMethod_GetArtifact<
        v1::CompileService::WithRawCallbackMethod_Propagate<
            v1::CompileService::WithRawCallbackMethod_Explain<v1::CompileService::WithRawCallbackMethod_GetServerInfo<
                v1::CompileService::WithRawCallbackMethod_ProfileShapes<v1::CompileService::Service>>>>>>>;

void NoteOutcome(const v1::LookupResponse& response, RequestLog& log) {
  if (response.found()) return log.SetOutcome(DescribeTier(response.variant().tier()));
  std::string outcome = " found=false reasons=";
  for (int i = 0; i < response.reasons_size(); ++i) {
    absl::StrAppend(&outcome, i == 0 ? "" : ",", GetMissReasonRow(response.reasons(i)).label);
  }
  log.SetOutcome(std::move(outcome));
}
void NoteOutcome(const v1::GetServerInfoResponse&, RequestLog&) {}
void NoteOutcome(const v1::ProfileShapesResponse&, RequestLog&) {}
void NoteOutcome(const v1::ListRowsResponse&, RequestLog&) {}

grpc::ByteBuffer Serialize(const LookupReply& reply) {
  if (reply.artifact == nullptr) return SerializeMessage(reply.response);
  return SerializeWithBytes(reply.response, {v1::LookupResponse::kVariantFieldNumber, v1::Variant::kArtifactFieldNumber},
                            reply.artifact, *reply.artifact);
}

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
      reactor->FinishWith(status);
      return reactor;
    }
    reactor->log().SetHeader(parsed.header());
    kiln::Lookup(front_, parsed, [reactor](const absl::StatusOr<LookupReply>& reply) {
      if (!reply.ok()) return reactor->FinishWith(reply.status());
      NoteOutcome(reply->response, reactor->log());
      reactor->FinishWith(Serialize(*reply));
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override {
    return Answer(front_, Rpc::kGetServerInfo, &kiln::GetServerInfo, *request, response);
  }

  grpc::ServerUnaryReactor* ProfileShapes(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override {
    if (front_.shared_shapes == nullptr) {
      return Answer(front_, Rpc::kProfileShapes, &kiln::ProfileShapes, *request, response);
    }
    auto* reactor = new UnaryReactor(front_, Rpc::kProfileShapes, response);
    auto parsed = std::make_shared<v1::ProfileShapesRequest>();
    if (absl::Status status = ParseRequest(*request, *parsed); !status.ok()) {
      reactor->FinishWith(status);
      return reactor;
    }
    reactor->log().SetHeader(parsed->header());
    front_.shared_calls->Submit(
        [this, reactor, parsed](const absl::Status& admission) {
          // Who would wait too long for the other replicas does without them.
          v1::ProfileShapesResponse answer;
          const absl::Status status = admission.ok() ? ProfileSharedShapes(front_, *parsed, answer)
                                                     : kiln::ProfileShapes(front_, *parsed, answer);
          reactor->FinishWith(status, answer);
        },
        reactor->cancel());
    return reactor;
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Compile(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request) override {
    return new CompileReactor(front_, context, *request);
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetArtifact(grpc::CallbackServerContext*,
                                                          const grpc::ByteBuffer* request) override {
    return new ArtifactReactor(front_, Rpc::kGetArtifact, *request);
  }

  grpc::ServerUnaryReactor* Propagate(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    return AnswerOn<v1::PropagateRequest, v1::PropagateResponse>(
        *front_.propagations, Rpc::kPropagate, *request, response,
        [this](const v1::PropagateRequest& parsed, const CancelSignal* cancel) {
          return PropagateInWorker(front_, parsed, cancel);
        });
  }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override {
    // Of a graph it may ask the tier that replicas share, for which imports must not wait.
    TaskQueue& queue = front_.cache->has_shared() ? *front_.shared_calls : *front_.imports;
    return AnswerOn<v1::ExplainRequest, v1::ExplainResponse>(
        queue, Rpc::kExplain, *request, response,
        [this](const v1::ExplainRequest& parsed, const CancelSignal*) { return kiln::Explain(front_, parsed); });
  }

 private:
  // A unary RPC that takes its time, on a thread of `queue`.
  template <typename Request, typename Response, typename Handle>
  grpc::ServerUnaryReactor* AnswerOn(TaskQueue& queue, Rpc rpc, const grpc::ByteBuffer& bytes, grpc::ByteBuffer* out,
                                     Handle handle) {
    auto* reactor = new UnaryReactor(front_, rpc, out);
    auto parsed = std::make_shared<Request>();
    if (absl::Status status = ParseRequest(bytes, *parsed); !status.ok()) {
      reactor->FinishWith(status);
      return reactor;
    }
    reactor->log().SetHeader(parsed->header());
    queue.Submit(
        [reactor, parsed, handle](absl::Status admission) {
          if (!admission.ok()) return reactor->FinishWith(admission);
          const absl::StatusOr<Response> answer = handle(*parsed, reactor->cancel().get());
          answer.ok() ? reactor->FinishWith(SerializeMessage(*answer)) : reactor->FinishWith(answer.status());
        },
        reactor->cancel());
    return reactor;
  }

  Front& front_;
};

using PeerBase = v1::PeerService::WithRawCallbackMethod_ListRows<
    v1::PeerService::WithRawCallbackMethod_FetchArtifact<v1::PeerService::Service>>;

class PeerGrpcService final : public PeerBase {
 public:
  explicit PeerGrpcService(Front& front) : front_(front) {}

  grpc::ServerUnaryReactor* ListRows(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return Answer(front_, Rpc::kListRows, &kiln::ListRows, *request, response);
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* FetchArtifact(grpc::CallbackServerContext*,
                                                            const grpc::ByteBuffer* request) override {
    return new ArtifactReactor(front_, Rpc::kFetchArtifact, *request);
  }

 private:
  Front& front_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcService(Front& front) { return std::make_unique<GrpcService>(front); }

std::unique_ptr<grpc::Service> MakePeerService(Front& front) { return std::make_unique<PeerGrpcService>(front); }

}  // namespace kiln
