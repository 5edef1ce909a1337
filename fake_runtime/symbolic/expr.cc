#include "fake_runtime/symbolic/expr.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/limits.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

// Mixes `value` into `hash`; the finisher of splitmix64. The same in every
// process, unlike absl::Hash.
uint64_t Mix(uint64_t hash, uint64_t value) {
  uint64_t x = hash ^ (value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2));
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t MixKind(ExprKind kind) { return Mix(0x6b696c6e, static_cast<uint64_t>(kind)); }

uint64_t HashName(absl::string_view name) {
  uint64_t h = MixKind(ExprKind::kSymbol);
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return Mix(h, name.size());
}

uint64_t HashInt(int64_t value) { return Mix(MixKind(ExprKind::kInt), static_cast<uint64_t>(value)); }

int64_t BitsOf(double value) {
  int64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

ExprNode ConstantNode(ExprKind kind, ExprType type, int64_t value, uint64_t hash) {
  ExprNode n;
  n.kind = kind;
  n.type = type;
  n.i = value;
  n.hash = hash;
  return n;
}

ExprNode PoisonNode(absl::string_view reason) {
  ExprNode n;
  n.kind = ExprKind::kPoison;
  n.name = reason.data();
  n.name_size = static_cast<uint32_t>(reason.size());
  n.hash = MixKind(ExprKind::kPoison);
  return n;
}

// Constants that belong to no pool.
struct StaticNodes {
  ExprNode bools[2] = {
      ConstantNode(ExprKind::kBool, ExprType::kBool, 0, Mix(MixKind(ExprKind::kBool), 0)),
      ConstantNode(ExprKind::kBool, ExprType::kBool, 1, Mix(MixKind(ExprKind::kBool), 1))};
  ExprNode smallest = Int(std::numeric_limits<int64_t>::min());
  ExprNode largest = Int(std::numeric_limits<int64_t>::max());
  ExprNode poison[static_cast<int>(PoisonReason::kCount)] = {
      PoisonNode("overflow"), PoisonNode("over expr_nodes"), PoisonNode("over expr_depth"),
      PoisonNode("division by zero"), PoisonNode("unsupported operands"),
      PoisonNode("over rewrite_steps")};

  static ExprNode Int(int64_t value) {
    return ConstantNode(ExprKind::kInt, ExprType::kInt, value, HashInt(value));
  }
};

const StaticNodes& Statics() {
  static const StaticNodes& nodes = *new StaticNodes;
  return nodes;
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool IsFloatName(absl::string_view name) {
  return (absl::ConsumePrefix(&name, "zuf") || absl::ConsumePrefix(&name, "zf")) && AllDigits(name);
}
bool IsUnbackedName(absl::string_view name) {
  return absl::StartsWith(name, "u") || (absl::StartsWith(name, "zuf") && IsFloatName(name));
}

uint32_t DegreeOfNode(ExprKind kind, absl::Span<const Expr> args) {
  if (kind == ExprKind::kPow) return static_cast<uint32_t>(*args[1].AsInt());
  if (kind != ExprKind::kMul) return 1;
  uint32_t degree = 0;
  for (Expr a : args) degree += DegreeOf(a);
  return degree;
}

}  // namespace

Expr MakePoison(PoisonReason reason) {
  return ExprNode::Wrap(&Statics().poison[static_cast<int>(reason)]);
}

// --- Expr

uintptr_t Expr::LargeBits(int64_t value) {
  if (value == std::numeric_limits<int64_t>::max()) {
    return reinterpret_cast<uintptr_t>(&Statics().largest);
  }
  if (value == std::numeric_limits<int64_t>::min()) {
    return reinterpret_cast<uintptr_t>(&Statics().smallest);
  }
  return reinterpret_cast<uintptr_t>(&Statics().poison[0]);
}

Expr Expr::Poison() { return MakePoison(PoisonReason::kOverflow); }
Expr Expr::Bool(bool value) { return Wrap(&Statics().bools[value ? 1 : 0]); }

absl::string_view Expr::poison_reason() const {
  return is_poison() ? node()->name_view() : absl::string_view();
}

absl::string_view Expr::symbol_name() const {
  return kind() == ExprKind::kSymbol ? node()->name_view() : absl::string_view();
}

bool Expr::Mentions(Expr symbol) const {
  if (*this == symbol) return true;
  if (is_inline() || symbol.is_inline()) return false;
  uint64_t mask = symbol.node()->symbol_mask;
  if ((node()->symbol_mask & mask) != mask) return false;
  for (Expr a : node()->args()) {
    if (a.Mentions(symbol)) return true;
  }
  return false;
}

uint64_t Expr::hash() const {
  return is_inline() ? HashInt(static_cast<int64_t>(bits_) >> 1) : node()->hash;
}

// --- ExprPoolRep

bool ExprNodeEq::operator()(const ExprNode* n, const ExprKey& k) const {
  if (n->hash != k.hash || n->kind != k.kind) return false;
  switch (k.kind) {
    case ExprKind::kSymbol:
      return n->name_view() == k.name;
    case ExprKind::kInt:
    case ExprKind::kFloat:
      return n->i == k.payload;
    default:
      return n->args() == k.args;
  }
}

ExprPoolRep::ExprPoolRep()
    : max_nodes_(static_cast<uint32_t>(GetLimit(Limit::kExprNodes))),
      max_depth_(static_cast<uint32_t>(GetLimit(Limit::kExprDepth))),
      max_steps_(GetLimit(Limit::kRewriteSteps)) {}

void* ExprPoolRep::Allocate(size_t size) {
  constexpr size_t kBlockBytes = 16 << 10;
  size = (size + alignof(ExprNode) - 1) & ~(alignof(ExprNode) - 1);
  if (size > free_size_) {
    free_size_ = std::max(kBlockBytes, size);
    blocks_.push_back(std::make_unique<char[]>(free_size_));
    free_ = blocks_.back().get();
  }
  void* result = free_;
  free_ += size;
  free_size_ -= size;
  return result;
}

Expr ExprPoolRep::Intern(ExprKind kind, ExprType type, absl::Span<const Expr> args) {
  Spend(1 + static_cast<int64_t>(args.size()));
  if (exhausted()) return MakePoison(PoisonReason::kSteps);
  uint64_t hash = MixKind(kind);
  for (Expr a : args) hash = Mix(hash, a.hash());
  auto it = table_.find(ExprKey{kind, hash, 0, {}, args});
  if (it != table_.end()) return ExprNode::Wrap(*it);

  ExprNode header;
  header.hash = hash;
  header.kind = kind;
  header.type = type;
  header.num_args = static_cast<uint32_t>(args.size());
  header.has_division = kind == ExprKind::kFloorDiv || kind == ExprKind::kMod;
  uint64_t tree_size = 1;
  uint32_t depth = 0;
  for (Expr a : args) {
    const ExprNode* n = ExprNode::Of(a);
    tree_size += n ? n->tree_size : 1;
    depth = std::max<uint32_t>(depth, n ? n->depth : 1);
    if (n == nullptr) continue;
    header.symbol_mask |= n->symbol_mask;
    header.has_symbols |= n->has_symbols;
    header.has_unbacked |= n->has_unbacked;
    header.has_division |= n->has_division;
  }
  if (tree_size > max_nodes_) return MakePoison(PoisonReason::kNodes);
  if (depth + 1 > max_depth_) return MakePoison(PoisonReason::kDepth);
  header.tree_size = static_cast<uint32_t>(tree_size);
  header.depth = static_cast<uint16_t>(depth + 1);
  header.degree = DegreeOfNode(kind, args);

  void* memory = Allocate(sizeof(ExprNode) + args.size() * sizeof(Expr));
  auto* node = new (memory) ExprNode(header);
  std::copy(args.begin(), args.end(), reinterpret_cast<Expr*>(node + 1));
  table_.insert(node);
  return ExprNode::Wrap(node);
}

Expr ExprPoolRep::InternInt(int64_t value) {
  Expr e(value);
  if (!e.is_poison()) return e;
  uint64_t hash = HashInt(value);
  auto it = table_.find(ExprKey{ExprKind::kInt, hash, value, {}, {}});
  if (it != table_.end()) return ExprNode::Wrap(*it);
  auto* node = new (Allocate(sizeof(ExprNode))) ExprNode(StaticNodes::Int(value));
  table_.insert(node);
  return ExprNode::Wrap(node);
}

Expr ExprPoolRep::InternFloat(double value) {
  // One NaN: signs and payloads of others do not print.
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  int64_t bits = BitsOf(value);
  uint64_t hash = Mix(MixKind(ExprKind::kFloat), static_cast<uint64_t>(bits));
  auto it = table_.find(ExprKey{ExprKind::kFloat, hash, bits, {}, {}});
  if (it != table_.end()) return ExprNode::Wrap(*it);
  auto* node = new (Allocate(sizeof(ExprNode))) ExprNode;
  node->kind = ExprKind::kFloat;
  node->type = ExprType::kFloat;
  node->f = value;
  node->hash = hash;
  table_.insert(node);
  return ExprNode::Wrap(node);
}

Expr ExprPoolRep::InternSymbol(absl::string_view name) {
  uint64_t hash = HashName(name);
  auto it = table_.find(ExprKey{ExprKind::kSymbol, hash, 0, name, {}});
  if (it != table_.end()) return ExprNode::Wrap(*it);
  char* text = static_cast<char*>(Allocate(name.size() + 1));
  std::copy(name.begin(), name.end(), text);
  text[name.size()] = 0;
  auto* node = new (Allocate(sizeof(ExprNode))) ExprNode;
  node->kind = ExprKind::kSymbol;
  node->name = text;
  node->name_size = static_cast<uint32_t>(name.size());
  node->hash = hash;
  node->degree = 1;
  node->symbol_mask = uint64_t{1} << (hash % 64);
  node->has_symbols = true;
  node->has_unbacked = IsUnbackedName(name);
  if (IsFloatName(name)) node->type = ExprType::kFloat;
  table_.insert(node);
  return ExprNode::Wrap(node);
}

// --- views

TermView ViewTerm(const Expr& e) {
  if (std::optional<int64_t> c = e.AsInt()) return {*c, {}};
  if (e.kind() != ExprKind::kMul) return {1, {&e, 1}};
  absl::Span<const Expr> args = e.args();
  if (std::optional<int64_t> c = args[0].AsInt()) return {*c, args.subspan(1)};
  return {1, args};
}

SumView ViewSum(const Expr& e) {
  if (std::optional<int64_t> c = e.AsInt()) return {*c, {}};
  if (e.kind() != ExprKind::kAdd) return {0, {&e, 1}};
  absl::Span<const Expr> args = e.args();
  if (std::optional<int64_t> c = args[0].AsInt()) return {*c, args.subspan(1)};
  return {0, args};
}

PowerView ViewPower(Expr factor) {
  if (factor.kind() != ExprKind::kPow) return {factor, 1};
  return {factor.args()[0], *factor.args()[1].AsInt()};
}

// --- ExprPool, leaves

ExprPool::ExprPool() : rep_(std::make_unique<ExprPoolRep>()) {}
ExprPool::~ExprPool() = default;

void ExprPool::Spend(int64_t steps) { rep_->Spend(steps); }
int64_t ExprPool::steps() const { return rep_->steps(); }
bool ExprPool::exhausted() const { return rep_->exhausted(); }
void ExprPool::Refill(int64_t extra) { rep_->Refill(extra); }

Expr ExprPool::Int(int64_t value) { return rep_->InternInt(value); }
Expr ExprPool::Float(double value) { return rep_->InternFloat(value); }
Expr ExprPool::Symbol(absl::string_view name) { return rep_->InternSymbol(name); }

}  // namespace kiln
