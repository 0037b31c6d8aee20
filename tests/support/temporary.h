#pragma once
// A folder for one test's files, removed with what is in it; and damage for them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tensor/error.h"

namespace pf::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("pushforward-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  int files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) count += int(entry.exists());
    return count;
  }

 private:
  std::filesystem::path path_;
};

/// Plainly, without the care (and the sync) of write_file_atomically.
inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);  // a new file: some file systems sync one that is cut short and written again
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

/// The message of the Error that `body` throws; empty where it throws none.
template <class Body> std::string error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) { return error.what(); }
  return "";
}

inline ::testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << text << "' does not contain '" << part << "'";
}

/// Calls read(path) on every beginning of the file, which must be an Error except where `may_pass`, and on the file with
/// each byte changed in several ways, which may be an Error or not, but nothing else.
template <class Read>
void expect_survives_damage(const std::string& path, const std::string& whole, Read&& read,
                            bool truncation_may_pass = false) {
  for (size_t length = 0; length < whole.size(); ++length) {
    write_bytes(path, whole.substr(0, length));
    const std::string error = error_of([&] { read(path); });
    if (!truncation_may_pass) {
      EXPECT_FALSE(error.empty()) << "the first " << length << " of " << whole.size() << " bytes were accepted";
    }
    if (!error.empty()) { EXPECT_TRUE(contains(error, path)); }
  }
  for (size_t at = 0; at < whole.size(); ++at)
    for (int change : {0x01, 0x80, 0xff, 0x10, -1, -2}) {
      std::string bytes = whole;
      if (change > 0) bytes[at] = char(bytes[at] ^ change);
      else bytes[at] = change == -1 ? '9' : '\0';
      write_bytes(path, bytes);
      const std::string error = error_of([&] { read(path); });
      if (!error.empty()) { EXPECT_TRUE(contains(error, path)); }
    }
  write_bytes(path, whole);
}

}  // namespace pf::testing
