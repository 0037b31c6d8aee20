#pragma once
// Files: reading with a size that can be trusted, and writing that leaves the old file or the new one, never a half.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace pf {

/// A file open for reading. Pipes and devices are read to their end at once, so that `size` is always what is there.
class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  uint64_t position() const { return position_; }
  uint64_t left() const { return size_ - position_; }
  /// Exactly `bytes` bytes; an error where the file has fewer left.
  void read(void* out, uint64_t bytes);

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0, position_ = 0;
  std::string held_;  // the content of what is not a regular file
};

/// The whole content of a file.
std::string read_file(const std::filesystem::path& path);

/// Where the callback of `write_file_atomically` puts its bytes, in pieces of any size.
class FileWriter {
 public:
  void write(const void* data, uint64_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

 private:
  friend void write_file_atomically(const std::filesystem::path&, const std::function<void(FileWriter&)>&);
  FileWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void flush();

  int fd_;
  std::string path_, held_;
};

/// Writes a new file beside the old one, syncs it to disk and puts it in the old one's place in one step: a kill, a
/// full disk or an exception from the callback at any moment leaves the old file as it was, and nothing beside it.
/// What is not a regular file (/dev/stdout, a pipe) is written to directly.
void write_file_atomically(const std::filesystem::path& path, const std::function<void(FileWriter&)>& write);
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace pf
