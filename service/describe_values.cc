#include "service/describe_values.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fake_runtime/import/metadata_proto.h"

namespace kiln {

v1::PropagateResponse DescribeValues(const FakeGraph& fake) {
  v1::PropagateResponse response;
  const std::vector<std::string> names = DistinctValueNames(fake.graph);
  for (size_t id = 0; id < fake.values.size(); ++id) {
    const FakeValue& known = fake.values[id];
    if (std::holds_alternative<std::monostate>(known)) continue;
    v1::PropagateResponse::Value& value = *response.add_values();
    if (id < names.size()) value.set_name(names[id]);
    value.set_storage(-1);
    if (const FakeTensor* tensor = std::get_if<FakeTensor>(&known)) {
      *value.mutable_tensor() = ExportTensorMeta(*tensor);
      value.set_storage(tensor->storage.value);
    } else {
      value.set_scalar(std::get<Expr>(known).ToString());
    }
  }
  for (const Guard& guard : fake.env->Guards()) *response.add_guards() = ExportGuard(guard);
  response.set_table(DescribePropagation(fake));
  return response;
}

}  // namespace kiln
