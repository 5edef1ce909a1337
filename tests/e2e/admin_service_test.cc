// The cache's administration, over the socket in the data folder and without a server.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/digest.h"
#include "clients/cpp/grpc_status.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "kiln/v1/admin_service.grpc.pb.h"
#include "service/admin_service.h"
#include "service/offline_cache.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using Stub = v1::AdminService::Stub;

std::unique_ptr<Stub> StubTo(const std::string& address) {
  return v1::AdminService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
}

class AdminServiceTest : public ServiceTest {
 protected:
  std::unique_ptr<Stub> Admin() { return StubTo("unix:" + Data() + "/admin.sock"); }

  // A compile whose artifact no other has.
  CompileAnswer CompileOf(int number, const std::string& requester = "e2e", const std::string& domain = "") {
    v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"bytes", absl::StrCat(1000 + 8 * number)}});
    request.mutable_header()->set_requester(requester);
    request.mutable_header()->set_domain(domain);
    CompileAnswer answer = client_->Compile(request);
    EXPECT_TRUE(answer.ok()) << answer.status;
    return answer;
  }

  static absl::StatusOr<v1::ListVariantsResponse> List(Stub& admin, const v1::VariantFilter& filter, int page_size = 0,
                                                       const std::string& token = "") {
    grpc::ClientContext context;
    v1::ListVariantsRequest request;
    *request.mutable_filter() = filter;
    request.set_page_size(page_size);
    request.set_page_token(token);
    v1::ListVariantsResponse response;
    const absl::Status status = FromGrpcStatus(admin.ListVariants(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  static absl::Status Export(Stub& admin, const v1::VariantFilter& filter, std::string& bundle) {
    grpc::ClientContext context;
    v1::ExportBundleRequest request;
    *request.mutable_filter() = filter;
    const auto reader = admin.ExportBundle(&context, request);
    for (v1::ExportBundleResponse chunk; reader->Read(&chunk);) bundle += chunk.data();
    return FromGrpcStatus(reader->Finish());
  }
  static absl::Status Import(Stub& admin, const std::string& bundle, v1::ImportBundleResponse* response = nullptr) {
    grpc::ClientContext context;
    v1::ImportBundleResponse ignored;
    const auto writer = admin.ImportBundle(&context, response == nullptr ? &ignored : response);
    for (size_t at = 0; at < bundle.size(); at += 1000) {
      v1::ImportBundleRequest chunk;
      chunk.set_data(bundle.substr(at, 1000));
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    return FromGrpcStatus(writer->Finish());
  }
  static absl::StatusOr<v1::EvictVariantsResponse> Evict(Stub& admin, const v1::VariantFilter& filter,
                                                         bool all = false) {
    grpc::ClientContext context;
    v1::EvictVariantsRequest request;
    *request.mutable_filter() = filter;
    request.set_all(all);
    v1::EvictVariantsResponse response;
    const absl::Status status = FromGrpcStatus(admin.EvictVariants(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  static v1::VerifyCacheResponse Verify(Stub& admin) {
    grpc::ClientContext context;
    const auto reader = admin.VerifyCache(&context, {});
    v1::VerifyCacheResponse response;
    while (reader->Read(&response)) {
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_TRUE(response.done());
    return response;
  }
  static absl::StatusOr<v1::RevokeResponse> Revoke(Stub& admin, const std::vector<std::string>& lines) {
    grpc::ClientContext context;
    v1::RevokeRequest request;
    for (const std::string& line : lines) request.add_lines(line);
    v1::RevokeResponse response;
    const absl::Status status = FromGrpcStatus(admin.Revoke(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
};

TEST_F(AdminServiceTest, PagesHaveEveryVariantOnce) {
  std::set<std::string> made;
  for (int i = 0; i < 11; ++i) made.insert(CompileOf(i).record().artifact_sha256());
  ASSERT_EQ(made.size(), 11u);
  const std::unique_ptr<Stub> admin = Admin();
  for (int page_size : {1, 3, 11, 100}) {
    std::multiset<std::string> listed;
    int pages = 0;
    std::string token;
    do {
      absl::StatusOr<v1::ListVariantsResponse> page = List(*admin, {}, page_size, token);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->variants_size(), page_size);
      for (const v1::VariantSummary& variant : page->variants()) listed.insert(variant.artifact_sha256());
      token = page->next_page_token();
      ++pages;
    } while (!token.empty());
    EXPECT_EQ(listed, std::multiset<std::string>(made.begin(), made.end()));
    EXPECT_EQ(pages, (11 + page_size - 1) / page_size);
  }
  EXPECT_EQ(ReasonOf(List(*admin, {}, 1, "a token").status()), "MALFORMED_MESSAGE");
  v1::VariantFilter filter;
  filter.add_graphs("short");
  EXPECT_EQ(ReasonOf(List(*admin, filter).status()), "MALFORMED_MESSAGE");
}

TEST_F(AdminServiceTest, ShowsWhatAnArtifactIsOf) {
  const CompileAnswer answer = CompileOf(1);
  grpc::ClientContext context;
  v1::ShowArtifactRequest request;
  request.set_sha256(answer.record().artifact_sha256());
  v1::ShowArtifactResponse response;
  ASSERT_TRUE(Admin()->ShowArtifact(&context, request, &response).ok());
  ASSERT_EQ(response.variants_size(), 1);
  EXPECT_EQ(response.variants(0).requester(), "e2e");
  EXPECT_EQ(response.records(0).locations(0), "model.py:41");
  EXPECT_EQ(response.manifest().key().graph(), answer.result.graph_digest());
  grpc::ClientContext again;
  request.set_sha256(std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(Admin()->ShowArtifact(&again, request, &response))), "ARTIFACT_NOT_FOUND");
}

TEST_F(AdminServiceTest, EvictsWhatMatches) {
  const CompileAnswer first = CompileOf(1);
  const CompileAnswer second = CompileOf(2, "e2e", "red");
  const std::unique_ptr<Stub> admin = Admin();
  EXPECT_EQ(ReasonOf(Evict(*admin, {}).status()), "MALFORMED_MESSAGE");
  v1::VariantFilter filter;
  filter.set_domain("red");
  EXPECT_EQ(Evict(*admin, filter)->variants(), 1);
  EXPECT_EQ(Evict(*admin, filter)->variants(), 0);
  std::string bytes;
  EXPECT_EQ(ReasonOf(client_->GetArtifact(second.record().artifact_sha256(), 0, bytes)), "ARTIFACT_NOT_FOUND");
  EXPECT_EQ(CompileOf(1).tier(), v1::TIER_MEMORY);
  filter.Clear();
  filter.set_created_before_unix_seconds(first.record().created_unix_seconds());
  EXPECT_EQ(Evict(*admin, filter)->variants(), 0);
  filter.set_created_before_unix_seconds(first.record().created_unix_seconds() + 1);
  EXPECT_EQ(Evict(*admin, filter)->variants(), 1);
  EXPECT_EQ(CompileOf(1).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(Evict(*admin, {}, /*all=*/true)->variants(), 1);
  EXPECT_EQ(client_->Counters().variants(), 0);
}

// Another server that trusts the first one.
class TwoServersTest : public AdminServiceTest {
 protected:
  TwoServersTest() {
    other_ = ServerProcess::Start(OtherData(),
                                  {"--compiler=fake", "--trusted_keys=" + Data() + "/signing_key.pub"});
  }
  std::string OtherData() const { return folder_.path() + "/other"; }
  std::unique_ptr<Stub> OtherAdmin() { return StubTo("unix:" + OtherData() + "/admin.sock"); }

  std::unique_ptr<ServerProcess> other_;
};

TEST_F(TwoServersTest, AnImportMakesTheJobCompileNothing) {
  for (int i = 0; i < 5; ++i) CompileOf(i, absl::StrCat("job-1/rank-", i));
  CompileOf(5, "job-10/rank-0");
  v1::VariantFilter filter;
  filter.set_job("job-1");
  std::string bundle;
  const absl::Status exported = Export(*Admin(), filter, bundle);
  ASSERT_TRUE(exported.ok()) << exported;
  v1::ImportBundleResponse imported;
  const absl::Status status = Import(*OtherAdmin(), bundle, &imported);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(imported.variants(), 5);
  EXPECT_EQ(imported.graphs(), 1);
  EXPECT_EQ(imported.variants_of_other_builds(), 0);
  EXPECT_EQ(imported.manifest().selection(), "job job-1");
  server_->KillHard();
  client_ = std::make_unique<TestClient>(other_->address());
  for (int i = 0; i < 5; ++i) EXPECT_NE(CompileOf(i).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(client_->Counters().compiles(), 0);
  EXPECT_EQ(CompileOf(5).tier(), v1::TIER_COMPILED);
  // It survives, as what was compiled there does.
  other_->KillHard();
  other_ = ServerProcess::Start(OtherData(), {"--compiler=fake", "--trusted_keys=" + Data() + "/signing_key.pub"});
  client_ = std::make_unique<TestClient>(other_->address());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(CompileOf(i).tier(), v1::TIER_DISK);
}

// The client has more to send, and has not said that it is done.
TEST_F(AdminServiceTest, WhatIsNoBundleIsRefusedAtItsBeginning) {
  const std::unique_ptr<Stub> admin = Admin();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  v1::ImportBundleResponse ignored;
  const auto writer = admin->ImportBundle(&context, &ignored);
  v1::ImportBundleRequest chunk;
  chunk.set_data(std::string(100, 'x'));
  ASSERT_TRUE(writer->Write(chunk));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(writer->Finish())), "BUNDLE_REFUSED");
}

TEST_F(TwoServersTest, AStrangersBundleIsRefusedAtItsHead) {
  client_ = std::make_unique<TestClient>(other_->address());
  CompileOf(1);
  std::string bundle;
  ASSERT_TRUE(Export(*OtherAdmin(), {}, bundle).ok());
  const std::unique_ptr<Stub> admin = Admin();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  v1::ImportBundleResponse ignored;
  const auto writer = admin->ImportBundle(&context, &ignored);
  // Byte by byte, all but the last: its items are not waited for.
  bool goes_on = true;
  for (size_t i = 0; i + 1 < bundle.size() && goes_on; ++i) {
    v1::ImportBundleRequest chunk;
    chunk.set_data(bundle.substr(i, 1));
    goes_on = writer->Write(chunk);
  }
  EXPECT_EQ(ReasonOf(FromGrpcStatus(writer->Finish())), "ARTIFACT_UNTRUSTED");
}

TEST_F(TwoServersTest, NothingOfARefusedBundleIsPublished) {
  CompileOf(1);
  CompileOf(2);
  std::string bundle;
  ASSERT_TRUE(Export(*Admin(), {}, bundle).ok());
  std::string flipped = bundle;
  // In the last item: all that comes before it was right.
  flipped[flipped.size() - 10] ^= 1;
  EXPECT_EQ(ReasonOf(Import(*OtherAdmin(), flipped)), "BUNDLE_REFUSED");
  EXPECT_EQ(ReasonOf(Import(*OtherAdmin(), bundle.substr(0, bundle.size() - 1))), "BUNDLE_REFUSED");
  EXPECT_EQ(ReasonOf(Import(*OtherAdmin(), "")), "BUNDLE_REFUSED");
  EXPECT_EQ(TestClient(other_->address()).Counters().variants(), 0);
  // Signed by one whom this server does not know.
  std::unique_ptr<ServerProcess> stranger = ServerProcess::Start(folder_.path() + "/stranger", {"--compiler=fake"});
  const std::unique_ptr<Stub> strange_admin = StubTo("unix:" + folder_.path() + "/stranger/admin.sock");
  EXPECT_EQ(ReasonOf(Import(*strange_admin, bundle)), "ARTIFACT_UNTRUSTED");
  EXPECT_EQ(TestClient(stranger->address()).Counters().variants(), 0);
  EXPECT_TRUE(Import(*OtherAdmin(), bundle).ok());
}

TEST_F(AdminServiceTest, RevokesAndVerifies) {
  const CompileAnswer answer = CompileOf(1);
  CompileOf(2);
  const std::unique_ptr<Stub> admin = Admin();
  v1::VerifyCacheResponse verified = Verify(*admin);
  EXPECT_EQ(verified.variants(), 2);
  EXPECT_EQ(verified.corrupt_artifacts() + verified.missing_artifacts() + verified.untrusted_rows(), 0);
  const absl::Status bad = Revoke(*admin, {"build x", "artefact"}).status();
  EXPECT_EQ(ReasonOf(bad), "PARSE_ERROR");
  EXPECT_THAT(std::string(bad.message()), HasSubstr("line 2"));
  const std::string line = absl::StrCat("artifact ", absl::BytesToHexString(answer.record().artifact_sha256()));
  absl::StatusOr<v1::RevokeResponse> revoked = Revoke(*admin, {line});
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->variants(), 1);
  EXPECT_EQ(revoked->revocations(), 1);
  EXPECT_EQ(Revoke(*admin, {line})->revocations(), 1);
  std::ifstream file(Data() + "/revoked");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), line + "\n");
  EXPECT_EQ(Verify(*admin).variants(), 1);
  EXPECT_EQ(Compile({{"bytes", "1008"}}).reason(), "ARTIFACT_REVOKED");
}

TEST_F(AdminServiceTest, CountersHaveNames) {
  CompileOf(1);
  grpc::ClientContext context;
  v1::GetCacheStatsResponse stats;
  ASSERT_TRUE(Admin()->GetCacheStats(&context, {}, &stats).ok());
  std::map<std::string, int64_t> counters;
  for (const auto& counter : stats.counters()) counters[counter.name()] = counter.value();
  EXPECT_EQ(counters.at("variants"), 1);
  EXPECT_EQ(counters.at("misses_revoked"), 0);
  EXPECT_EQ(stats.signing_key_id().size(), 8u);
}

TEST_F(AdminServiceTest, TheSocketIsItsOwnersAlone) {
  struct stat info;
  ASSERT_EQ(stat((Data() + "/admin.sock").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 077, 0u);
  // And it is not served where clients come.
  EXPECT_EQ(List(*StubTo(server_->address()), {}).status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(AdminServiceTest, TcpIsLoopbackWithAToken) {
  const std::string data = folder_.path() + "/tcp";
  const EndedServer anywhere = RunServerToItsEnd(data, {"--compiler=fake", "--admin=0.0.0.0:0"});
  EXPECT_EQ(anywhere.exit_code, 4);
  EXPECT_THAT(anywhere.stderr_text, HasSubstr("neither unix:/PATH nor a loopback address"));
  const EndedServer open = RunServerToItsEnd(data, {"--compiler=fake", "--admin=127.0.0.1:0"});
  EXPECT_EQ(open.exit_code, 4);
  EXPECT_THAT(open.stderr_text, HasSubstr("wants a token"));
  const std::string token = folder_.path() + "/token";
  std::ofstream(token) << "0123456789abcdef\n";
  chmod(token.c_str(), 0644);
  const EndedServer readable = RunServerToItsEnd(data, {"--compiler=fake", "--admin=127.0.0.1:0", "--admin_token=" + token});
  EXPECT_THAT(readable.stderr_text, HasSubstr("0644"));
}

TEST(AdminTokenTest, WhoeverHasNotTheTokenIsRefused) {
  absl::StatusOr<OpenedCache> cache = OpenCache({});
  ASSERT_TRUE(cache.ok());
  const SigningKey key = SigningKey::Generate();
  AdminParts parts;
  parts.cache = cache->variants.get();
  parts.graphs = cache->graphs.get();
  parts.trust = Trust::Fixed({});
  parts.key = &key;
  parts.token = "0123456789abcdef";
  absl::StatusOr<std::unique_ptr<GrpcServer>> server =
      GrpcServer::Start({"127.0.0.1:0"}, MakeAdminService(std::move(parts)), /*max_threads=*/4);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::unique_ptr<Stub> admin = StubTo((*server)->addresses().front());
  auto ask = [&](const char* token) {
    grpc::ClientContext context;
    if (token != nullptr) context.AddMetadata("kiln-admin-token", token);
    v1::GetCacheStatsResponse response;
    return ReasonOf(FromGrpcStatus(admin->GetCacheStats(&context, {}, &response)));
  };
  EXPECT_EQ(ask(nullptr), "ADMIN_DENIED");
  EXPECT_EQ(ask("0123456789abcdeF"), "ADMIN_DENIED");
  EXPECT_EQ(ask(""), "ADMIN_DENIED");
  EXPECT_EQ(ask("0123456789abcdef"), "OK");
  (*server)->Shutdown(absl::ZeroDuration());
}

// What each file holds and when it was written, by path.
std::map<std::string, std::string> FilesIn(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[entry.path()] = absl::StrCat(entry.last_write_time().time_since_epoch().count(), " ",
                                       Sha256(std::string(std::istreambuf_iterator<char>(file), {})).ToHex());
  }
  return files;
}

TEST_F(AdminServiceTest, AFolderWithoutItsServerIsReadAndNotChanged) {
  const CompileAnswer answer = CompileOf(1);
  EXPECT_EQ(OfflineCache::Open(Data(), "").status().message().find('\n'), absl::string_view::npos);
  EXPECT_EQ(ReasonOf(OfflineCache::Open(Data(), "").status()), "STORAGE");
  server_->Stop();
  const std::map<std::string, std::string> before = FilesIn(Data());
  std::string bundle;
  {
    absl::StatusOr<std::unique_ptr<OfflineCache>> offline = OfflineCache::Open(Data(), "");
    ASSERT_TRUE(offline.ok()) << offline.status();
    const std::unique_ptr<Stub> admin = v1::AdminService::NewStub((*offline)->Channel());
    EXPECT_EQ(List(*admin, {})->variants_size(), 1);
    EXPECT_EQ(Verify(*admin).variants(), 1);
    ASSERT_TRUE(Export(*admin, {}, bundle).ok());
    EXPECT_EQ(ReasonOf(Evict(*admin, {}, /*all=*/true).status()), "CACHE_READ_ONLY");
    EXPECT_EQ(ReasonOf(Import(*admin, bundle)), "CACHE_READ_ONLY");
    EXPECT_EQ(ReasonOf(Revoke(*admin, {"build x"}).status()), "CACHE_READ_ONLY");
  }
  EXPECT_EQ(FilesIn(Data()), before);
  Restart();
  EXPECT_EQ(CompileOf(1).tier(), v1::TIER_DISK);
  EXPECT_EQ(ReasonOf(OfflineCache::Open(folder_.path(), "").status()), "STORAGE");
}

// A row that a reader does not trust stays for its server.
TEST_F(AdminServiceTest, AReaderWithoutTheKeysDropsNothing) {
  CompileOf(1);
  const std::string old_key = folder_.path() + "/old_key";
  std::filesystem::copy_file(Data() + "/signing_key.pub", old_key);
  server_->Stop();
  std::filesystem::remove(Data() + "/signing_key");
  Restart({"--trusted_keys=" + old_key});
  server_->Stop();
  {
    absl::StatusOr<std::unique_ptr<OfflineCache>> offline = OfflineCache::Open(Data(), "");
    ASSERT_TRUE(offline.ok()) << offline.status();
    EXPECT_EQ(List(*v1::AdminService::NewStub((*offline)->Channel()), {})->variants_size(), 0);
  }
  absl::StatusOr<std::unique_ptr<OfflineCache>> offline = OfflineCache::Open(Data(), old_key);
  ASSERT_TRUE(offline.ok()) << offline.status();
  EXPECT_EQ(List(*v1::AdminService::NewStub((*offline)->Channel()), {})->variants_size(), 1);
}

}  // namespace
}  // namespace kiln
