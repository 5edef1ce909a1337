#include "compiler/codegen/kernel_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

// A constant that code does the same with whatever it is: arithmetic on 0 and 1
// may be none. The bits of a double would not be sizes: those end at 2^62.
bool IsLooseConstant(const Inst& inst) {
  return inst.kind == InstKind::kConstant && inst.dtype == DType::kFloat32 && inst.constant.type == ExprType::kFloat &&
         std::abs(inst.constant.f) <= std::numeric_limits<float>::max() && inst.constant.f != 0 &&
         std::abs(inst.constant.f) != 1;
}

// An integer operation that is several instructions.
bool IsCostly(ExprKind kind) {
  switch (kind) {
    case ExprKind::kFloorDiv:
    case ExprKind::kCeilDiv:
    case ExprKind::kMod:
    case ExprKind::kMin:
    case ExprKind::kMax: return true;
    default: return false;
  }
}

// Rewrites one kernel over parameters, in the order in which it uses them.
class Canonicalizer {
 public:
  enum class Constants : uint8_t { kStay, kAreParameters };

  Canonicalizer(const LoopProgram& program, const Kernel& source, Constants constants)
      : program_(program), source_(source), constants_(constants) {}

  void Run() {
    out_.kernel.insts.resize(source_.insts.size());
    out_.kernel.body = Body(source_.body);
    for (size_t i = 0; i < out_.buffers.size(); ++i) {
      out_.buffers[i].num_elements = Rewrite(program_.buffers[launch_.buffers[i].value].num_elements);
    }
    const Loop* parallel = ParallelLoop();
    out_.is_parallel = parallel != nullptr;
    launch_.extent = parallel == nullptr ? Expr(1) : parallel->extent;
    launch_.grain = source_.grain;
    launch_.when = source_.when;
    if (!source_.nodes.empty()) launch_.node = source_.nodes.back();
  }

  // Equal for kernels that one function serves.
  std::string Key() const {
    std::string key = PrintKernel(out_.kernel);
    for (const BufferParameter& buffer : out_.buffers) {
      absl::StrAppend(&key, DTypeText(buffer.dtype), "/", buffer.alias_group, "[", buffer.num_elements.ToString(), "] ");
    }
    for (const SizeParameter& size : out_.sizes) absl::StrAppend(&key, size.range.ToString(), " ");
    // Which constants are parameters: a text shows their values only.
    for (size_t i = 0; i < out_.kernel.insts.size(); ++i) {
      const Inst& inst = out_.kernel.insts[i];
      if (inst.kind != InstKind::kConstant || !inst.bound.has_symbols()) continue;
      absl::StrAppend(&key, "%", i, "=", inst.bound.ToString(), " ");
    }
    return key;
  }

  UniqueKernel& kernel() { return out_; }
  KernelLaunch& launch() { return launch_; }

 private:
  const Loop* ParallelLoop() const {
    if (source_.body.size() != 1) return nullptr;
    const auto* loop = std::get_if<std::unique_ptr<Loop>>(&source_.body[0]);
    return loop != nullptr && (*loop)->kind == LoopKind::kParallel ? loop->get() : nullptr;
  }

