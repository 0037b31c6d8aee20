#include "nn/data/idx.h"

#include <zlib.h>

#include "nn/data/load.h"
#include "tensor/files.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string idx(int type, const std::vector<uint32_t>& sizes, const std::string& data) {
  std::string out = {0, 0, char(type), char(sizes.size())};
  for (uint32_t size : sizes)
    for (int shift : {24, 16, 8, 0}) out += char(size >> shift);
  return out + data;
}

std::string gzipped(const std::string& bytes) {
  TemporaryFolder folder;
  gzFile file = gzopen((folder / "x").c_str(), "wb9");
  gzwrite(file, bytes.data(), unsigned(bytes.size()));
  gzclose(file);
  return read_file(folder / "x");
}

class Idx : public ::testing::Test {
 protected:
  std::string error(const std::string& bytes, DType dtype = float32) {
    write_bytes(path, bytes);
    return error_of([&] { read_idx(path, dtype); });
  }
  /// A small set: images 2 × 3, the pixel is the image's number.
  void write_set(int train, int test, bool labels, bool gzip) {
    for (const auto& [part, n] : {std::pair<std::string, int>{"train", train}, {"t10k", test}}) {
      std::string pixels, classes;
      for (int i = 0; i < n; ++i) {
        pixels += std::string(6, char(i));
        classes += char(i % 10);
      }
      const std::string ending = gzip ? ".gz" : "", image_bytes = idx(8, {uint32_t(n), 2, 3}, pixels),
                        label_bytes = idx(8, {uint32_t(n)}, classes);
      write_bytes(folder / (part + "-images-idx3-ubyte" + ending), gzip ? gzipped(image_bytes) : image_bytes);
      if (labels)
        write_bytes(folder / (part + "-labels-idx1-ubyte" + ending), gzip ? gzipped(label_bytes) : label_bytes);
    }
  }
  TemporaryFolder folder;
  std::string path = folder / "x";
};

TEST_F(Idx, ReadsEveryTypePlainAndGzipped) {
  const std::vector<float> expected = {1, 2, -1};
  for (const auto& [type, data] : {std::pair<int, std::string>{0x09, {1, 2, -1}},
                                   {0x0B, {0, 1, 0, 2, -1, -1}},
                                   {0x0C, {0, 0, 0, 1, 0, 0, 0, 2, -1, -1, -1, -1}},
                                   {0x0D, {0x3f, -128, 0, 0, 0x40, 0, 0, 0, char(0xbf), -128, 0, 0}}})
    for (const std::string& bytes : {idx(type, {3}, data), gzipped(idx(type, {3}, data))}) {
      write_bytes(path, bytes);
      EXPECT_EQ(read_idx(path, float32).to_vector<float>(), expected) << type;
    }
  write_bytes(path, idx(0x08, {2, 2}, {0, 1, -1, 3}));
  EXPECT_EQ(read_idx(path, int64).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 255, 3}));
}

TEST_F(Idx, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(error("text, and not an array"),
            path + ": is not an IDX file: it does not begin with 0, 0 and a type code");
  EXPECT_EQ(error("ab"), path + ": is not an IDX file: it is shorter than the header");
  EXPECT_EQ(error(idx(8, {1000}, "abc")), path + ": is truncated or corrupt: an array [1000] does not fit in the file");
  EXPECT_EQ(error(idx(8, {17}, std::string(16, 'a'))),
            path + ": is truncated: an array [17] wants 17 bytes, the file has 16");
  EXPECT_EQ(error(gzipped(idx(8, {100}, "abc"))),
            path + ": is truncated: an array [100] wants 100 bytes, the unpacked file has 3");
  EXPECT_EQ(error(idx(8, {2}, "abc")), path + ": has bytes after the array [2]: corrupt");
  EXPECT_EQ(error(idx(8, {0, 3}, "")), path + ": an empty array [0]");
  EXPECT_EQ(error(idx(0x0D, {1}, "abcd"), int64), path + ": holds real numbers, expected integers");
  EXPECT_TRUE(contains(error(idx(8, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u}, "abc")), "does not fit in the file"));
  EXPECT_TRUE(contains(error(gzipped(idx(8, {60000, 60000}, "abc"))), "does not fit in the unpacked file"));
  std::string random;
  for (uint32_t i = 0; i < 3000; ++i) random += char(i * 2654435761u >> 23);
  const std::string packed = gzipped(idx(8, {3000}, random));
  EXPECT_EQ(error(packed.substr(0, packed.size() / 2)), path + ": is truncated: the gzip data ends in the middle");
  std::string changed = packed;
  changed[packed.size() - 6] ^= 1;  // in the checksum
  EXPECT_EQ(error(changed), path + ": the gzip data is corrupt: incorrect data check");
  EXPECT_TRUE(contains(error_of([&] { read_idx(folder / "no", float32); }), "cannot read: No such file"));
  EXPECT_TRUE(contains(error_of([&] { read_idx(folder.path(), float32); }), "is a folder"));
}

