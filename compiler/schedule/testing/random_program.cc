#include "compiler/schedule/testing/random_program.h"

#include <algorithm>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln::schedule {
namespace {

// A window into a buffer. Sizes and strides are products in text form.
struct Tensor {
  int buffer = 0;
  std::vector<std::string> sizes;
  std::vector<std::string> strides;
  std::string offset = "0";
};

std::string Product(const std::vector<std::string>& factors) {
  return factors.empty() ? "1" : absl::StrJoin(factors, "*");
}

std::vector<std::string> Contiguous(const std::vector<std::string>& sizes) {
  std::vector<std::string> strides(sizes.size());
  for (size_t d = 0; d < sizes.size(); ++d) {
    strides[d] = Product(std::vector<std::string>(sizes.begin() + d + 1, sizes.end()));
  }
  return strides;
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string Generate(int num_nodes) {
    for (int i = 0; i < 3; ++i) tensors_.push_back(NewBuffer("input", i, RandomSizes()));
    tensors_.push_back(NewBuffer("input", 3, {"s0", "s1", "16"}));
    buffers_.push_back("buffer b4 input 4 i64[s0]\n");
    for (node_ = 0; node_ < num_nodes; ++node_) AddNode(node_ + 1 == num_nodes);
    return absl::StrCat("program symbols=[s0, s1] inputs=5 {\n", absl::StrJoin(buffers_, ""),
                        "inputs [b0, b1, b2, b3, b4]\n", kernels_, returns_, "}\n");
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % n); }
  bool Chance(int percent) { return Below(100) < percent; }

  std::vector<std::string> RandomSizes() {
    static const std::vector<std::vector<std::string>> kSizes = {
        {"s0", "s1", "16"}, {"s0", "s1"}, {"s0", "16"},      {"16", "s1"},
        {"s1"},             {"16"},       {"s0", "3", "s1"}, {"s0*s1", "16"}};
    return kSizes[Below(static_cast<int>(kSizes.size()))];
  }

  Tensor NewBuffer(const std::string& kind, int index, const std::vector<std::string>& sizes) {
    Tensor t = {static_cast<int>(buffers_.size()), sizes, Contiguous(sizes)};
    std::string place = kind == "temporary" ? "" : absl::StrCat(" ", index);
    buffers_.push_back(absl::StrCat("buffer b", t.buffer, " ", kind, place, " f32[", Product(sizes), "]\n"));
    return t;
  }

  Tensor NewResult(const std::vector<std::string>& sizes, bool is_last) {
    if (!is_last && !Chance(20)) return NewBuffer("temporary", 0, sizes);
    Tensor t = NewBuffer("output", num_outputs_++, sizes);
    absl::StrAppend(&returns_, "return new b", t.buffer, ": f32[", absl::StrJoin(sizes, ", "), "] strides=[",
                    absl::StrJoin(t.strides, ", "), "] offset=0\n");
    return t;
  }

  const Tensor& Pick() {
    // Recent results are picked more often, so that chains grow.
    int back = std::min(Below(static_cast<int>(tensors_.size())), Below(static_cast<int>(tensors_.size())));
    return tensors_[tensors_.size() - 1 - back];
  }

  // For each dimension of `b` the dimension of `sizes` that it runs along; empty
  // if it cannot be broadcast.
  std::vector<int> MatchDims(const Tensor& b, const std::vector<std::string>& sizes) {
    std::vector<int> dims;
    size_t next = 0;
    for (const std::string& size : b.sizes) {
      while (next < sizes.size() && sizes[next] != size) ++next;
      if (next == sizes.size()) return {-1};
      dims.push_back(static_cast<int>(next++));
    }
    return dims;
  }

  std::string Index(const Tensor& t, const std::vector<int>& variables) {
    std::string index = t.offset;
    for (size_t d = 0; d < variables.size(); ++d) {
      absl::StrAppend(&index, " + ", t.strides[d], "*i", variables[d]);
    }
    return index;
  }

  static std::vector<int> AllVariables(size_t n) {
    std::vector<int> variables(n);
    for (size_t d = 0; d < n; ++d) variables[d] = static_cast<int>(d);
    return variables;
  }

