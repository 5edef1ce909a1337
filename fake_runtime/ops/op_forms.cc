#include "fake_runtime/ops/op_forms.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// PyTorch's generated forms keep these.
constexpr uint32_t kInherited = kTagPointwise | kTagRandom | kTagDynamicShape | kTagDataDependent;

absl::Status DoesNotApply(const OpRow& row, absl::string_view word) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat(row.schema.name, " has no form '", word, "'"));
}

// "aten.add.Tensor" with another operator suffix and overload; an empty
// overload keeps the row's.
std::string Renamed(const std::string& name, absl::string_view suffix, absl::string_view overload) {
  const size_t dot = name.rfind('.');
  return absl::StrCat(name.substr(0, dot), suffix, ".", overload.empty() ? name.substr(dot + 1) : std::string(overload));
}

char AliasLetter(size_t i) { return static_cast<char>('a' + i); }

absl::StatusOr<OpRow> InPlaceForm(const OpRow& row) {
  OpRow form = row;
  OpSchema& schema = form.schema;
  if (schema.args.empty() || schema.args[0].type != ArgType::kTensor || schema.returns.size() != 1) {
    return DoesNotApply(row, "_");
  }
  schema.name = Renamed(schema.name, "_", "");
  schema.args[0].alias = schema.returns[0].alias = 'a';
  schema.args[0].is_written = schema.returns[0].is_written = true;
  schema.args[0].alias_wildcard = false;
  return form;
}

ArgSchema OutArgument(std::string name, char alias) {
  ArgSchema arg;
  arg.name = std::move(name);
  arg.keyword_only = true;
  arg.alias = alias;
  arg.is_written = true;
  return arg;
}

// A factory's `out=` overload leaves these to the tensor that it writes.
void DropTensorOptions(OpSchema& schema) {
  static constexpr absl::string_view kOptions[] = {"dtype", "layout", "device", "pin_memory"};
  auto is_option = [](const ArgSchema& arg) { return absl::c_linear_search(kOptions, arg.name); };
  if (absl::c_count_if(schema.args, is_option) != std::ssize(kOptions)) return;
  schema.args.erase(std::remove_if(schema.args.begin(), schema.args.end(), is_option), schema.args.end());
}

// `names` are empty for the names that PyTorch generates.
absl::StatusOr<OpRow> OutForm(const OpRow& row, absl::string_view overload, std::vector<std::string> names) {
  OpRow form = row;
  OpSchema& schema = form.schema;
  const size_t count = schema.returns.size();
  if (names.empty() && count == 1) names = {"out"};
  if (names.empty()) {
    for (size_t i = 0; i < count; ++i) names.push_back(absl::StrCat("out", i));
  }
  if (count == 0 || names.size() != count) return DoesNotApply(row, overload);
  schema.name = Renamed(schema.name, "", overload);
  DropTensorOptions(schema);
  for (size_t i = 0; i < count; ++i) {
    ReturnSchema& ret = schema.returns[i];
    if (ret.type != ArgType::kTensor || ret.is_list || ret.alias != 0) return DoesNotApply(row, overload);
    ret.alias = AliasLetter(i);
    ret.is_written = true;
    if (!ret.name.empty()) ret.name = names[i];
    schema.args.push_back(OutArgument(names[i], ret.alias));
  }
  return form;
}

absl::StatusOr<OpRow> CopyForm(const OpRow& row) {
  if (!row.has(kTagView)) return DoesNotApply(row, "copy");
  OpRow form = row;
  OpSchema& schema = form.schema;
  schema.name = Renamed(schema.name, "_copy", "");
  for (ArgSchema& arg : schema.args) arg.alias = 0, arg.alias_wildcard = false;
  for (ReturnSchema& ret : schema.returns) ret.alias = 0;
  form.copies = true;
  return form;
}

absl::StatusOr<OpRow> Form(const OpRow& row, absl::string_view word) {
  if (word == "_") return InPlaceForm(row);
  if (word == "copy") return CopyForm(row);
  if (absl::ConsumePrefix(&word, "copy.")) {
    KILN_ASSIGN_OR_RETURN(OpRow copy, CopyForm(row));
    return Form(copy, word);
  }
  const size_t open = word.find('(');
  std::vector<std::string> names;
  if (open != absl::string_view::npos) {
    names = absl::StrSplit(absl::StripSuffix(word.substr(open + 1), ")"), ',');
  }
  return OutForm(row, word.substr(0, open), std::move(names));
}

}  // namespace

absl::StatusOr<std::vector<OpRow>> DeriveForms(const OpRow& row, absl::string_view forms) {
  std::vector<OpRow> rows;
  for (absl::string_view word : absl::StrSplit(forms, ' ', absl::SkipEmpty())) {
    const bool generated = absl::ConsumeSuffix(&word, "-");
    KILN_ASSIGN_OR_RETURN(OpRow form, Form(row, word));
    form.tags &= kInherited & ~(generated ? kTagPointwise : kTagNone);
    if (form.schema.is_mutating()) form.tags |= kTagEffect;
    if (word == "_" && row.has(kTagView)) form.tags |= kTagInplaceView;
    form.schema.ordered = form.has(kTagRandom) || form.has(kTagEffect);
    rows.push_back(std::move(form));
  }
  return rows;
}

}  // namespace kiln