TEST_F(Idx, SurvivesDamage) {
  const auto read = [](const std::string& p) { read_idx(p, float32); };
  testing::expect_survives_damage(path, idx(8, {3, 4}, "abcdefghijkl"), read);
  testing::expect_survives_damage(path, gzipped(idx(8, {3, 4}, "abcdefghijkl")), read);
}

TEST_F(Idx, AFolderIsADataSet) {
  for (const bool gzip : {false, true}) {
    write_set(20, 5, true, gzip);
    const Dataset data = load_dataset("idx:" + folder.path().string());
    EXPECT_EQ(data.train.shape(), (Shape{20, 6}));
    EXPECT_EQ(data.test.shape(), (Shape{5, 6}));
    EXPECT_EQ(*data.image, (ImageShape{2, 3, 1}));
    EXPECT_EQ(data.levels, 256);
    EXPECT_EQ(data.train.at({19, 5}), 19);
    EXPECT_EQ(data.train_labels.at({19}), 9);
    EXPECT_EQ(data.test_labels.shape(), (Shape{5}));
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) std::filesystem::remove(entry);
  }
  write_set(3, 2, false, false);
  EXPECT_FALSE(load_dataset("idx:" + folder.path().string()).has_labels());
  write_bytes(folder / "t10k-images-idx3-ubyte", idx(8, {2, 3, 2}, std::string(12, 'a')));
  EXPECT_TRUE(
      contains(error_of([&] { load_idx_folder(folder.path()); }), "images of 3×2×1, but those to train on are 2×3×1"));
  std::filesystem::remove(folder / "t10k-images-idx3-ubyte");
  EXPECT_TRUE(contains(error_of([&] { load_idx_folder(folder.path()); }), "has no t10k-images-idx3-ubyte"));
  EXPECT_TRUE(contains(error_of([&] { load_dataset("idx:/no/such"); }), "/no/such: is not a folder"));
}

TEST(FashionMnist, IsReadFromItsPackage) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    EXPECT_TRUE(contains(error_of([] { load_dataset("fashion-mnist"); }), "apt-get install dataset-fashion-mnist"));
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  }
  const Dataset data = load_dataset("fashion-mnist");
  EXPECT_EQ(data.train.shape(), (Shape{60000, 784}));
  EXPECT_EQ(data.test.shape(), (Shape{10000, 784}));
  EXPECT_EQ(*data.image, (ImageShape{28, 28, 1}));
  EXPECT_EQ(data.class_names.size(), 10u);
  double sum = 0;
  for (const float *x = data.train.data<float>(), *end = x + data.train.numel(); x < end; ++x) sum += *x;
  EXPECT_NEAR(sum / double(data.train.numel()) / 255, 0.2860, 1e-4);
  std::vector<int> counts(10);
  for (int64_t label : data.train_labels.to_vector<int64_t>()) ++counts.at(size_t(label));
  EXPECT_EQ(counts, std::vector<int>(10, 6000));
}

}  // namespace
}  // namespace pf
