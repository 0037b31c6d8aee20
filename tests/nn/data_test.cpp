#include <cmath>
#include <set>

#include "nn/data/batches.h"
#include "nn/data/csv.h"
#include "nn/data/idx.h"
#include "nn/data/load.h"
#include "tensor/files.h"
#include "tensor/npy.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using testing::write_bytes;

// Synthetic sets by name ----------------------------------------------------------------------------------------

TEST(Load, SyntheticSetsComeFromTheSeed) {
  LoadOptions options;
  options.train_rows = 500;
  options.test_rows = 200;
  const Dataset a = load_dataset("moons", options), b = load_dataset("moons", options);
  EXPECT_EQ(a.name, "moons");
  EXPECT_EQ(a.train.shape(), (Shape{500, 2}));
  EXPECT_EQ(a.test.shape(), (Shape{200, 2}));
  EXPECT_EQ(a.dim(), 2);
  EXPECT_TRUE(a.has_labels());
  EXPECT_EQ(a.levels, 0);
  ASSERT_TRUE(a.entropy);
  EXPECT_NEAR(*a.entropy, 2.3939, 1e-4);
  EXPECT_EQ(a.train.to_vector<float>(), b.train.to_vector<float>());
  options.seed = 1;
  EXPECT_NE(load_dataset("moons", options).train.to_vector<float>(), a.train.to_vector<float>());
  // The test points do not move with the number of training points, and are others.
  options.seed = 0;
  options.train_rows = 200;
  const Dataset c = load_dataset("moons", options);
  EXPECT_EQ(c.test.to_vector<float>(), a.test.to_vector<float>());
  EXPECT_NE(c.train.to_vector<float>(), a.test.to_vector<float>());
  EXPECT_EQ(load_dataset("rings").train.size(0), synthetic_train_rows);
}

TEST(Load, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_EQ(error_of([] { load_dataset("checkersboard"); }),
            "unknown data set 'checkersboard'; did you mean 'checkerboard'?");
  EXPECT_EQ(error_of([] { load_dataset("fashion_mnist"); }),
            "unknown data set 'fashion_mnist'; did you mean 'fashion-mnist'?");
  EXPECT_TRUE(contains(error_of([] { load_dataset("zzz"); }), "expected one of 8gaussians moons"));
  EXPECT_EQ(error_of([] { load_dataset("npy:"); }), "data set 'npy:': give the file after the colon");
  EXPECT_THROW(load_dataset("zzz"), UsageError);
  TemporaryFolder folder;
  write_bytes(folder / "a.csv", "1,2\n");
  EXPECT_EQ(error_of([&] { load_dataset(folder / "a.csv"); }),
            "unknown data set '" + (folder / "a.csv") + "'; did you mean csv:" + (folder / "a.csv") + "?");
  EXPECT_EQ(error_of([&] { load_dataset("npy:" + (folder / "no.npy")); }),
            (folder / "no.npy") + ": cannot read: No such file or directory");
}

// CSV -----------------------------------------------------------------------------------------------------------

class Csv : public ::testing::Test {
 protected:
  Table read(const std::string& text) {
    write_bytes(path, text);
    return read_csv(path);
  }
  std::string error(const std::string& text) {
    return error_of([&] { read(text); });
  }
  TemporaryFolder folder;
  std::string path = folder / "data.csv";
};

TEST_F(Csv, ReadsWhatPeopleWrite) {
  const std::vector<float> expected = {1, -2.5, 300, 4};
  for (const char* text : {"1,-2.5\n300,4\n", "1,-2.5\n300,4", "1;-2.5\r\n3e2;4\r\n", "1\t-2.5\n+300\t4\n\n\n",
                           " 1 , -2.5 \n300, 4.0\n", "\"1\",\"-2.5\"\n\"300\",4\n",
                           "\xEF\xBB\xBF"
                           "1,-2.5\n300,4\n",
                           "a,b\n1,-2.5\n300,4\n", ",b\n1,-2.5\n300,4\n"}) {
    const Table table = read(text);
    EXPECT_EQ(table.values.shape(), (Shape{2, 2})) << text;
    EXPECT_EQ(table.values.to_vector<float>(), expected) << text;
  }
  EXPECT_EQ(read("\"wei;ght\"; height \n1;2\n").columns, (std::vector<std::string>{"wei;ght", "height"}));
  EXPECT_TRUE(read("1,2\n3,4\n").columns.empty());
  EXPECT_EQ(read("x\n1\n2\n3").values.shape(), (Shape{3, 1}));
  EXPECT_EQ(read("1e-320\n1e-50\n0").values.shape(), (Shape{3, 1}));
}

