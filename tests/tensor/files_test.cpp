#include "tensor/files.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tensor/suggest.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

TEST(Files, RoundTripOfAnySize) {
  TemporaryFolder folder;
  for (size_t size : {size_t(0), size_t(1), size_t(4095), size_t(1) << 20, (size_t(1) << 20) + 1, size_t(3'000'001)}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = char(i * 2654435761u >> 13);
    write_file_atomically(folder / "a", bytes);
    EXPECT_TRUE(read_file(folder / "a") == bytes) << size;
  }
  write_file_atomically(folder / "b", [](FileWriter& file) {
    for (int i = 0; i < 400'000; ++i) file.write("12345678");
  });
  EXPECT_EQ(read_file(folder / "b").size(), 3'200'000u);
  EXPECT_EQ(folder.files(), 2);
}

TEST(Files, AnExceptionLeavesTheOldFileAndNothingElse) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  const std::string error = error_of([&] {
    write_file_atomically(folder / "a", [](FileWriter& file) {
      file.write(std::string(2 << 20, 'x'));
      fail("the reason");
    });
  });
  EXPECT_EQ(error, "the reason");
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.files(), 1);
}

TEST(Files, ADiskThatIsFullIsReportedWithThePath) {
  EXPECT_EQ(error_of([] { write_file_atomically("/dev/full", "text"); }),
            "/dev/full: cannot write: No space left on device");
  // A limit on the size of files stands for a full disk.
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  struct rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = old;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = error_of([&] { write_file_atomically(folder / "a", std::string(3 << 20, 'x')); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, (folder / "a") + ": cannot write: File too large");
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.files(), 1);
}

TEST(Files, ErrorsNameThePathAndTheReason) {
  TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_file(folder / "no"); }), (folder / "no") + ": cannot read: No such file or directory");
  EXPECT_EQ(error_of([&] { read_file(folder.path()); }), folder.path().string() + ": is a folder: expected a file");
  EXPECT_TRUE(
      contains(error_of([&] { write_file_atomically(folder / "no/a", "x"); }), "/no does not exist; make it first"));
  EXPECT_TRUE(contains(error_of([&] { write_file_atomically(folder.path(), "x"); }), "it is a folder"));
  write_file_atomically(folder / "a", "abc");
  FileReader file(folder / "a");
  char out[8];
  EXPECT_EQ(error_of([&] { file.read(out, 8); }),
            (folder / "a") + ": is truncated: wanted 8 bytes at position 0, the file has 3");
}

TEST(Files, LinksAndPermissionsStay) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  ::chmod((folder / "a").c_str(), 0640);
  std::filesystem::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "a"), "new");
  struct stat info;
  ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(Files, DevicesAreWrittenAndReadDirectly) {
  write_file_atomically("/dev/null", "text");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_EQ(read_file("/dev/null"), "");
}

TEST(Suggest, NearestName) {
  const std::vector<std::string> names = {"8gaussians", "checkerboard", "moons", "rings", "ring8", "fashion-mnist"};
  EXPECT_EQ(nearest("mons", names), "moons");
  EXPECT_EQ(nearest("MOONS", names), "moons");
  EXPECT_EQ(nearest("8gausians", names), "8gaussians");
  EXPECT_EQ(nearest("chekcerboard", names), "checkerboard");
  EXPECT_EQ(nearest("fashion", names), "fashion-mnist");
  EXPECT_EQ(nearest("imagenet", names), "");
  EXPECT_EQ(did_you_mean("rnigs", names), "; did you mean 'rings'?");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(edit_distance("abcd", "acbd"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
}

}  // namespace
}  // namespace pf
