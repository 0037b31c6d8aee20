#pragma once
// Tape: what a walk goes over. The part of a graph between a result and some targets, as a list in creation order, with
// the edges as positions in that list; so a walk is a loop, and its scratch is a vector.

#include <vector>

#include "autograd/node.h"

namespace pf {

struct Tape {
  struct Entry {
    const Node* node;
    uint64_t number;      // beside the pointer, so that sorting stays in one array
    int32_t first_input;  // where its inputs begin in input_slots
    bool is_target = false;
    bool reaches = false;  // whether it is a target or depends on one
  };
  std::vector<Entry> entries;
  std::vector<int32_t> input_slots;   // of all entries, one after the other; -1: a constant or outside
  std::vector<int32_t> target_slots;  // of the targets; -1: the result does not depend on it

  /// Nodes older than every target are left out, and with `stop_at_targets` all that a target depends on. Without
  /// targets: everything.
  Tape(const Node* result, std::span<const Variable> targets, bool stop_at_targets);

  size_t size() const { return entries.size(); }
  std::span<const int32_t> inputs_of(size_t slot) const {
    const size_t first = size_t(entries[slot].first_input);
    const size_t last = slot + 1 < size() ? size_t(entries[slot + 1].first_input) : input_slots.size();
    return std::span(input_slots).subspan(first, last - first);
  }
};

/// What a piece of code took from outside: the variables that nodes with this number or a larger one, below `result`,
/// have as inputs and that are older. Each node once, in order of first meeting; values may be left out.
std::vector<Variable> captured_since(uint64_t first_number, const Node* result);

}  // namespace pf