  std::vector<Stmt> Body(const std::vector<Stmt>& body) {
    std::vector<Stmt> result;
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        out_.kernel.insts[*id] = RewriteInst(source_.insts[*id]);
        result.emplace_back(*id);
        continue;
      }
      const Loop& loop = *std::get<std::unique_ptr<Loop>>(stmt);
      auto copy = std::make_unique<Loop>();
      copy->kind = loop.kind;
      copy->extent = Rewrite(loop.extent);
      copy->variable = Local(loop.variable, "v");
      copy->body = Body(loop.body);
      result.emplace_back(std::move(copy));
    }
    return result;
  }

  Inst RewriteInst(const Inst& source) {
    Inst inst = source;
    if (inst.kind == InstKind::kIndirect) {
      inst.bound = Rewrite(inst.bound);
      inst.expr = Local(inst.expr, "w");
      return inst;
    }
    if (inst.buffer.value >= 0) {
      const bool writes = inst.kind == InstKind::kStore || inst.kind == InstKind::kStoreAdd;
      inst.buffer = Parameter(inst.buffer, writes);
    }
    inst.expr = Rewrite(inst.expr);
    if (constants_ == Constants::kAreParameters && IsLooseConstant(inst)) {
      inst.bound = AddSize(Expr(int64_t{std::bit_cast<uint32_t>(static_cast<float>(inst.constant.f))}), ValueRange());
      inst.constant.f = 0;
    }
    if (inst.kind == InstKind::kRandom || inst.kind == InstKind::kState) {
      out_.is_random |= inst.args.empty();
      inst.result = 0;
      inst.bound = AddSize(Expr(source.result), ValueRange::AtLeast(0));
    }
    return inst;
  }

  // Names of its own for what the kernel itself defines.
  Expr Local(Expr symbol, absl::string_view prefix) {
    Expr renamed = program_.pool->Symbol(absl::StrCat(prefix, num_locals_++));
    locals_[symbol] = renamed;
    return renamed;
  }

  // Over parameters. What takes a division or a choice and hangs on sizes alone is one
  // parameter, which the entry computes once a call: emitted into each kernel, the
  // sizes of windows over windows would be a chain of divisions each time, and kernels
  // of two depths would not be equal.
  Expr Rewrite(Expr e) {
    absl::flat_hash_map<Expr, Expr> done;
    return Rewrite(e, done);
  }

  Expr Rewrite(Expr e, absl::flat_hash_map<Expr, Expr>& done) {
    if (!e.has_symbols()) return e;
    if (e.kind() == ExprKind::kSymbol) return Symbol(e);
    auto known = done.find(e);
    if (known != done.end()) return known->second;
    Expr result;
    if (IsCostlySize(e)) {
      result = Size(e);
    } else {
      std::vector<Expr> args;
      for (Expr arg : e.args()) args.push_back(Rewrite(arg, done));
      result = program_.pool->Make(e.kind(), args);
    }
    done[e] = result;
    return result;
  }

  Expr Symbol(Expr symbol) {
    auto local = locals_.find(symbol);
    return local != locals_.end() ? local->second : Size(symbol);
  }

  Expr Size(Expr e) {
    auto [it, is_new] = sizes_.try_emplace(e);
    if (is_new && e.type() == ExprType::kFloat) {
      it->second = AddFloat(e);
    } else if (is_new) {
      const ValueRange range = program_.env == nullptr ? ValueRange() : program_.env->RangeOf(e);
      // Only the sign matters to code; finer ranges would keep layers apart.
      it->second = AddSize(e, range.lower >= 0 ? ValueRange::AtLeast(0) : ValueRange());
    }
    return it->second;
  }

  bool IsCostlySize(Expr e) const {
    if (!IsCostly(e.kind()) || e.type() != ExprType::kInt) return false;
    bool is_size = true;
    VisitSymbols(e, [&](Expr symbol) { is_size &= symbol.type() == ExprType::kInt && !locals_.contains(symbol); });
    return is_size;
  }

  // A new parameter, which is `value` where the kernel is launched.
  Expr AddSize(Expr value, ValueRange range) {
    Expr symbol = program_.pool->Symbol(absl::StrCat("p", out_.sizes.size()));
    out_.sizes.push_back({symbol, range});
    launch_.sizes.push_back(value);
    return symbol;
  }

  // As above, by its bits. The name says that it is a float.
  Expr AddFloat(Expr value) {
    Expr symbol = program_.pool->Symbol(absl::StrCat("zf", out_.sizes.size()));
    out_.sizes.push_back({symbol, ValueRange()});
    launch_.sizes.push_back(value);
    return symbol;
  }

  BufferId Parameter(BufferId id, bool writes) {
    auto [it, is_new] = buffers_.try_emplace(id.value, static_cast<int>(out_.buffers.size()));
    if (is_new) {
      const int root = MemoryRoot(program_, id).value;
      auto group = groups_.try_emplace(root, static_cast<int>(groups_.size())).first;
      out_.buffers.push_back({program_.buffers[id.value].dtype, group->second, false, Expr(0)});
      launch_.buffers.push_back(id);
    }
    out_.buffers[it->second].is_written |= writes;
    return BufferId{it->second};
  }

  const LoopProgram& program_;
  const Kernel& source_;
  const Constants constants_;
  UniqueKernel out_;
  KernelLaunch launch_;
  int num_locals_ = 0;
  absl::flat_hash_map<Expr, Expr> locals_;
  absl::flat_hash_map<Expr, Expr> sizes_;
  absl::flat_hash_map<int, int> buffers_;
  absl::flat_hash_map<int, int> groups_;
};