TEST_F(Csv, ErrorsNameRowColumnAndText) {
  EXPECT_EQ(error("a,b\n1,2\n3,x y\n"), path + ": row 3, column 2 (b): 'x y' is not a number");
  EXPECT_EQ(error("1,2\n3,\n"), path + ": row 2, column 2: is empty");
  EXPECT_EQ(error("1,2\n3,nan\n"), path + ": row 2, column 2: 'nan' is not finite: remove the row or fill the gap");
  EXPECT_EQ(error("nan,nan\n3,4\n"), path + ": row 1, column 1: 'nan' is not finite: remove the row or fill the gap");
  EXPECT_EQ(error("1,2\n-inf,4\n"), path + ": row 2, column 1: '-inf' is not finite: remove the row or fill the gap");
  EXPECT_EQ(error("1,2\n1e300,4\n"), path + ": row 2, column 1: '1e300' is beyond the range of float32");
  EXPECT_EQ(error("1,2\n1e3000,4\n"), path + ": row 2, column 1: '1e3000' is beyond the range of float32");
  EXPECT_EQ(error("1,2\n3,4,5\n"), path + ": row 2 has 3 fields, expected 2 as in row 1");
  EXPECT_EQ(error("1,2\n\n3,4\n"), path + ": row 2 has 1 field, expected 2 as in row 1");
  EXPECT_EQ(error("1;2\n1,5;2\n"), path + ": row 2, column 1: '1,5' is not a number; write decimals with a point");
  EXPECT_EQ(error("1,2x\n3,4\n"), path + ": row 1, column 2: '2x' is not a number");
  EXPECT_EQ(error("1,2\n0x10,4\n"), path + ": row 2, column 1: '0x10' is not a number");
  EXPECT_EQ(error("1,\"2\n3,4\n"), path + ": row 1: a quotation mark is not closed");
  EXPECT_EQ(error(""), path + ": is empty");
  EXPECT_EQ(error("\n\n"), path + ": is empty");
  EXPECT_EQ(error("a,b\n"), path + ": has a header but no rows");
  EXPECT_EQ(error(std::string("1\0,2\n", 5)), path + ": is not a text file in UTF-8: it has zero bytes");
}

TEST_F(Csv, SurvivesDamage) {
  testing::expect_survives_damage(
      path, "a,\"b\"\r\n1.5,-2e3\n3,4\n", [](const std::string& p) { read_csv(p); }, true);
}

TEST_F(Csv, IsDividedIntoTrainingAndTestRows) {
  std::string text = "first,second\n";
  for (int i = 0; i < 95; ++i) text += std::to_string(i) + "," + std::to_string(-i) + "\n";
  write_bytes(path, text);
  const Dataset data = load_dataset("csv:" + path);
  EXPECT_EQ(data.name, "csv:" + path);
  EXPECT_EQ(data.train.shape(), (Shape{85, 2}));
  EXPECT_EQ(data.test.shape(), (Shape{10, 2}));
  EXPECT_EQ(data.columns, (std::vector<std::string>{"first", "second"}));
  EXPECT_FALSE(data.has_labels());
  EXPECT_FALSE(data.image);
  std::set<float> seen;
  for (const Tensor& part : {data.train, data.test})
    for (int64_t i = 0; i < part.size(0); ++i) {
      EXPECT_EQ(part.at({i, 0}), -part.at({i, 1}));
      seen.insert(float(part.at({i, 0})));
    }
  EXPECT_EQ(seen.size(), 95u);
  EXPECT_EQ(load_dataset("csv:" + path).train.to_vector<float>(), data.train.to_vector<float>());
  LoadOptions options;
  options.seed = 1;
  options.train_rows = 7;
  EXPECT_EQ(load_dataset("csv:" + path, options).train.shape(), (Shape{7, 2}));
  write_bytes(path, "1,2\n");
  EXPECT_EQ(error_of([&] { load_dataset("csv:" + path); }),
            "csv:" + path + ": has 1 row: at least 2 are needed, one to train on and one to test on");
  write_bytes(path, "1,2\n3,4\n");
  EXPECT_EQ(load_dataset("csv:" + path).test.shape(), (Shape{1, 2}));
}

// NPY as data ---------------------------------------------------------------------------------------------------

