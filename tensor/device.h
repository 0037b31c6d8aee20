#pragma once
// Device: where a tensor's elements live.

#include <cstdint>
#include <string>

namespace pf {

struct Device {
  enum class Kind : uint8_t { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;

  static constexpr Device cpu() { return {}; }
  static constexpr Device cuda(int index = 0) { return {Kind::cuda, index}; }
  bool is_cuda() const { return kind == Kind::cuda; }
  bool operator==(const Device&) const = default;
};

/// Where tensors are made that come from no other tensor (zeros, from_span, random numbers, …), on this thread: the CPU,
/// unless a UseDevice is alive.
Device default_device();

/// Makes a device the default one as long as it lives. Throws, with the reason, if the device cannot be used.
class UseDevice {
 public:
  explicit UseDevice(Device device);
  ~UseDevice();
  UseDevice(const UseDevice&) = delete;

 private:
  Device before_;
};

/// "cpu", "cuda" or "cuda:1".
Device parse_device(const std::string& text);

inline std::string to_string(Device device) {
  return device.kind == Device::Kind::cpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

}  // namespace pf
