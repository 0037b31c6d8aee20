#include "tensor/recording.h"

#include <algorithm>
#include <atomic>

#include "tensor/device_pass.h"
#include "tensor/random.h"

namespace pf {
namespace detail {

constinit thread_local Recording* watching = nullptr;
constinit thread_local Arena* kernel_arena = nullptr;

void note_read(const Tensor& x) { watching->note_read(x); }

// Arena ------------------------------------------------------------------------------------------------------------

Arena::~Arena() {
  for (const Block& block : blocks_) pf::release(block.data, block.bytes);
}

std::byte* Arena::allocate(size_t bytes) {
  bytes = std::max<size_t>((bytes + 63) / 64 * 64, 64);
  if (!open_) {
    check(next_ < script_.size() && bytes == script_[next_].bytes,
          "capture: a kernel asks for other memory than when it was recorded; it depends on something unseen");
    return script_[next_++].data;
  }
  // The smallest free block that is large enough, unless most of it would lie idle.
  size_t best = free_.size();
  for (size_t i = 0; i < free_.size(); ++i)
    if (free_[i].bytes >= bytes && free_[i].bytes <= 2 * bytes &&
        (best == free_.size() || free_[i].bytes < free_[best].bytes))
      best = i;
  std::byte* data = nullptr;
  if (best < free_.size()) {
    data = free_[best].data;
    free_[best] = free_.back();
    free_.pop_back();
  } else {
    data = static_cast<std::byte*>(pf::allocate(bytes));
    blocks_.push_back({data, bytes});
  }
  script_.push_back({data, bytes});
  ++next_;
  return data;
}

void Arena::release(std::byte* data) {
  if (!open_) return;
  const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.data == data; });
  if (found != blocks_.end()) free_.push_back(*found);
}

// Recording --------------------------------------------------------------------------------------------------------

Recording::Recording(std::span<const Tensor> given, std::span<Rng* const> generators, Device device)
    : device_(device), arena_(new Arena(device)) {
  arena_->retain();
  for (const Tensor& x : given)
    if (x.defined()) given_.push_back(x.storage().data());
  std::sort(given_.begin(), given_.end());
  for (Rng* rng : generators) generators_.push_back({rng, rng->state()});
  bases_.resize(2 * generators_.size());
  if (device.is_cuda() && !generators_.empty()) device_bases_ = Tensor::empty({int64_t(bases_.size())}, int64, device);
  tell_bases();
}

Recording::~Recording() {
  kernels_.clear();
  arena_->drop();
}

Recording::Running::Running(Recording& recording) : recording_(recording), before_(recording.arena_->handed_out()) {
  watching = nullptr;
  kernel_arena = recording.arena_;
}
Recording::Running::~Running() {
  watching = &recording_;
  kernel_arena = nullptr;
}
bool Recording::Running::worked() const { return recording_.arena_->handed_out() != before_; }

bool Recording::is_given(const Tensor& x) const {
  return std::binary_search(given_.begin(), given_.end(), x.storage().data());
}

Tensor Recording::hold(const Tensor& x) {
  if (!x.defined() || !(owns(x) || is_given(x))) return x;
  Tensor out(x.storage().borrowed(), x.layout(), x.dtype());
  return x.is_literal() ? Tensor::literal(std::move(out)) : out;
}
std::vector<Tensor> Recording::hold(const std::vector<Tensor>& list) {
  std::vector<Tensor> out;
  for (const Tensor& x : list) out.push_back(hold(x));
  return out;
}

void Recording::note_read(const Tensor& x) const {
  if (!x.defined() || !(owns(x) || is_given(x))) return;
  refuse(join("it reads ", x.dtype(), " ", x.shape(), ", which is computed in each run, on the host"));
}

Recording::Draw Recording::draw(const Rng& generator, uint64_t counters, Device device) {
  if (!(device == device_)) refuse("it draws random numbers on another device than it computes on");
  for (size_t i = 0; i < generators_.size(); ++i) {
    if (generators_[i].generator != &generator) continue;
    const uint64_t offset = generators_[i].used;
    generators_[i].used += counters;
    const uint64_t* base =
        device.is_cuda() ? static_cast<const uint64_t*>(device_bases_.raw()) + 2 * i : bases_.data() + 2 * i;
    return {base, offset};
  }
  refuse("it draws from a generator of random numbers that the capture was not told of");
}

void Recording::tell_bases() {
  for (size_t i = 0; i < generators_.size(); ++i) {
    const Rng::State& state = generators_[i].generator->state();
    bases_[2 * i] = state.position;
    bases_[2 * i + 1] = state.stream;
  }
  if (device_bases_.defined())
    backend_of(device_).upload(const_cast<void*>(device_bases_.raw()), bases_.data(), bases_.size() * sizeof(uint64_t));
}

bool Recording::same_seeds() const {
  return std::all_of(generators_.begin(), generators_.end(),
                     [](const Generator& g) { return g.generator->state().seed == g.start.seed; });
}

void Recording::advance_generators() {
  tell_bases();
  for (const Generator& g : generators_) g.generator->skip(g.used);
}

void Recording::restore_generators() {
  for (const Generator& g : generators_) *g.generator = Rng(g.start);
}

void Recording::replay() {
  struct Scope {
    explicit Scope(Arena* arena) {
      arena->rewind();
      kernel_arena = arena;
    }
    ~Scope() { kernel_arena = nullptr; }
  };
  const Scope scope(arena_);
  for (const auto& kernel : kernels_) kernel();
}

}  // namespace detail

// Storage of a recording ------------------------------------------------------------------------------------------

Storage Storage::borrowed() const {
  Storage out;
  out.block_ = new (pf::allocate(header_bytes)) Block{1, block_->bytes, block_->elements, block_->device};
  out.block_->borrowed = true;
  return out;
}

Storage Storage::allocate_recorded(size_t bytes, Device device) {
  detail::Arena* arena = std::exchange(detail::kernel_arena, nullptr);
  struct Back {
    detail::Arena* arena;
    ~Back() { detail::kernel_arena = arena; }
  } back{arena};
  // Numbers that a kernel on a GPU is given stay with the processor.
  if (!(device == arena->device())) return allocate(bytes, device);
  std::byte* elements = nullptr;
  if (device.is_cuda()) {
    elements = allocate_on_device(bytes, device);
    arena->count();
  } else {
    elements = arena->allocate(bytes);
  }
  Storage out;
  out.block_ = new (pf::allocate(header_bytes)) Block{1, bytes, elements, device};
  out.block_->arena = arena;
  arena->retain();
  return out;
}

void Storage::drop_recorded() noexcept {
  if (detail::Arena* arena = block_->arena) {
    if (block_->device.is_cuda()) release_from_device(block_->elements, block_->bytes, block_->device);
    else arena->release(block_->elements);
    arena->drop();
  }
  release(block_, header_bytes);
}

}  // namespace pf
