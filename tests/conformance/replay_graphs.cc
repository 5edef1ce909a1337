// Reads graphs in text form, one a line, propagates each, and prints for each
// the results of its nodes, one a line, and an empty line:
//
//   f32[2, 3] strides=[3, 1] offset=0 cpu storage=t0
//   int u0
//   error: SHAPE_MISMATCH node 0 (aten.mm.default): ...
//
// A storage is named after the first input in it, else new0, new1, ... in order
// of appearance; unbacked symbols are renamed u0, u1, ... likewise. With --values,
// prints what every value is in the end, inputs first, with the bytes of its
// storage, and what the graph wrote: "input t0: data metadata". With --grad, which
// values require grad in the end, inputs first: "+-." (yes, no, no tensor). With
// --guards, each guard follows as "guard: s0 == s1"; with --facts, what is known
// of unbacked symbols: "range: u0 [0, 12]", "assert: u0 <= 7". With --rows, prints the op
// table instead: name, schema, tags, family; with --refused,
// the operators that are refused: name, reason.
#include <cstring>
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

class ResultPrinter {
 public:
  ResultPrinter(const FakeGraph& fake, ExprPool* pool) : fake_(fake), pool_(pool) {
    for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
      if (const FakeTensor* t = std::get_if<FakeTensor>(&fake.values[i]))
        storages_.emplace(t->storage.value, fake.graph.inputs[i].name);
    }
  }

  std::string Print(const FakeValue& value) {
    if (const Expr* e = std::get_if<Expr>(&value)) {
      static constexpr absl::string_view kTypes[] = {"int", "float", "bool"};
      return absl::StrCat(kTypes[static_cast<int>(e->type())], " ", Renamed(*e));
    }
    const FakeTensor* t = std::get_if<FakeTensor>(&value);
    if (t == nullptr) return "none";
    std::string text = absl::StrCat(DTypeText(t->dtype), List(t->sizes), " strides=", List(t->strides),
                                    " offset=", Renamed(t->storage_offset), " ", t->device.ToString(),
                                    " storage=", StorageName(t->storage.value));
    if (t->conj_bit) text += " conj";
    if (t->neg_bit) text += " neg";
    return text;
  }

  std::string Facts() {
    std::string out;
    for (const Guard& g : fake_.env->runtime_asserts()) absl::StrAppend(&out, "assert: ", Renamed(g.condition), "\n");
    for (const auto& [name, renamed] : unbacked_) {
      const Expr symbol = pool_->Symbol(name);
      if (symbol.type() != ExprType::kInt) continue;
      absl::StrAppend(&out, "range: ", renamed, " ", fake_.env->RangeOf(symbol).ToString(), "\n");
    }
    return out;
  }

 private:
  std::string Renamed(Expr e) {
    if (!e.has_unbacked()) return e.ToString();
    VisitSymbols(e, [&](Expr s) {
      const absl::string_view prefix = s.type() == ExprType::kFloat ? "zuf" : "u";
      if (s.has_unbacked()) unbacked_.emplace(s.ToString(), absl::StrCat(prefix, unbacked_.size()));
    });
    const Expr renamed = pool_->Substitute(e, [&](Expr s) -> std::optional<Expr> {
      auto it = unbacked_.find(s.ToString());
      if (it == unbacked_.end()) return std::nullopt;
      return pool_->Symbol(it->second);
    });
    // The recorder names floats and integers alike.
    return absl::StrReplaceAll(renamed.ToString(), {{"zuf", "u"}});
  }

  std::string List(absl::Span<const Expr> exprs) {
    std::string out = "[";
    for (size_t i = 0; i < exprs.size(); ++i) absl::StrAppend(&out, i == 0 ? "" : ", ", Renamed(exprs[i]));
    return out + "]";
  }

  std::string StorageName(int storage) {
    auto [it, inserted] = storages_.emplace(storage, "");
    if (inserted) it->second = absl::StrCat("new", num_new_++);
    return it->second;
  }

  const FakeGraph& fake_;
  ExprPool* pool_;
  std::map<int, std::string> storages_;
  std::map<std::string, std::string> unbacked_;
  int num_new_ = 0;
};

