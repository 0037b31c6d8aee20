#include "autograd/tape.h"

#include <algorithm>

namespace pf {

namespace {
// Nodes carry the mark of the last walk that saw them. Each walk takes two marks.
uint64_t new_marks() {
  static std::atomic<uint64_t> marks{2};
  return marks.fetch_add(2, std::memory_order_relaxed);
}
}  // namespace

Tape::Tape(const Node* result, std::span<const Variable> targets, bool stop_at_targets) {
  const uint64_t target = new_marks(), seen = target + 1;  // targets not met yet; collected nodes
  uint64_t oldest = targets.empty() ? 0 : UINT64_MAX;
  for (const Variable& x : targets)
    if (const Node* node = x.node()) {
      node->walk_ = target;
      oldest = std::min(oldest, node->number());
    }
  auto visit = [&](const Node* node) {
    if (!node || node->number_ < oldest || node->walk_ == seen) return;
    const bool is_target = node->walk_ == target;
    node->walk_ = seen;
    entries.push_back({node, node->number_, 0, is_target, is_target});
  };
  entries.reserve(64);
  visit(result);
  size_t edges = 0;
  for (size_t at = 0; at < entries.size(); ++at) {
    if (stop_at_targets && entries[at].is_target) continue;
    const auto inputs = entries[at].node->inputs();
    edges += inputs.size();
    for (const Variable& in : inputs) visit(in.node());
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.number < b.number; });

  input_slots.reserve(edges);
  for (size_t slot = 0; slot < entries.size(); ++slot) {
    Entry& entry = entries[slot];
    entry.node->slot_ = int32_t(slot);
    entry.first_input = int32_t(input_slots.size());
    if (stop_at_targets && entry.is_target) continue;
    for (const Variable& in : entry.node->inputs()) {
      const Node* from = in.node();
      const int32_t below = from && from->walk_ == seen ? from->slot_ : -1;  // older, so it has its place already
      input_slots.push_back(below);
      entry.reaches |= below >= 0 && entries[size_t(below)].reaches;
    }
  }
  target_slots.reserve(targets.size());
  for (const Variable& x : targets) target_slots.push_back(x.node() && x.node()->walk_ == seen ? x.node()->slot_ : -1);
}

std::vector<Variable> captured_since(uint64_t first_number, const Node* result) {
  const uint64_t seen = new_marks();
  std::vector<Variable> captured;
  std::vector<const Node*> open;
  auto visit = [&](const Variable& x) {
    const Node* node = x.node();
    if (!node || node->walk_ == seen) return;
    node->walk_ = seen;
    if (node->number_ < first_number) captured.push_back(x);
    else open.push_back(node);
  };
  if (result) visit(Variable(result->output(), NodePtr(const_cast<Node*>(result))));
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const Variable& in : node->inputs()) visit(in);
  }
  return captured;
}

}  // namespace pf
