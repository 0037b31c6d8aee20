// What the checker counts, against numbers that can be worked out by hand.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "selftest/emulator_fixture.h"
#include "selftest/kernels.h"

namespace pf::selftest {
namespace {

class Checker : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(emulator().has_checker());
    emulator().set_exit_on_fault(0);
    emulator().reset_traffic();
  }
  void TearDown() override { EXPECT_EQ(emulator().faults(), 0u) << emulator().last_report(); }

  static pf_emulator_traffic traffic_of(const char* kernel) {
    std::vector<pf_emulator_traffic> all(emulator().traffic(nullptr, 0));
    emulator().traffic(all.data(), all.size());
    for (const auto& traffic : all) {
      if (std::strstr(traffic.kernel, kernel)) return traffic;
    }
    ADD_FAILURE() << "no traffic of " << kernel;
    return {};
  }
  /// Units per request, by "shared write" and the like; one line of each kind.
  static std::map<std::string, double> units_per_request() {
    std::vector<pf_emulator_line> lines(emulator().lines(nullptr, 0));
    emulator().lines(lines.data(), lines.size());
    std::map<std::string, double> units;
    for (const auto& line : lines) {
      EXPECT_EQ(std::string(line.line).rfind("kernels.cu:", 0), 0u) << line.line;
      units[std::string(line.shared_memory ? "shared " : "global ") + (line.write ? "write" : "read")] =
          double(line.units) / double(line.requests);
    }
    return units;
  }
};

TEST_F(Checker, PacksMoveNoByteTooMuch) {
  DeviceArray<float> a(std::vector<float>(1024, 1.0f)), b(std::vector<float>(1024, 2.0f)), out(1024);
  ASSERT_EQ(add_packs(a.data(), b.data(), out.data(), 1024, nullptr), cudaSuccess);
  const auto traffic = traffic_of("add_packs");
  EXPECT_EQ(traffic.launches, 1u);
  EXPECT_EQ(traffic.bytes_read, 2u * 4096);
  EXPECT_EQ(traffic.bytes_written, 4096u);
  EXPECT_EQ(traffic.sectors_read, 2u * 128);
  EXPECT_EQ(traffic.sectors_written, 128u);
}

TEST_F(Checker, ATileMakesBothSidesOfATransposeCoalesced) {
  DeviceArray<float> x(std::vector<float>(64 * 64, 1.0f)), out(64 * 64);
  ASSERT_EQ(transpose(x.data(), out.data(), 64, 64, nullptr), cudaSuccess);
  auto units = units_per_request();
  EXPECT_EQ(units["global read"], 4);
  EXPECT_EQ(units["global write"], 4);
  EXPECT_EQ(units["shared read"], 1);
  EXPECT_EQ(units["shared write"], 1);
}

TEST_F(Checker, ColumnsOfAnUnpaddedTileAreInOneBank) {
  DeviceArray<float> x(std::vector<float>(64 * 64, 1.0f)), out(64 * 64);
  ASSERT_EQ(transpose_with_conflicts(x.data(), out.data(), 64, 64, nullptr), cudaSuccess);
  auto units = units_per_request();
  EXPECT_EQ(units["shared read"], 32);
  EXPECT_EQ(units["shared write"], 1);
}

TEST_F(Checker, WithoutATileEachElementIsASectorOfItsOwn) {
  DeviceArray<float> x(std::vector<float>(64 * 64, 1.0f)), out(64 * 64);
  ASSERT_EQ(transpose_without_tile(x.data(), out.data(), 64, 64, nullptr), cudaSuccess);
  auto units = units_per_request();
  EXPECT_EQ(units["global read"], 4);
  EXPECT_EQ(units["global write"], 32);
  const auto traffic = traffic_of("transpose_without_tile");
  EXPECT_EQ(traffic.sectors_written * 32, 8 * traffic.bytes_written);
}

TEST_F(Checker, LaunchesAddUp) {
  DeviceArray<float> x(std::vector<float>(100, 1.0f));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(scale(x.data(), 2, 100, nullptr), cudaSuccess);
  const auto traffic = traffic_of("scale");
  EXPECT_EQ(traffic.launches, 3u);
  EXPECT_EQ(traffic.bytes_read, 3u * 400);
  EXPECT_EQ(traffic.bytes_written, 3u * 400);
  EXPECT_EQ(traffic.sectors_read, 3u * 13);
}

}  // namespace
}  // namespace pf::selftest