// A symbol that is good for ELF, from a name that the scheduler made.
std::string SymbolFor(absl::string_view name, absl::flat_hash_set<std::string>& taken) {
  std::string symbol = "kernel.";
  for (char c : name) symbol += absl::ascii_isalnum(c) || c == '_' || c == '.' ? c : '_';
  std::string unique = symbol;
  for (int i = 2; !taken.insert(unique).second; ++i) unique = absl::StrCat(symbol, ".", i);
  return unique;
}

// One kernel over parameters, and what is equal for kernels that one function serves.
struct Canonical {
  UniqueKernel kernel;
  KernelLaunch launch;
  std::string key;
};

Canonical Canonicalize(const LoopProgram& program, const Kernel& kernel, Canonicalizer::Constants constants) {
  Canonicalizer canonicalizer(program, kernel, constants);
  canonicalizer.Run();
  std::string key = canonicalizer.Key();
  return {std::move(canonicalizer.kernel()), std::move(canonicalizer.launch()), std::move(key)};
}

// The kernels of a program by step, none where the step is no kernel. Constants are
// parameters where some other kernel differs in nothing else.
std::vector<std::optional<Canonical>> CanonicalKernels(const LoopProgram& program) {
  using Constants = Canonicalizer::Constants;
  std::vector<std::optional<Canonical>> kernels(program.steps.size()), loose(program.steps.size());
  // By the key without constants: the first one with them, and those that have several.
  absl::flat_hash_map<std::string, std::string> firsts;
  absl::flat_hash_set<std::string> differing;
  for (size_t step = 0; step < program.steps.size(); ++step) {
    const Kernel* kernel = std::get_if<Kernel>(&program.steps[step]);
    if (kernel == nullptr) continue;
    kernels[step] = Canonicalize(program, *kernel, Constants::kStay);
    if (std::none_of(kernel->insts.begin(), kernel->insts.end(), IsLooseConstant)) continue;
    loose[step] = Canonicalize(program, *kernel, Constants::kAreParameters);
    auto [first, is_new] = firsts.try_emplace(loose[step]->key, kernels[step]->key);
    if (!is_new && first->second != kernels[step]->key) differing.insert(loose[step]->key);
  }
  for (size_t step = 0; step < kernels.size(); ++step) {
    if (loose[step].has_value() && differing.contains(loose[step]->key)) kernels[step] = std::move(loose[step]);
  }
  return kernels;
}

}  // namespace

KernelTable BuildKernelTable(const LoopProgram& program) {
  KernelTable table;
  absl::flat_hash_map<std::string, int> known;
  absl::flat_hash_set<std::string> symbols;
  std::vector<std::optional<Canonical>> kernels = CanonicalKernels(program);
  for (size_t step = 0; step < kernels.size(); ++step) {
    table.launches.emplace_back();
    if (!kernels[step].has_value()) continue;
    const Kernel& kernel = std::get<Kernel>(program.steps[step]);
    Canonical& canonical = *kernels[step];
    auto [it, is_new] = known.try_emplace(canonical.key, static_cast<int>(table.kernels.size()));
    if (is_new) {
      table.kernels.push_back(std::move(canonical.kernel));
      table.kernels.back().symbol = SymbolFor(kernel.name, symbols);
    }
    UniqueKernel& unique = table.kernels[it->second];
    unique.steps.push_back(static_cast<int>(step));
    unique.nodes.insert(unique.nodes.end(), kernel.nodes.begin(), kernel.nodes.end());
    table.launches.back() = std::move(canonical.launch);
    table.launches.back().kernel = it->second;
  }
  for (UniqueKernel& kernel : table.kernels) {
    std::sort(kernel.nodes.begin(), kernel.nodes.end());
    kernel.nodes.erase(std::unique(kernel.nodes.begin(), kernel.nodes.end()), kernel.nodes.end());
  }
  return table;
}

}  // namespace kiln
