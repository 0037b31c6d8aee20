#include "tensor/npy.h"

#include <cmath>

#include "tensor/files.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
  std::string out = "\x93NUMPY";
  out += char(version);
  out += '\0';
  const auto length = uint32_t(dictionary.size());
  out.append(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
  return out + dictionary + data;
}

template <class T> std::string bytes_of(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

class Npy : public ::testing::Test {
 protected:
  Tensor read(const std::string& bytes) {
    write_bytes(path, bytes);
    return read_npy(path);
  }
  std::string error(const std::string& bytes) {
    return error_of([&] { read(bytes); });
  }
  TemporaryFolder folder;
  std::string path = folder / "x.npy";
};

TEST_F(Npy, RoundTripsEveryTypeAndShape) {
  for (DType dtype : {float32, float64, int64, boolean})
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{0}, Shape{3, 0, 2}, Shape{3, 4}, Shape{2, 3, 1, 2}}) {
      std::vector<double> values;
      for (int64_t i = 0; i < shape.numel(); ++i)
        values.push_back(dtype == boolean ? double(i % 3 == 0) : double(i) - 2);
      const Tensor x = tensor(values, shape, dtype);
      write_npy(path, x);
      EXPECT_EQ(read_file(path).find('\n') % 64, 63u);  // the elements begin at a multiple of 64 bytes
      const Tensor y = read_npy(path);
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(y.shape(), shape);
      EXPECT_EQ(cast(y, float64).to_vector<double>(), values);
    }
}

