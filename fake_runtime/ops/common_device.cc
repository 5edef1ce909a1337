#include "fake_runtime/ops/common_device.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// They take tensors of several devices; the result lies where the first is. Sorted.
constexpr absl::string_view kFirstsDevice[] = {
    "aten._embedding_bag.default",
    "aten._unsafe_index_put.default",
    "aten._unsafe_masked_index_put_accumulate.default",
    "aten.bincount.default",
    "aten.copy.default",
    "aten.copy.out",
    "aten.copy_.default",
    "aten.diagonal_scatter.default",
    "aten.index.Tensor",
    "aten.index_put.default",
    "aten.index_put_.default",
    "aten.masked_select.default",
    "aten.native_dropout_backward.default",
    "aten.resize_as_.default",
    "aten.slice_scatter.default",
    "aten.slice_scatter.out",
};
// Their kernels take no CPU tensor for a number. Sorted, without overloads.
constexpr absl::string_view kNoNumbers[] = {
    "aten.index_add",         "aten.index_add_",
    "aten.index_copy",        "aten.index_copy_",
    "aten.multi_margin_loss", "aten.multilabel_margin_loss_forward",
    "aten.nextafter",         "aten.nll_loss_forward",
};

bool IsNumber(const FakeTensor& t) { return t.rank() == 0 && t.device.is_cpu(); }

template <typename Visit>
void VisitTensors(MetaContext& ctx, Visit visit) {
  const std::vector<ArgSchema>& args = ctx.schema().args;
  for (size_t i = 0; i < args.size(); ++i) {
    const int arg = static_cast<int>(i);
    if (args[i].type != ArgType::kTensor) continue;
    if (!args[i].is_list) {
      if (ctx.IsTensor(arg)) visit(ctx.Tensor(arg));
      continue;
    }
    for (const FakeTensor* t : ctx.TensorList(arg)) {
      if (t != nullptr) visit(*t);
    }
  }
}

// The ordinary case, which is to cost nothing.
bool OnOneDevice(MetaContext& ctx) {
  const FakeTensor* first = nullptr;
  bool same = true;
  VisitTensors(ctx, [&](const FakeTensor& t) {
    if (first == nullptr) first = &t;
    same = same && t.device == first->device;
  });
  return same;
}

absl::Status Differ(MetaContext& ctx, const FakeTensor& a, const FakeTensor& b) {
  return ctx.Fail(ErrorReason::kDeviceMismatch, absl::StrCat("found two different devices, ", a.device.ToString(),
                                                             " and ", b.device.ToString()));
}

// The tensor whose device is everyone's. Of several on one device the last that is no number stands for it.
absl::StatusOr<const FakeTensor*> Leader(MetaContext& ctx) {
  const absl::string_view name = ctx.schema().name;
  const bool takes_numbers = !absl::c_binary_search(kNoNumbers, name.substr(0, name.rfind('.')));
  const FakeTensor* leader = nullptr;
  absl::Status status;
  VisitTensors(ctx, [&](const FakeTensor& t) {
    if (leader == nullptr) {
      leader = &t;
    } else if (t.device == leader->device) {
      if (IsNumber(*leader)) leader = &t;
    } else if (takes_numbers && IsNumber(t)) {
      return;
    } else if (takes_numbers && IsNumber(*leader)) {
      leader = &t;
    } else {
      status.Update(Differ(ctx, *leader, t));
    }
  });
  KILN_RETURN_IF_ERROR(status);
  return leader;
}

// What is written stays where it is.
absl::Status CheckWritten(MetaContext& ctx, const FakeTensor& leader) {
  const OpSchema& schema = ctx.schema();
  for (size_t i = 0; i < schema.args.size(); ++i) {
    const ArgSchema& arg = schema.args[i];
    if (!arg.is_written || !ctx.IsTensor(static_cast<int>(i))) continue;
    const bool is_returned =
        absl::c_any_of(schema.returns, [&](const ReturnSchema& ret) { return ret.alias == arg.alias; });
    const FakeTensor& written = ctx.Tensor(static_cast<int>(i));
    if (is_returned && !(written.device == leader.device)) return Differ(ctx, leader, written);
  }
  return absl::OkStatus();
}

// Indices may lie anywhere, what is put where they point not.
absl::Status CheckPairs(MetaContext& ctx) {
  struct Pair {
    absl::string_view op;
    int a, b;
  };
  static constexpr Pair kPairs[] = {
      {"aten._unsafe_masked_index_put_accumulate.default", 1, 3},  // mask, values
      {"aten.index_put.default", 0, 2},                            // self, values
      {"aten.index_put_.default", 0, 2},
  };
  for (const Pair& pair : kPairs) {
    if (pair.op != ctx.schema().name) continue;
    const FakeTensor& a = ctx.Tensor(pair.a);
    const FakeTensor& b = ctx.Tensor(pair.b);
    if (b.rank() != 0 && !(a.device == b.device)) return Differ(ctx, a, b);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SettleDevices(MetaContext& ctx, int first_storage) {
  if (OnOneDevice(ctx)) return absl::OkStatus();
  const bool returns_tensors =
      absl::c_any_of(ctx.schema().returns, [](const ReturnSchema& ret) { return ret.type == ArgType::kTensor; });
  if (!returns_tensors || absl::c_binary_search(kFirstsDevice, ctx.schema().name)) return CheckPairs(ctx);
  KILN_ASSIGN_OR_RETURN(const FakeTensor* leader, Leader(ctx));
  KILN_RETURN_IF_ERROR(CheckWritten(ctx, *leader));
  if (ctx.schema().FindArg("device") >= 0) return absl::OkStatus();
  for (MetaContext::Returned& returned : ctx.mutable_returned()) {
    for (FakeValue& value : returned.values) {
      FakeTensor* t = std::get_if<FakeTensor>(&value);
      if (t == nullptr || t->device == leader->device) continue;
      if (t->storage.value < first_storage) return Differ(ctx, *leader, *t);
      t->device = leader->device;
      t->constant.reset();
    }
  }
  return absl::OkStatus();
}

}  // namespace kiln
