#include "tensor/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "tensor/error.h"

namespace pf {
namespace {

constexpr uint64_t piece = uint64_t(1) << 20;  // bytes handed to the system at a time, and held back before that

template <class Call> auto retry(Call&& call) {
  decltype(call()) result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

[[noreturn]] void cannot(const char* what, const std::string& path) {
  const int code = errno;
  fail(path, ": cannot ", what, ": ", std::strerror(code));
}

// A file on its way to `target`. It has no name until it is whole (where the file system allows that), so that not even
// a kill leaves anything behind; otherwise it has a temporary name, removed unless it was put in place.
class Pending {
 public:
  explicit Pending(const std::filesystem::path& target) : target_(target), folder_(target.parent_path()) {
    if (folder_.empty()) folder_ = ".";
#ifdef O_TMPFILE
    fd_ = retry([&] { return ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666); });
    if (fd_ >= 0 && ::access(own_name().c_str(), F_OK) == 0) return;  // /proc is needed to give it a name
    if (fd_ >= 0) ::close(fd_);
#endif
    create([&](const char* name) { return fd_ = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  int fd() const { return fd_; }

  void put_in_place() {
    struct stat old;
    if (::stat(target_.c_str(), &old) == 0) (void)!::fchmod(fd_, old.st_mode & 07777);
    if (retry([&] { return ::fsync(fd_); }) != 0 && errno != EINVAL) cannot("write", target_.string());
    if (temporary_.empty())
      create(
          [&](const char* name) { return ::linkat(AT_FDCWD, own_name().c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW); });
    const int closed = ::close(std::exchange(fd_, -1));
    if (closed != 0 && errno != EINTR) cannot("write", target_.string());
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot("write", target_.string());
    temporary_.clear();
    const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      (void)!::fsync(folder);  // so that the new name survives a power cut, where the file system can
      ::close(folder);
    }
  }

 private:
  std::string own_name() const { return "/proc/self/fd/" + std::to_string(fd_); }

  template <class Make> void create(Make&& make) {
    static std::atomic<int> counter{0};
    for (int attempt = 0;; ++attempt) {
      const std::string name = "." + target_.filename().string().substr(0, 200) + "." + std::to_string(::getpid()) +
                               "." + std::to_string(counter++) + ".tmp";
      const std::string full = (folder_ / name).string();
      if (retry([&] { return make(full.c_str()); }) >= 0) {
        temporary_ = full;
        return;
      }
      if (errno == EEXIST && attempt < 1000) continue;
      if (errno == ENOENT)
        fail(target_.string(), ": cannot write: the folder ", folder_.string(), " does not exist; make it first");
      cannot("write", target_.string());
    }
  }

  std::filesystem::path target_, folder_;
  int fd_ = -1;
  std::string temporary_;
};

}  // namespace

FileReader::FileReader(const std::filesystem::path& path) : path_(path.string()) {
  fd_ = retry([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC); });
  if (fd_ < 0) cannot("read", path_);
  try {
    struct stat info;
    if (::fstat(fd_, &info) != 0) cannot("read", path_);
    check(!S_ISDIR(info.st_mode), path_, ": is a folder: expected a file");
    size_ = uint64_t(std::max<off_t>(0, info.st_size));
    if (!S_ISREG(info.st_mode)) {
      std::string part(piece, '\0');
      ssize_t got;
      while ((got = retry([&] { return ::read(fd_, part.data(), part.size()); })) > 0)
        held_.append(part, 0, size_t(got));
      if (got < 0) cannot("read", path_);
      size_ = held_.size();
    }
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

FileReader::~FileReader() { ::close(fd_); }

void FileReader::read(void* out, uint64_t bytes) {
  check(bytes <= left(), path_, ": is truncated: wanted ", bytes, " bytes at position ", position_, ", the file has ",
        left());
  char* to = static_cast<char*>(out);
  if (!held_.empty()) {
    std::memcpy(to, held_.data() + position_, bytes);
    position_ += bytes;
    return;
  }
  while (bytes > 0) {
    const ssize_t got = retry([&] { return ::read(fd_, to, std::min(bytes, piece * 64)); });
    if (got < 0) cannot("read", path_);
    check(got > 0, path_, ": became shorter while it was read");
    to += got;
    bytes -= uint64_t(got);
    position_ += uint64_t(got);
  }
}

std::string read_file(const std::filesystem::path& path) {
  FileReader file(path);
  std::string out(file.size(), '\0');
  file.read(out.data(), out.size());
  return out;
}

void FileWriter::write(const void* data, uint64_t bytes) {
  if (held_.size() + bytes <= piece) {
    held_.append(static_cast<const char*>(data), bytes);
    return;
  }
  flush();
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = retry([&] { return ::write(fd_, from, std::min(bytes, piece * 64)); });
    if (put < 0) cannot("write", path_);
    from += put;
    bytes -= uint64_t(put);
  }
}

void FileWriter::flush() {
  std::string pending;
  pending.swap(held_);
  const char* from = pending.data();
  for (uint64_t left = pending.size(); left > 0;) {
    const ssize_t put = retry([&] { return ::write(fd_, from, left); });
    if (put < 0) cannot("write", path_);
    from += put;
    left -= uint64_t(put);
  }
}

void write_file_atomically(const std::filesystem::path& path, const std::function<void(FileWriter&)>& write) {
  std::error_code ignored;
  check(!path.filename().empty() && !std::filesystem::is_directory(path, ignored), path.string(),
        ": cannot write: it is a folder; give the name of a file in it");
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    const int fd = retry([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); });
    if (fd < 0) cannot("write", path.string());
    try {
      FileWriter writer(fd, path.string());
      write(writer);
      writer.flush();
    } catch (...) {
      ::close(fd);
      throw;
    }
    if (::close(fd) != 0 && errno != EINTR) cannot("write", path.string());
    return;
  }
  // A link stays a link: what it points to is replaced.
  std::filesystem::path target = path;
  if (std::filesystem::is_symlink(path, ignored)) {
    std::error_code error;
    const auto resolved = std::filesystem::weakly_canonical(path, error);
    if (!error) target = resolved;
  }
  Pending file(target);
  FileWriter writer(file.fd(), path.string());
  write(writer);
  writer.flush();
  file.put_in_place();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  write_file_atomically(path, [&](FileWriter& file) { file.write(bytes); });
}

}  // namespace pf
