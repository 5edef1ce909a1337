#include "service/recent_graphs.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {

Digest RecentGraphs::NameOf(const v1::CompileRequest& request) {
  std::string said;
  if (request.has_module()) {
    said = request.module().SerializeAsString();
  } else if (request.has_ref()) {
    said = request.ref().SerializeAsString();
  }
  return Sha256(absl::StrCat(request.graph_case(), ":", request.header().domain().size(), ":",
                             request.header().domain(), said));
}

std::shared_ptr<const PreparedGraph> RecentGraphs::Find(const Digest& name) {
  absl::MutexLock lock(&mutex_);
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->graph;
}

void RecentGraphs::Add(const Digest& name, std::shared_ptr<const PreparedGraph> graph) {
  const size_t bytes = SizeOfGraph(*graph);
  if (bytes > max_bytes_) return;
  // What is dropped is freed without the lock.
  std::list<Entry> dropped;
  absl::MutexLock lock(&mutex_);
  if (by_name_.contains(name)) return;
  entries_.push_front({name, std::move(graph), bytes});
  by_name_[name] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_name_.erase(entries_.back().name);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
}

}  // namespace kiln
