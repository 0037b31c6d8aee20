#include "tensor/safetensors.h"

#include "tensor/files.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

class Safetensors : public ::testing::Test {
 protected:
  std::string error(const std::string& header, const std::string& data) {
    write_bytes(path, file_of(header, data));
    return error_of([&] { read_safetensors(path); });
  }
  TemporaryFolder folder;
  std::string path = folder / "x.safetensors";
};

NamedTensors example() {
  NamedTensors out;
  out.add("decoder.0.weight", tensor({1, 2, 3, 4, 5, 6}, {2, 3}));
  out.add("mask", tensor({1, 0, 1}, boolean));
  out.add("a", tensor({0.1, -0.2}, float64));
  out.add("step", tensor({7}, Shape{}, int64));
  out.add("nothing", zeros({0, 3}));
  out.metadata = {{"family", "flow"}, {"quote\"d", "ü\n"}};
  return out;
}

TEST_F(Safetensors, RoundTripKeepsNamesOrderTypesAndBits) {
  const NamedTensors before = example();
  write_safetensors(path, before);
  const NamedTensors after = read_safetensors(path);
  EXPECT_EQ(after.metadata, before.metadata);
  ASSERT_EQ(after.tensors.size(), before.tensors.size());
  for (size_t i = 0; i < before.tensors.size(); ++i) {
    const auto& [name, x] = before.tensors[i];
    const auto& [other, y] = after.tensors[i];
    EXPECT_EQ(other, name);
    EXPECT_EQ(y.dtype(), x.dtype());
    EXPECT_EQ(y.shape(), x.shape());
    EXPECT_EQ(cast(y, float64).to_vector<double>(), cast(x, float64).to_vector<double>());
  }
  EXPECT_EQ(after.at("step").item(), 7);
  EXPECT_EQ(after.find("no"), nullptr);
  EXPECT_EQ(error_of([&] { after.at("maks"); }),
            "no tensor is called 'maks' among the 5 there are; did you mean 'mask'?");
  write_safetensors(path, {});
  EXPECT_TRUE(read_safetensors(path).tensors.empty());
}

TEST_F(Safetensors, RefusesWhatItCannotWrite) {
  NamedTensors twice = example();
  twice.add("a", zeros({1}));
  EXPECT_EQ(error_of([&] { write_safetensors(path, twice); }), path + ": two tensors are called 'a'");
  NamedTensors invalid;
  invalid.add("\xff", zeros({1}));
  EXPECT_TRUE(contains(error_of([&] { write_safetensors(path, invalid); }), "not valid UTF-8"));
  EXPECT_EQ(folder.files(), 0);
}

TEST_F(Safetensors, ErrorsSayWhatIsWrong) {
  const std::string four(4, '\0'), eight(8, '\0');
  EXPECT_EQ(error(R"({"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,4]}})", four),
            path + ": the tensor 'w' is F8_E4M3: F32, F64, F16, BF16, I64 and BOOL are read; convert it to F32 first");
  EXPECT_EQ(error(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", four),
            path + ": is truncated: 'w' ends at 8, but only 4 bytes follow the header");
  EXPECT_EQ(error(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight),
            path + ": has 4 bytes after its last tensor: corrupt, or not written whole");
  EXPECT_TRUE(contains(error(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", eight),
                       "'w' [1] of float32 takes 4 bytes, but its data_offsets are 0 to 8"));
  EXPECT_TRUE(contains(
      error(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
          eight),
      "'b' begins at 2, but the tensor before it ends at 4"));
  EXPECT_TRUE(contains(error(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight), "begins at 4"));
  EXPECT_TRUE(
      contains(error(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four), "not a list of sizes"));
  EXPECT_TRUE(
      contains(error(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", four), "not a list of sizes"));
  EXPECT_TRUE(contains(error(R"({"a":{"dtype":"F32","shape":[1]}})", four), "lacks dtype, shape or data_offsets"));
  EXPECT_TRUE(contains(
      error(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
          eight),
      "the name 'a' appears twice"));
  EXPECT_TRUE(contains(error(R"({"__metadata__":{"x":1}})", ""), "the metadata 'x' is not a string"));
  EXPECT_TRUE(contains(error(R"([1,2])", ""), "not a JSON object"));
  EXPECT_TRUE(contains(error(R"({"a":)", four), "not valid JSON"));
  EXPECT_TRUE(contains(error(std::string(5000, '['), four), "nested too deeply"));
  write_bytes(path, "a text file, not tensors");
  EXPECT_TRUE(contains(error_of([&] { read_safetensors(path); }), "is truncated, or not a safetensors file"));
}

TEST_F(Safetensors, NeverTrustsASize) {
  for (const char* shape :
       {"[18446744073709551615]", "[4294967296,4294967296]", "[0,9223372036854775807,9223372036854775807]",
        "[4611686018427387904]", "[1e30]", "[1000000000000]"})
    for (const char* offsets : {"[0,4]", "[0,18446744073709551615]", "[0,0]", "[4,0]", "[0,4000000000000]"})
      EXPECT_FALSE(
          error(std::string(R"({"a":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":)" + offsets + "}}", "abcd")
              .empty());
}

TEST_F(Safetensors, SurvivesDamage) {
  write_safetensors(path, example());
  testing::expect_survives_damage(path, read_file(path), [](const std::string& p) { read_safetensors(p); });
}

}  // namespace
}  // namespace pf