  void Open(const std::string& name) { absl::StrAppend(&kernels_, "kernel ", name, " nodes=[", node_, "] {\n"); }
  void Loop(int variable, const std::string& extent) {
    absl::StrAppend(&kernels_, "serial i", variable, " < ", extent, " {\n");
  }
  void Close(size_t loops) {
    for (size_t l = 0; l < loops; ++l) kernels_ += "}\n";
  }

  // Loads one to three operands and combines them; the value's name.
  std::string EmitBody(const Tensor& first, const std::vector<std::string>& sizes, const std::vector<int>& variables,
                       int& next) {
    auto name = [&] { return absl::StrCat("%", next++); };
    std::string value = name();
    absl::StrAppend(&kernels_, value, " = load f32 b", first.buffer, "[", Index(first, variables), "]\n");
    for (int operand = Below(3); operand > 0; --operand) {
      const Tensor& other = Pick();
      std::vector<int> dims = MatchDims(other, sizes);
      if (!dims.empty() && dims[0] < 0) continue;
      for (int& d : dims) d = variables[d];
      std::string loaded = name(), combined = name();
      absl::StrAppend(&kernels_, loaded, " = load f32 b", other.buffer, "[", Index(other, dims), "]\n");
      static const char* const kOps[] = {"add", "sub", "mul", "maximum"};
      absl::StrAppend(&kernels_, combined, " = ", kOps[Below(4)], " f32 ", value, ", ", loaded, "\n");
      value = combined;
    }
    if (Chance(30)) {
      static const char* const kOps[] = {"tanh", "sigmoid", "neg", "abs"};
      std::string applied = name();
      absl::StrAppend(&kernels_, applied, " = ", kOps[Below(4)], " f32 ", value, "\n");
      value = applied;
    }
    return value;
  }

  void AddNode(bool is_last) {
    int kind = Below(100);
    if (is_last || kind < 40) {
      AddPointwise(is_last);
    } else if (kind < 70) {
      AddReduction();
    } else if (kind < 90) {
      AddView();
    } else if (kind < 95) {
      AddGather();
    } else {
      AddConcatenation();
    }
  }

  void AddPointwise(bool is_last) {
    Tensor a = Pick();
    Tensor out = NewResult(a.sizes, is_last);
    Open("pointwise");
    for (size_t d = 0; d < a.sizes.size(); ++d) Loop(static_cast<int>(d), a.sizes[d]);
    int next = 0;
    std::vector<int> variables = AllVariables(a.sizes.size());
    std::string value = EmitBody(a, a.sizes, variables, next);
    absl::StrAppend(&kernels_, "store b", out.buffer, "[", Index(out, variables), "], ", value, "\n");
    Close(a.sizes.size() + 1);
    tensors_.push_back(out);
  }

  void AddReduction() {
    Tensor a = Pick();
    if (a.sizes.empty()) return;
    std::vector<int> kept, reduced;
    for (size_t d = 0; d < a.sizes.size(); ++d) (Chance(50) ? kept : reduced).push_back(static_cast<int>(d));
    if (reduced.empty()) {
      reduced.push_back(kept.back());
      kept.pop_back();
    }
    std::vector<std::string> sizes;
    for (int d : kept) sizes.push_back(a.sizes[d]);
    Tensor out = NewResult(sizes, false);
    static const char* const kKinds[] = {"sum", "max", "welford", "min"};
    std::string kind = kKinds[Below(4)];
    Open(kind);
    for (int d : kept) Loop(d, a.sizes[d]);
    absl::StrAppend(&kernels_, "%0 = accumulate ", kind, " f32\n");
    for (int d : reduced) Loop(d, a.sizes[d]);
    int next = 1;
    std::string value = EmitBody(a, a.sizes, AllVariables(a.sizes.size()), next);
    absl::StrAppend(&kernels_, "update %0, ", value, "\n");
    Close(reduced.size());
    std::string result = absl::StrCat("%", next), scaled = absl::StrCat("%", next + 1);
    std::string factor = absl::StrCat("%", next + 2);
    absl::StrAppend(&kernels_, result, " = result f32 %0, ", kind == "welford" ? Below(2) : 0, "\n", factor,
                    " = constant f32 0.125\n", scaled, " = mul f32 ", result, ", ", factor, "\n");
    absl::StrAppend(&kernels_, "store b", out.buffer, "[", Index(out, kept), "], ", scaled, "\n");
    Close(kept.size() + 1);
    tensors_.push_back(out);
  }

