#pragma once
// Data parallel training: several processes hold the same model, each takes its share of a step's rows, and the gradients are
// averaged before they are used, so that the step is that of one process with all the rows.
//
//   Communicator& group = world();                      // mpirun -n 2 program …
//   broadcast(group, fields);                           // all begin with the parameters of rank 0
//   Batches batches(x, context, 64, rng, {group.rank(), group.size()});
//   auto [loss, gradients] = value_and_grad(parameters, …);
//   average(group, gradients, loss);

#include "nn/communicator.h"
#include "nn/gradients.h"

namespace pf {

/// How this process was started, by what mpirun leaves in its environment. The local rank counts on one machine.
struct Launch {
  int rank = 0, size = 1, local_rank = 0;
};
Launch launch();

/// All processes that were started together. Where there are several, loads MPI at the first call; throws UsageError where this
/// build has none, because then each would take itself for the only one.
Communicator& world();
/// This process by itself.
Communicator& alone();
/// Ends the other processes, too, if world() has connected them.
void end_world(int code);

/// What sums the gradients that are on this device: "MPI", "NCCL" …
std::string engine_of(Communicator& group, Device device);

/// Loss and gradients become their means over the processes: one message for each element type.
void average(Communicator& group, Gradients& gradients, Tensor& loss);
/// The fields become those of rank 0.
void broadcast(Communicator& group, std::span<const Field> fields);
/// Throws, on each process that is concerned, unless the fields have the same bits as those of rank 0.
void check_agreement(Communicator& group, std::span<const Field> fields);
/// The lowest rank on which `here` is true; the size of the group where it is true on none.
int first_where(Communicator& group, bool here);
/// The text of process `from`, for all.
std::string text_of(Communicator& group, const std::string& text, int from);

/// What moves without a gradient, as averages over batches do, would move apart: buffers that a step has replaced, or written
/// anew in their memory, become those of rank 0, and keep their memory in the second case.
class SharedBuffers {
 public:
  SharedBuffers(Communicator& group, std::span<const Field> fields);
  /// After each step.
  void share();

 private:
  Communicator& group_;
  std::vector<Field> buffers_;
  std::vector<Tensor> known_;  // as they are everywhere; while they are held here, their memory is given to nobody else
};

}  // namespace pf