std::string Error(const absl::Status& status) {
  std::optional<ErrorReason> reason = GetErrorReason(status);
  return absl::StrCat("error: ", reason.has_value() ? GetErrorReasonRow(*reason).name : "?", " ", status.message(), "\n");
}

std::string DescribeValues(const FakeGraph& fake, ResultPrinter& printer) {
  std::string out;
  for (const FakeValue& value : fake.values) {
    absl::StrAppend(&out, printer.Print(value));
    if (const FakeTensor* t = std::get_if<FakeTensor>(&value)) {
      const std::optional<Expr> bytes = fake.storage_bytes[t->storage.value];
      if (bytes.has_value()) absl::StrAppend(&out, " bytes=", bytes->ToString());
    }
    absl::StrAppend(&out, "\n");
  }
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    const InputWrite& write = fake.input_writes[i];
    absl::StrAppend(&out, "input ", fake.graph.inputs[i].name, ":", write.data ? " data" : "",
                    write.metadata ? " metadata" : "", "\n");
  }
  return out;
}

// "+-." for each value, inputs first: requires grad, does not, is no tensor.
std::string DescribeGrad(const FakeGraph& fake) {
  std::string out;
  for (const FakeValue& value : fake.values) {
    const FakeTensor* t = std::get_if<FakeTensor>(&value);
    out += t == nullptr ? '.' : t->requires_grad ? '+' : '-';
  }
  return out + "\n";
}

enum class Show { kResults, kGuards, kFacts, kValues, kGrad };

std::string Replay(const std::string& text, Show show) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(text, &pool, FindOpSchema);
  if (!graph.ok()) return Error(graph.status());
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  if (!fake.ok()) return Error(fake.status());
  ResultPrinter printer(*fake, &pool);
  if (show == Show::kValues) return DescribeValues(*fake, printer);
  if (show == Show::kGrad) return DescribeGrad(*fake);
  std::string out;
  for (const Node& node : fake->graph.nodes) {
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) absl::StrAppend(&out, printer.Print(fake->values[id.value]), "\n");
    }
  }
  if (show == Show::kResults) return out;
  if (show == Show::kFacts) return out + printer.Facts();
  for (const Guard& guard : fake->env->Guards()) absl::StrAppend(&out, "guard: ", guard.condition.ToString(), "\n");
  return out;
}

void PrintRows() {
  static constexpr std::pair<OpTag, absl::string_view> kTags[] = {
      {kTagCore, "core"},
      {kTagPointwise, "pointwise"},
      {kTagView, "view"},
      {kTagRandom, "nondeterministic_seeded"},
      {kTagEffect, "effect"},
      {kTagDynamicShape, "dynamic_output_shape"},
      {kTagDataDependent, "data_dependent_output"},
      {kTagSymbolic, "symbolic"},
      {kTagInplaceView, "inplace_view"},
  };
  for (const OpRow& row : OpTable()) {
    std::cout << row.schema.name << "\t" << row.schema.ToString() << "\t";
    for (const auto& [tag, name] : kTags) {
      if (row.has(tag)) std::cout << name << " ";
    }
    std::cout << "\t" << row.family << "\n";
  }
}

void PrintRefused() {
  for (const RefusedOp& op : RefusedOps()) std::cout << op.name << "\t" << op.why << "\n";
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--rows") == 0) {
    kiln::PrintRows();
    return 0;
  }
  if (argc > 1 && std::strcmp(argv[1], "--refused") == 0) {
    kiln::PrintRefused();
    return 0;
  }
  kiln::Show show = kiln::Show::kResults;
  if (argc > 1 && std::strcmp(argv[1], "--guards") == 0) show = kiln::Show::kGuards;
  if (argc > 1 && std::strcmp(argv[1], "--facts") == 0) show = kiln::Show::kFacts;
  if (argc > 1 && std::strcmp(argv[1], "--values") == 0) show = kiln::Show::kValues;
  if (argc > 1 && std::strcmp(argv[1], "--grad") == 0) show = kiln::Show::kGrad;
  for (std::string line; std::getline(std::cin, line);) std::cout << kiln::Replay(line, show) << "\n";
}
