#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {
namespace {

std::string ExprList(absl::Span<const Expr> exprs) {
  return absl::StrCat(
      "[", absl::StrJoin(exprs, ", ", [](std::string* out, Expr e) { out->append(e.ToString()); }), "]");
}

// The first value that looked into each storage, which later ones are aliases
// of.
class StorageOwners {
 public:
  explicit StorageOwners(int num_storages) : owners_(num_storages, -1) {}
  // -1 for the first value of a storage.
  int OwnerOf(const FakeTensor& t, int value) {
    const int storage = t.storage.value;
    if (storage < 0 || storage >= static_cast<int>(owners_.size())) return -1;
    if (owners_[storage] < 0) {
      owners_[storage] = value;
      return -1;
    }
    return owners_[storage];
  }

 private:
  std::vector<int> owners_;
};

std::string DescribeValue(const FakeGraph& fake, const std::vector<std::string>& names, StorageOwners& owners, int value) {
  const FakeValue& v = fake.values[value];
  if (const Expr* e = std::get_if<Expr>(&v)) {
    static constexpr absl::string_view kTypes[] = {"int", "float", "bool"};
    return absl::StrCat(kTypes[static_cast<int>(e->type())], " ", e->ToString());
  }
  const FakeTensor* t = std::get_if<FakeTensor>(&v);
  if (t == nullptr) return "none";
  std::string text = absl::StrCat(DTypeText(t->dtype), ExprList(t->sizes), " strides=", ExprList(t->strides));
  if (!t->storage_offset.IsInt(0)) absl::StrAppend(&text, " offset=", t->storage_offset.ToString());
  if (!t->device.is_cpu()) absl::StrAppend(&text, " ", t->device.ToString());
  const int owner = owners.OwnerOf(*t, value);
  if (owner >= 0) absl::StrAppend(&text, " alias=%", names[owner]);
  return text;
}

std::string NameOf(const std::vector<std::string>& names, int value) {
  return names[value].empty() ? "_" : absl::StrCat("%", names[value]);
}

// One line a value: its name, what made it, what is known of it.
struct Line {
  std::string name, op, text;
};

}  // namespace

std::string DescribePropagation(const FakeGraph& fake) {
  const Graph& graph = fake.graph;
  const std::vector<std::string> names = DistinctValueNames(graph);
  StorageOwners owners(fake.num_storages);
  std::vector<Line> lines;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const int value = static_cast<int>(i);
    lines.push_back({NameOf(names, value), "input", DescribeValue(fake, names, owners, value)});
  }
  const std::vector<Guard>& guards = fake.env->recorded_guards();
  size_t next_guard = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) {
        lines.push_back({NameOf(names, id.value), node.op->name, DescribeValue(fake, names, owners, id.value)});
      }
    }
    // Guards stand under the node that made them; they were recorded in order.
    for (; next_guard < guards.size() && guards[next_guard].reason.node <= static_cast<int>(n); ++next_guard) {
      const Guard& guard = guards[next_guard];
      lines.push_back({"", "", absl::StrCat("guard ", guard.condition.ToString(), "  (", guard.reason.what, ")",
                                            guard.reason.location.empty() ? "" : " at ", guard.reason.location)});
    }
  }
  size_t name_width = 0, op_width = 0;
  for (const Line& line : lines) {
    name_width = std::max(name_width, line.name.size());
    op_width = std::max(op_width, line.op.size());
  }
  std::string out;
  for (const Line& line : lines) {
    absl::StrAppend(&out, line.name, std::string(name_width - line.name.size() + 2, ' '), line.op,
                    std::string(op_width - line.op.size() + 2, ' '), line.text, "\n");
  }
  std::vector<Guard> minimal = fake.env->Guards();
  if (!minimal.empty()) out += "guards:\n";
  for (const Guard& guard : minimal) absl::StrAppend(&out, "  ", guard.ToString(), "\n");
  if (!fake.env->runtime_asserts().empty()) out += "runtime asserts:\n";
  for (const Guard& guard : fake.env->runtime_asserts()) absl::StrAppend(&out, "  ", guard.ToString(), "\n");
  return out;
}

}  // namespace kiln
