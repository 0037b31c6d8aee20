#include "nn/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>

namespace pf {
namespace {

/// Bytes of a file that may be gzipped, unpacked piece by piece.
class Unpacked {
 public:
  explicit Unpacked(const std::filesystem::path& path) : path_(path.string()) {
    check(!std::filesystem::is_directory(path), path_, ": is a folder: expected an IDX file");
    errno = 0;
    file_ = gzopen(path.c_str(), "rb");
    if (!file_) fail(path_, ": cannot read: ", errno ? std::strerror(errno) : "out of memory");
    gzbuffer(file_, 1 << 17);
    gzipped_ = !gzdirect(file_);
  }
  ~Unpacked() { gzclose(file_); }
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;

  /// How many bytes there can be at most, before anything was unpacked: deflate never packs more than 1032 into one.
  double capacity() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    return error ? 1e18 : double(size) * (gzipped_ ? 1032 : 1);
  }
  const char* kind() const { return gzipped_ ? "unpacked file" : "file"; }

  /// As many bytes as asked for, or as there are.
  size_t read(void* out, size_t bytes) {
    const int got = gzread(file_, out, unsigned(bytes));
    int code = Z_OK;
    const char* message = gzerror(file_, &code);
    if (code == Z_BUF_ERROR) fail(path_, ": is truncated: the gzip data ends in the middle");
    if (code == Z_ERRNO) fail(path_, ": cannot read: ", std::strerror(errno));
    if (got < 0 || code != Z_OK) {
      const std::string text = message;
      const size_t colon = text.rfind(": ");
      fail(path_, ": the gzip data is corrupt: ", colon == std::string::npos ? text : text.substr(colon + 2));
    }
    return size_t(got);
  }

 private:
  std::string path_;
  gzFile file_ = nullptr;
  bool gzipped_ = false;
};

template <class From, class To> void convert(const unsigned char* from, To* to, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    unsigned char bytes[sizeof(From)] = {};  // filled at once; GCC 12 does not see it
    std::reverse_copy(from + i * sizeof(From), from + (i + 1) * sizeof(From), bytes);  // IDX is big-endian
    to[i] = To(std::bit_cast<From>(bytes));
  }
}

template <class To> void convert(int type, const unsigned char* from, To* to, size_t count) {
  switch (type) {
    case 0x08:
      return convert<uint8_t>(from, to, count);
    case 0x09:
      return convert<int8_t>(from, to, count);
    case 0x0B:
      return convert<int16_t>(from, to, count);
    case 0x0C:
      return convert<int32_t>(from, to, count);
    case 0x0D:
      return convert<float>(from, to, count);
    default:
      return convert<double>(from, to, count);
  }
}

int width_of(int type) {
  switch (type) {
    case 0x08:
    case 0x09:
      return 1;
    case 0x0B:
      return 2;
    case 0x0C:
    case 0x0D:
      return 4;
    case 0x0E:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path, DType dtype) {
  const std::string name = path.string();
  Unpacked file(path);
  unsigned char head[4] = {};
  check(file.read(head, 4) == 4, name, ": is not an IDX file: it is shorter than the header");
  const int type = head[2], rank = head[3], width = width_of(type);
  check(head[0] == 0 && head[1] == 0 && width > 0, name,
        ": is not an IDX file: it does not begin with 0, 0 and a type code");
  check(type <= 0x0C || is_floating(dtype), name, ": holds real numbers, expected integers");
  check(rank >= 1 && rank <= max_rank, name, ": an array with ", rank, " axes: expected 1 to ", max_rank);
  Shape shape;
  double numbers = 1;
  for (int axis = 0; axis < rank; ++axis) {
    unsigned char size[4];
    check(file.read(size, 4) == 4, name, ": is truncated: it ends within the header");
    shape.push_back(int64_t(size[0]) << 24 | int64_t(size[1]) << 16 | int64_t(size[2]) << 8 | int64_t(size[3]));
    check(shape[axis] > 0, name, ": an empty array ", shape);
    numbers *= double(shape[axis]);
  }
  check(numbers * width <= file.capacity(), name, ": is truncated or corrupt: an array ", shape,
        " does not fit in the ", file.kind());

  // Held as bytes until all of them have come: memory is taken for what is there, not for what the header says.
  const size_t wanted = size_t(numbers) * size_t(width);
  constexpr size_t piece = size_t(1) << 20;
  std::vector<unsigned char> bytes;
  while (bytes.size() < wanted) {
    const size_t have = bytes.size(), next = std::min(piece, wanted - have);
    bytes.resize(have + next);
    const size_t got = file.read(bytes.data() + have, next);
    check(got == next, name, ": is truncated: an array ", shape, " wants ", wanted, " bytes, the ", file.kind(),
          " has ", have + got);
  }
  unsigned char more;
  check(file.read(&more, 1) == 0, name, ": has bytes after the array ", shape,
        ": corrupt");  // this also checks the gzip sum

  Tensor out = Tensor::empty(shape, dtype);
  dispatch_numeric(dtype, "read_idx",
                   [&]<class T>() { convert(type, bytes.data(), out.mutable_data<T>(), size_t(out.numel())); });
  return out;
}

Dataset load_idx_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  check(std::filesystem::is_directory(folder, ignored), folder.string(),
        ": is not a folder: expected one with train-images-idx3-ubyte");
  const auto find = [&](const std::string& part, const std::string& rank) -> std::filesystem::path {
    for (const char* separator : {"-", "."})
      for (const char* ending : {"", ".gz"}) {
        const auto path = folder / (part + separator + "idx" + rank + "-ubyte" + ending);
        if (std::filesystem::exists(path, ignored)) return path;
      }
    return {};
  };

  Dataset out;
  out.name = "idx:" + folder.string();
  out.levels = 256;
  for (const bool train : {true, false}) {
    const std::string part = train ? "train" : "t10k";
    const auto image_path = find(part + "-images", "3"), label_path = find(part + "-labels", "1");
    check(!image_path.empty(), folder.string(), ": has no ", part, "-images-idx3-ubyte (or …-ubyte.gz)");
    const Tensor images = read_idx(image_path, float32);
    check(images.rank() == 3 || images.rank() == 4, image_path.string(), ": an array ", images.shape(),
          ": expected images [n, height, width]");
    const ImageShape shape{images.size(1), images.size(2), images.rank() == 4 ? images.size(3) : 1};
    check(!out.image || *out.image == shape, image_path.string(), ": images of ", shape, ", but those to train on are ",
          out.image.value_or(shape));
    out.image = shape;
    const float* pixels = images.data<float>();
    const float* wrong = std::find_if(pixels, pixels + images.numel(),
                                      [](float x) { return !(x >= 0 && x <= 255 && x == float(int(x))); });
    if (wrong != pixels + images.numel())
      fail(image_path.string(), ": a pixel ", *wrong, ": expected integers 0 to 255");
    (train ? out.train : out.test) = images.view(Layout::contiguous({images.size(0), shape.size()}));

    if (label_path.empty()) continue;
    const Tensor labels = read_idx(label_path, int64);
    check(labels.rank() == 1 && labels.size(0) == images.size(0), label_path.string(), ": labels ", labels.shape(),
          " for ", images.size(0), " images: expected one each");
    (train ? out.train_labels : out.test_labels) = labels;
  }
  if (!out.train_labels.defined() || !out.test_labels.defined()) out.train_labels = out.test_labels = Tensor();
  return out;
}

}  // namespace pf
