#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/mutate_graph.h"

namespace kiln {
namespace {

std::set<std::string> NamesOf(const v1::Graph& graph) {
  std::set<std::string> names;
  for (const v1::Input& input : graph.inputs()) names.insert(input.name());
  for (const v1::Node& node : graph.nodes()) {
    for (const v1::Output& output : node.outputs()) names.insert(output.names().begin(), output.names().end());
  }
  names.erase("");
  return names;
}

void Rename(v1::Argument& arg, const std::map<std::string, std::string>& names) {
  if (arg.kind_case() == v1::Argument::kValue) {
    auto it = names.find(arg.value());
    if (it != names.end()) arg.set_value(it->second);
  }
  if (arg.kind_case() != v1::Argument::kList) return;
  for (v1::Argument& item : *arg.mutable_list()->mutable_items()) Rename(item, names);
}

void AddNode(v1::Graph& graph, const v1::Node& source, std::map<std::string, std::string>& names) {
  v1::Node* node = graph.add_nodes();
  *node = source;
  node->clear_location();
  for (v1::NamedArgument& arg : *node->mutable_inputs()) Rename(*arg.mutable_value(), names);
  for (v1::Output& output : *node->mutable_outputs()) {
    for (std::string& name : *output.mutable_names()) {
      auto it = names.find(name);
      if (it != names.end()) name = it->second;
    }
  }
}

}  // namespace

void CrossGraphs(v1::Graph& graph, const v1::Graph& other, unsigned seed) {
  std::minstd_rand random(seed);
  const std::set<std::string> taken = NamesOf(graph);
  const std::vector<std::string> values(taken.begin(), taken.end());
  std::map<std::string, std::string> names;
  for (const std::string& name : NamesOf(other)) {
    std::string fresh = name;
    while (taken.contains(fresh)) fresh += "x";
    names[name] = fresh;
  }
  for (const v1::Input& input : other.inputs()) {
    if (!values.empty() && random() % 2 == 0) {
      names[input.name()] = values[random() % values.size()];
      continue;
    }
    *graph.add_inputs() = input;
    graph.mutable_inputs()->rbegin()->set_name(names[input.name()]);
  }
  std::set<std::string> symbols;
  for (const v1::SymbolDeclaration& s : graph.symbols()) symbols.insert(s.name());
  for (const v1::SymbolDeclaration& s : other.symbols()) {
    if (symbols.insert(s.name()).second) *graph.add_symbols() = s;
  }
  graph.mutable_assumptions()->MergeFrom(other.assumptions());
  for (const v1::Node& node : other.nodes()) AddNode(graph, node, names);
}

}  // namespace kiln
