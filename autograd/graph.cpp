#include "autograd/graph.h"

#include "autograd/tape.h"

namespace pf {
namespace {

/// For a string in quotes; line ends stay line ends.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

}  // namespace

std::string to_dot(const Variable& y) {
  const Tape tape(y.node(), {}, false);
  std::string out = "digraph {\n  rankdir=BT;\n  node [fontname=\"sans-serif\", shape=ellipse];\n";
  for (const Tape::Entry& entry : tape.entries) {
    const Node* node = entry.node;
    const bool leaf = node->inputs().empty();
    const std::string name = leaf && !node->label().empty() ? node->label() : node->name();
    out += join("  n", node->number(), " [label=\"", escaped(name), "\\n", node->output().shape(), "\"",
                leaf ? ", shape=box" : "", "];\n");
    for (const Variable& x : node->inputs())
      if (x.node()) out += join("  n", x.node()->number(), " -> n", node->number(), ";\n");
  }
  return out + "}\n";
}

}  // namespace pf