TEST_F(Npy, WritesViewsInRowMajorOrder) {
  const Tensor x = tensor({0, 1, 2, 3, 4, 5}, {2, 3});
  write_npy(path, x.view(x.layout().transpose(0, 1)));
  EXPECT_EQ(read_npy(path).to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(contains(read_file(path), "'shape': (3, 2)"));
}

TEST_F(Npy, ReadsBothMemoryOrdersAndAllVersions) {
  const std::string data = bytes_of<double>({0, 1, 2, 3, 4, 5});
  for (int version : {1, 2, 3}) {
    EXPECT_EQ(
        read(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", data, version)).to_vector<double>(),
        (std::vector<double>{0, 2, 4, 1, 3, 5}));
    EXPECT_EQ(read(npy("{\"shape\":(6,),\"descr\":'<f8',\"fortran_order\":False}", data, version)).to_vector<double>(),
              (std::vector<double>{0, 1, 2, 3, 4, 5}));
  }
}

TEST_F(Npy, ReadsSmallIntegersAndBigEndianNumbers) {
  const auto header = [](const std::string& descr, int n) {
    return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + std::to_string(n) + ",), }";
  };
  using Integers = std::vector<int64_t>;
  EXPECT_EQ(read(npy(header("|u1", 2), bytes_of<uint8_t>({0, 255}))).to_vector<int64_t>(), (Integers{0, 255}));
  EXPECT_EQ(read(npy(header("|i1", 2), bytes_of<int8_t>({-128, 127}))).to_vector<int64_t>(), (Integers{-128, 127}));
  EXPECT_EQ(read(npy(header("<u2", 1), bytes_of<uint16_t>({65535}))).to_vector<int64_t>(), (Integers{65535}));
  EXPECT_EQ(read(npy(header("<i2", 1), bytes_of<int16_t>({-2}))).to_vector<int64_t>(), (Integers{-2}));
  EXPECT_EQ(read(npy(header("<u4", 1), bytes_of<uint32_t>({4294967295u}))).to_vector<int64_t>(),
            (Integers{4294967295}));
  EXPECT_EQ(read(npy(header("<i4", 1), bytes_of<int32_t>({-7}))).to_vector<int64_t>(), (Integers{-7}));
  EXPECT_EQ(read(npy(header(">i4", 1), bytes_of<uint8_t>({0, 0, 1, 2}))).to_vector<int64_t>(), (Integers{258}));
  EXPECT_EQ(read(npy(header(">i8", 1), bytes_of<uint8_t>({0, 0, 0, 0, 0, 0, 0, 9}))).to_vector<int64_t>(),
            (Integers{9}));
  EXPECT_EQ(read(npy(header(">f4", 1), bytes_of<uint8_t>({0x3f, 0x80, 0, 0}))).to_vector<float>(),
            (std::vector<float>{1}));
  // A byte that is neither 0 nor 1 is true, not undefined behaviour.
  EXPECT_EQ(cast(read(npy(header("|b1", 2), bytes_of<uint8_t>({2, 0}))), int64).to_vector<int64_t>(), (Integers{1, 0}));
  std::vector<uint16_t> many(200'000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = uint16_t(i);
  const auto x = read(npy(header("<u2", 200'000), std::string(reinterpret_cast<char*>(many.data()), 400'000)));
  for (size_t i = 0; i < many.size(); ++i) ASSERT_EQ(x.data<int64_t>()[i], many[i]);
}

TEST_F(Npy, ErrorsSayWhatIsWrong) {
  const std::string data(32, '\0');
  const auto typed = [&](const std::string& descr) {
    return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (4,), }", data);
  };
  EXPECT_EQ(error("hello, this is text"), path + ": is not an NPY file: it does not begin with \\x93NUMPY");
  EXPECT_EQ(error(""), path + ": is not an NPY file: it has 0 bytes, fewer than the shortest header");
  EXPECT_EQ(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }", data)),
            path + ": is truncated: an array [5] of '<f8' wants 40 bytes, the file has 32");
  EXPECT_TRUE(contains(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", data)),
                       "has 8 bytes after the array [3]"));
  EXPECT_EQ(error(typed("'<f16'")), path + ": dtype '<f16' is not supported: save it with .astype('float32')");
  EXPECT_EQ(error(typed("'<u8'")), path + ": dtype '<u8' is not supported: save it with .astype('int64')");
  EXPECT_EQ(error(typed("'|O'")), path + ": dtype '|O' is not supported: Python objects are never read: save numbers");
  EXPECT_TRUE(contains(error(typed("'<U3'")), "text is not read"));
  EXPECT_TRUE(contains(error(typed("'<c8'")), "real and the imaginary part"));
  EXPECT_TRUE(contains(error(typed("[('a', '<f4'), ('b', '<i4')]")), "holds records (a structured dtype)"));
  EXPECT_TRUE(contains(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", data)),
                       "at most 8"));
  EXPECT_TRUE(contains(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-4,), }", data)), "not a number"));
  EXPECT_TRUE(contains(error(npy("{'descr': '<f8', 'shape': (4,), }", data)), "is missing"));
  EXPECT_TRUE(
      contains(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", data, 9)), "NPY version 9"));
}

TEST_F(Npy, NeverTrustsASize) {
  for (const char* shape :
       {"(9223372036854775807,)", "(99999999999999999999999,)", "(0, 4611686018427387904, 4611686018427387904)",
        "(4294967296, 4294967296)", "(1000000000000,)", "(3037000500, 3037000500)"})
    EXPECT_FALSE(
        error(npy(std::string("{'descr': '<f8', 'fortran_order': False, 'shape': ") + shape + ", }", "abc")).empty())
        << shape;
}

TEST_F(Npy, SurvivesDamage) {
  for (const Tensor& x : {tensor({1, 2, 3}, float32), tensor({1, 0, 1, 1, 0, 1}, {2, 3}, boolean)}) {
    write_npy(path, x);
    testing::expect_survives_damage(path, read_file(path), [](const std::string& p) { read_npy(p); });
  }
  const std::string fortran =
      npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }", std::string(8, '\1'), 2);
  testing::expect_survives_damage(path, fortran, [](const std::string& p) { read_npy(p); });
}

}  // namespace
}  // namespace pf