  void AddView() {
    Tensor t = Pick();
    if (t.sizes.size() < 2) return;
    int d = Below(static_cast<int>(t.sizes.size()) - 1);
    int kind = Below(4);
    if (kind == 0) {
      std::swap(t.sizes[d], t.sizes[d + 1]);
      std::swap(t.strides[d], t.strides[d + 1]);
    } else if (kind == 1 && t.strides[d] == absl::StrCat(t.sizes[d + 1], "*", t.strides[d + 1])) {
      Merge(t, d);
    } else if (kind == 1 && t.strides[d] == t.sizes[d + 1] && t.strides[d + 1] == "1") {
      Merge(t, d);
    } else if (kind == 2) {
      Select(t, d);
    } else {
      Slice(t);
    }
    tensors_.push_back(t);
  }

  static void Merge(Tensor& t, int d) {
    t.sizes[d] = absl::StrCat(t.sizes[d], "*", t.sizes[d + 1]);
    t.strides[d] = t.strides[d + 1];
    t.sizes.erase(t.sizes.begin() + d + 1);
    t.strides.erase(t.strides.begin() + d + 1);
  }

  static void Select(Tensor& t, int d) {
    t.offset = absl::StrCat(t.offset, " + ", t.strides[d]);
    t.sizes.erase(t.sizes.begin() + d);
    t.strides.erase(t.strides.begin() + d);
  }

  static void Slice(Tensor& t) {
    for (size_t d = 0; d < t.sizes.size(); ++d) {
      if (t.sizes[d] != "16") continue;
      t.offset = absl::StrCat(t.offset, " + 4*", t.strides[d]);
      t.sizes[d] = "3";
      return;
    }
  }

  // out[i, ...] = a[index[i], ...]
  void AddGather() {
    Tensor a = Pick();
    if (a.sizes.empty()) return;
    std::vector<std::string> sizes = a.sizes;
    sizes[0] = "s0";
    Tensor out = NewResult(sizes, false);
    Open("gather");
    for (size_t d = 0; d < sizes.size(); ++d) Loop(static_cast<int>(d), sizes[d]);
    std::string index = absl::StrCat(a.offset, " + ", a.strides[0], "*j0");
    for (size_t d = 1; d < sizes.size(); ++d) absl::StrAppend(&index, " + ", a.strides[d], "*i", d);
    absl::StrAppend(&kernels_, "%0 = load i64 b4[i0]\nindirect j0 < ", a.sizes[0], ", %0\n");
    absl::StrAppend(&kernels_, "%1 = load f32 b", a.buffer, "[", index, "]\n");
    absl::StrAppend(&kernels_, "store b", out.buffer, "[", Index(out, AllVariables(sizes.size())), "], %1\n");
    Close(sizes.size() + 1);
    tensors_.push_back(out);
  }

  // Two tensors of equal sizes beside each other along the last dimension.
  void AddConcatenation() {
    Tensor a = Pick(), b = Pick();
    if (a.sizes.empty() || a.sizes != b.sizes) return;
    std::vector<std::string> sizes = a.sizes;
    sizes.back() = absl::StrCat("2*", a.sizes.back());
    Tensor out = NewResult(sizes, false);
    Open("cat");
    std::vector<int> variables = AllVariables(sizes.size());
    for (const Tensor* part : {&a, &b}) {
      for (size_t d = 0; d < sizes.size(); ++d) Loop(static_cast<int>(d), a.sizes[d]);
      std::string value = part == &a ? "%0" : "%1";
      std::string shift = part == &a ? "" : absl::StrCat(" + ", a.sizes.back());
      absl::StrAppend(&kernels_, value, " = load f32 b", part->buffer, "[", Index(*part, variables), "]\n");
      absl::StrAppend(&kernels_, "store b", out.buffer, "[", Index(out, variables), shift, "], ", value, "\n");
      Close(sizes.size());
    }
    kernels_ += "}\n";
    tensors_.push_back(out);
  }

  std::mt19937_64 random_;
  std::vector<Tensor> tensors_;
  std::vector<std::string> buffers_;
  std::string kernels_;
  std::string returns_;
  int num_outputs_ = 0;
  int node_ = 0;
};

}  // namespace

std::string RandomProgramText(uint64_t seed, int num_nodes) { return Generator(seed).Generate(num_nodes); }

}  // namespace kiln::schedule