TEST(LoadNpy, AnyNumbersBecomeRows) {
  TemporaryFolder folder;
  const std::string path = folder / "x.npy";
  write_npy(path, arange(0, 40, 1, int64));
  EXPECT_EQ(load_dataset("npy:" + path).train.shape(), (Shape{36, 1}));
  write_npy(path, zeros({20, 3, 2}, float64));
  Dataset data = load_dataset("npy:" + path);
  EXPECT_EQ(data.train.shape(), (Shape{18, 6}));
  EXPECT_EQ(data.train.dtype(), float32);
  ASSERT_TRUE(data.image);
  EXPECT_EQ(*data.image, (ImageShape{3, 2, 1}));
  EXPECT_EQ(data.levels, 0);
  write_npy(path, full({10, 2, 2, 3}, 200, int64));
  data = load_dataset("npy:" + path);
  EXPECT_EQ(*data.image, (ImageShape{2, 2, 3}));
  EXPECT_EQ(data.levels, 256);
}

TEST(LoadNpy, ErrorsSayWhatIsWrong) {
  TemporaryFolder folder;
  const std::string path = folder / "x.npy";
  const auto error = [&](const Tensor& x) {
    write_npy(path, x);
    return error_of([&] { load_dataset("npy:" + path); });
  };
  EXPECT_EQ(error(tensor({1, 2, 3, NAN, 5, 6}, {3, 2})),
            path + ": row 1, column 1 (counted from 0) is nan: remove the row or fill the gap");
  EXPECT_TRUE(
      contains(error(tensor({1, 2, 3, 4, 1e300, 6}, {3, 2}, float64)), "row 2, column 0 (counted from 0) is inf"));
  EXPECT_EQ(error(tensor({1}, Shape{})), path + ": holds a single number: expected rows [n, d]");
  EXPECT_EQ(error(zeros({0, 2})), path + ": an array [0, 2] has no numbers");
  EXPECT_TRUE(contains(error(zeros({1, 2})), "has 1 row"));
}

// Batches -------------------------------------------------------------------------------------------------------

TEST(BatchesTest, EveryRowOncePerEpochInAnotherOrder) {
  const Tensor x = arange(0, 20).view(Layout::contiguous({10, 2}));
  Batches batches(x, arange(0, 10, 1, int64), 4, Rng(3));
  std::vector<std::vector<int64_t>> epochs(4);
  for (int i = 0; i < 10; ++i) {
    const Batch batch = batches.next();
    EXPECT_EQ(batch.x.shape(), (Shape{4, 2}));
    for (int64_t r = 0; r < 4; ++r) {
      const auto label = int64_t(batch.context.at({r}));
      EXPECT_EQ(batch.x.at({r, 0}), 2 * label);
      EXPECT_EQ(batch.x.at({r, 1}), 2 * label + 1);
      epochs[size_t((i * 4 + r) / 10)].push_back(label);
    }
  }
  for (const auto& order : epochs) EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 10u);
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_FALSE(Batches(x, 4, Rng(3)).next().context.defined());
}

TEST(BatchesTest, ContinueBitForBit) {
  const Tensor x = Rng(1).normal({23, 3});
  Batches whole(x, 5, Rng(9));
  for (int stop = 0; stop < 30; ++stop) {
    const Batches::State state = whole.state();
    Batches resumed(x, 5, Rng(0));
    resumed.restore(state);
    Batches ahead = whole;
    for (int i = 0; i < 12; ++i) ASSERT_EQ(resumed.next().x.to_vector<float>(), ahead.next().x.to_vector<float>());
    EXPECT_EQ(resumed.state(), ahead.state());
    whole.next();
  }
}

TEST(BatchesTest, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(error_of([] {
              Batches(zeros({10, 2}), 11, Rng(0));
            }),
            "batches: a batch of 11 rows from 10: choose a batch size of 10 or less");
  EXPECT_EQ(error_of([] { Batches(zeros({10, 2}), 0, Rng(0)); }), "batches: a batch of 0 rows: expected at least 1");
  EXPECT_EQ(error_of([] { Batches(zeros({10}), 1, Rng(0)); }), "batches: data [10]: expected rows [n, d]");
  EXPECT_TRUE(contains(error_of([] { Batches(zeros({10, 2}), zeros({9}, int64), 1, Rng(0)); }), "expected one a row"));
  EXPECT_TRUE(contains(error_of([] {
                         Batches(zeros({10, 2}), 2, Rng(0)).restore({{}, 0, 11});
                       }),
                       "was the data changed?"));
  EXPECT_EQ(Batches(zeros({10, 2}), 10, Rng(0)).next().x.shape(), (Shape{10, 2}));
}

}  // namespace
}  // namespace pf
