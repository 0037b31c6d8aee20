#pragma once
// Places in the code that access memory, numbered.

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace pf::emulator::checker {

class Sites {
 public:
  uint32_t number(uintptr_t code) {
    const size_t slot = (code >> 1) % recent_.size();
    if (recent_[slot].code == code) return recent_[slot].number;
    const auto [found, fresh] = numbers_.try_emplace(code, uint32_t(codes_.size()));
    if (fresh) codes_.push_back(code);
    recent_[slot] = {code, found->second};
    return found->second;
  }
  uintptr_t code(uint32_t number) const { return codes_[number]; }
  size_t size() const { return codes_.size(); }

 private:
  struct Recent {
    uintptr_t code = 0;
    uint32_t number = 0;
  };
  std::unordered_map<uintptr_t, uint32_t> numbers_;
  std::vector<uintptr_t> codes_;
  std::vector<Recent> recent_ = std::vector<Recent>(1024);
};
Sites& sites();

}  // namespace pf::emulator::checker
