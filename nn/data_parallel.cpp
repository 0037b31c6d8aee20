#include "nn/data_parallel.h"

#include <algorithm>
#include <cstring>

#include "tensor/capture.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/join.h"
#include "tensor/shared_library.h"

namespace pf {
namespace {

int number_in_environment(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names)
    if (const char* text = std::getenv(name)) return std::atoi(text);
  return otherwise;
}

Communicator* connected = nullptr;  // by world()

Communicator& connect() {
  const int size = launch().size;
  if (size <= 1) return alone();
  const SharedLibrary mpi = open_shared_library("pushforward_mpi", "PF_MPI_LIBRARY", true);
  if (!mpi.handle)
    throw UsageError(join("mpirun started ", size, " processes, but this build knows no MPI",
                          std::getenv("PF_MPI_LIBRARY") ? join(" (", mpi.why_not, ")") : "",
                          ", so each would do all the work; build with PF_MPI=ON ./run build, or start one"));
  const auto make = mpi.find<Communicator*()>("pf_mpi_communicator");
  check(make, mpi.path.string(), " is not a library of pushforward");
  connected = make();
  check(connected->size() == size, "mpirun started ", size, " processes, but ", mpi.path.string(), " sees ",
        connected->size(), ": it was built for another MPI than this mpirun's");
  return *connected;
}

/// Of the GPUs of these processes; null where there is no NCCL.
DeviceCommunicator* device_communicator(Communicator& group) {
  static DeviceCommunicator* const made = [&]() -> DeviceCommunicator* {
    const auto make =
        cuda::companion("pushforward_nccl").find<DeviceCommunicator*(Communicator*)>("pf_nccl_communicator");
    if (first_where(group, !make) < group.size()) return nullptr;
    return make(&group);
  }();
  return made;
}

template <class T> Tensor summed(Communicator& group, Tensor x) {
  const int64_t n = x.numel();
  const Device device = x.device();
  if (device.is_cuda()) {
    if (DeviceCommunicator* gpus = device_communicator(group)) {
      gpus->sum(static_cast<T*>(x.mutable_raw()), n);
      return x;
    }
    x = to_device(x, Device::cpu());
  }
  group.sum(x.mutable_data<T>(), n);
  return to_device(x, device);
}

Tensor broadcast_tensor(Communicator& group, const Tensor& x) {
  Tensor bytes = copy(to_device(x, Device::cpu()));
  group.broadcast(bytes.mutable_raw(), bytes.numel() * int64_t(size_of(bytes.dtype())), 0);
  return to_device(bytes, x.device());
}

}  // namespace

Launch launch() {
  return {.rank = number_in_environment({"OMPI_COMM_WORLD_RANK", "PMI_RANK"}, 0),
          .size = number_in_environment({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1),
          .local_rank = number_in_environment({"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"}, 0)};
}

Communicator& world() {
  static Communicator& all = connect();
  return all;
}

Communicator& alone() {
  static Communicator one;
  return one;
}

void end_world(int code) {
  if (connected) connected->abort(code);
}

std::string engine_of(Communicator& group, Device device) {
  if (!device.is_cuda()) return "MPI";
  return device_communicator(group) ? "NCCL" : "MPI through the memory of the host, as there is no NCCL";
}

void average(Communicator& group, Gradients& gradients, Tensor& loss) {
  if (group.size() == 1) return;
  std::vector<Tensor*> all;
  for (Tensor& gradient : gradients.list) all.push_back(&gradient);
  all.push_back(&loss);
  for (DType dtype : {float32, float64}) {
    std::vector<Tensor> parts;
    for (const Tensor* x : all)
      if (x->dtype() == dtype) parts.push_back(reshape(contiguous(*x), {x->numel()}));
    if (parts.empty()) continue;
    Tensor flat = concat(parts, 0);
    parts.clear();
    if (!flat.donatable()) flat = copy(flat);
    flat = dtype == float32 ? summed<float>(group, std::move(flat)) : summed<double>(group, std::move(flat));
    flat = flat * (1.0 / group.size());
    int64_t at = 0;
    for (Tensor* x : all) {
      if (x->dtype() != dtype) continue;
      const int64_t n = x->numel();
      *x = reshape(slice(flat, 0, at, at + n), x->shape());
      at += n;
    }
  }
}

void broadcast(Communicator& group, std::span<const Field> fields) {
  if (group.size() == 1) return;
  for (const Field& field : fields) {
    const Tensor x = broadcast_tensor(group, field.value());
    if (field.parameter) *field.parameter = Variable(x);
    else *field.buffer = x;
  }
}

void check_agreement(Communicator& group, std::span<const Field> fields) {
  if (group.size() == 1) return;
  for (const Field& field : fields) {
    const Tensor own = contiguous(to_device(field.value(), Device::cpu())), first = broadcast_tensor(group, own);
    check(!std::memcmp(own.raw(), first.raw(), size_t(own.numel()) * size_of(own.dtype())), "data parallel: `",
          field.path, "` of rank ", group.rank(),
          " is no longer that of rank 0; do all machines run the same build on processors of one kind?");
  }
}

int first_where(Communicator& group, bool here) {
  std::vector<double> where(size_t(group.size()));
  where[size_t(group.rank())] = here;
  group.sum(where.data(), group.size());
  return int(std::find(where.begin(), where.end(), 1.0) - where.begin());
}

std::string text_of(Communicator& group, const std::string& text, int from) {
  auto n = int64_t(text.size());
  group.broadcast(&n, sizeof n, from);
  std::string out = text;
  out.resize(size_t(n));
  group.broadcast(out.data(), n, from);
  return out;
}

SharedBuffers::SharedBuffers(Communicator& group, std::span<const Field> fields) : group_(group) {
  if (group.size() == 1) return;
  for (const Field& field : fields)
    if (field.buffer) {
      buffers_.push_back(field);
      known_.push_back(*field.buffer);
    }
}

void SharedBuffers::share() {
  if (buffers_.empty()) return;
  std::vector<double> changed(buffers_.size());  // on any process: all must agree on what is sent
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Tensor& now = *buffers_[i].buffer;
    changed[i] = now.raw() != known_[i].raw() || rewritten(now);
  }
  group_.sum(changed.data(), int64_t(changed.size()));
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (changed[i] == 0) continue;
    Tensor& now = *buffers_[i].buffer;
    const Tensor first = broadcast_tensor(group_, now);
    if (rewritten(now)) overwrite(now, first);  // a recorded step reads it there
    else now = first;
    known_[i] = now;
  }
}

}  // namespace pf
