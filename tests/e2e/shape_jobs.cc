#include "tests/e2e/shape_jobs.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cpp/client.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gtest/gtest.h"

namespace kiln {

absl::Status RunShapeJob(const std::string& address, int64_t length, const std::string& domain) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph,
                        ParseGraph(absl::StrCat("graph g(%x: f32[", length, ", 16]) {\n",
                                                "  %y = aten.add.Tensor(%x, %x)\n  return (%y)\n}"),
                                   &pool, FindOpSchema));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Connect({.address = address, .domain = domain}));
  KILN_ASSIGN_OR_RETURN(graph, client->MakeVaryingSizesSymbolic(std::move(graph), &pool));
  return client->GetOrCompile(graph, &pool, {}, ThisHost(1)).status();
}

std::vector<std::string> VaryingSizes(const std::string& address, const std::string& domain) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect({.address = address, .domain = domain});
  EXPECT_TRUE(client.ok()) << client.status();
  std::vector<std::string> varying;
  if (!client.ok()) return varying;
  absl::StatusOr<v1::ProfileShapesResponse> profile = (*client)->ListShapes("");
  EXPECT_TRUE(profile.ok()) << profile.status();
  if (!profile.ok() || profile->subjects_size() != 1) return varying;
  for (const auto& dim : profile->subjects(0).dims()) {
    if (dim.varies()) varying.push_back(absl::StrCat(dim.source(), ":", dim.dim()));
  }
  return varying;
}

}  // namespace kiln
