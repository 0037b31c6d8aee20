#include "tensor/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "tensor/files.h"

namespace pf {
namespace {

static_assert(std::endian::native == std::endian::little, "NPY files are written in the order of this machine's bytes");

constexpr std::string_view magic = "\x93NUMPY";
constexpr uint64_t longest_header = 1 << 20;

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header parse() {
    Header out;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        descr = true;
        check(peek() != '[', path_, ": holds records (a structured dtype): save each field as an array of its own");
        out.descr = quoted();
      } else if (key == "fortran_order") {
        order = true;
        out.fortran_order = boolean();
      } else if (key == "shape") {
        shape = true;
        out.shape = tuple();
      } else {
        broken(join("unknown key '", key.substr(0, 40), "'"));
      }
      if (!accept(',') && peek() != '}') broken("',' or '}' missing");
    }
    if (!descr || !order || !shape) broken("one of descr, fortran_order and shape is missing");
    if (peek() != '\0' || at_ < text_.size()) broken("text after the closing '}'");
    return out;
  }

 private:
  [[noreturn]] void broken(std::string_view why) { fail(path_, ": the NPY header is corrupt: ", why); }
  char peek() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) && text_[at_] != '\0') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) broken(join("'", c, "' missing"));
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') broken("a quoted name is missing");
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) broken("a quoted name does not end");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    broken("fortran_order is neither True nor False");
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> out;
    expect('(');
    while (!accept(')')) {
      if (peek() < '0' || peek() > '9') broken("a size in shape is not a number");
      int64_t size = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
        if (__builtin_mul_overflow(size, int64_t(10), &size) || __builtin_add_overflow(size, text_[at_++] - '0', &size))
          broken("a size in shape is too large");
      accept('L');  // written by Python 2
      out.push_back(size);
      if (!accept(',') && peek() != ')') broken("',' or ')' missing in shape");
    }
    return out;
  }

  std::string_view text_;
  const std::string& path_;
  size_t at_ = 0;
};

Header read_header(FileReader& file) {
  char start[8];
  check(file.size() >= 10, file.path(), ": is not an NPY file: it has ", file.size(),
        " bytes, fewer than the shortest header");
  file.read(start, 8);
  check(std::string_view(start, 6) == magic, file.path(), ": is not an NPY file: it does not begin with \\x93NUMPY");
  const int version = static_cast<unsigned char>(start[6]);
  check(version >= 1 && version <= 3, file.path(), ": NPY version ", version, ": expected 1, 2 or 3");
  uint32_t length = 0;
  file.read(&length, version == 1 ? 2 : 4);
  check(length <= file.left(), file.path(), ": is truncated: the header wants ", int64_t(length),
        " bytes, the file has ", file.left());
  check(length <= longest_header, file.path(), ": an NPY header of ", int64_t(length), " bytes: at most ",
        longest_header, " are read");
  std::string text(length, '\0');
  file.read(text.data(), length);
  return HeaderParser(text, file.path()).parse();
}

// What is stored: the kind and width of an element, as in "<f4".
struct Stored {
  char kind;
  int bytes;
  bool swapped;
  DType dtype;  // what it becomes
};

Stored stored_as(const std::string& descr, const std::string& path) {
  const std::string type = descr.empty() ? "" : descr.substr(1);
  const char order = descr.empty() ? '?' : descr[0];
  const char* advice = "expected float16, float32, float64, int64, bool or a smaller integer";
  if (type.starts_with("O")) advice = "Python objects are never read: save numbers";
  else if (type == "f16") advice = "save it with .astype('float32')";
  else if (type == "u8") advice = "save it with .astype('int64')";
  else if (type.starts_with("c")) advice = "save the real and the imaginary part as two arrays";
  else if (type.starts_with("U") || type.starts_with("S")) advice = "text is not read: save numbers";
  struct Known {
    std::string_view type;
    DType dtype;
  };
  constexpr Known known[] = {{"f2", float16}, {"f4", float32}, {"f8", float64}, {"i8", int64},
                             {"b1", boolean}, {"i1", int64},   {"i2", int64},   {"i4", int64},
                             {"u1", int64},   {"u2", int64},   {"u4", int64}};
  if (std::strchr("<>=|", order) && order != '\0')
    for (const Known& k : known)
      if (type == k.type) return {type[0], type[1] - '0', order == '>', k.dtype};
  fail(path, ": dtype '", descr.substr(0, 40), "' is not supported: ", advice);
}

template <class T> T loaded(const unsigned char* from, bool swapped) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  T out;
  std::memcpy(&out, bytes, sizeof(T));
  return out;
}

template <class From, class To> void read_elements(FileReader& file, bool swapped, To* out, int64_t n) {
  constexpr int64_t piece = 1 << 16;
  if (std::is_same_v<From, To> && !swapped) return file.read(out, uint64_t(n) * sizeof(From));
  const auto buffer = std::make_unique<unsigned char[]>(size_t(std::min(n, piece)) * sizeof(From));
  for (int64_t done = 0; done < n; done += piece) {
    const int64_t count = std::min(piece, n - done);
    file.read(buffer.get(), uint64_t(count) * sizeof(From));
    for (int64_t i = 0; i < count; ++i) {
      const From x = loaded<From>(buffer.get() + i * int64_t(sizeof(From)), swapped);
      if constexpr (std::is_same_v<To, bool>) out[done + i] = x != 0;
      else out[done + i] = To(x);
    }
  }
}

void read_elements(FileReader& file, const Stored& stored, Tensor& out) {
  const int64_t n = out.numel();
  const bool swapped = stored.swapped;
  if (stored.kind == 'f' && stored.bytes == 4) return read_elements<float>(file, swapped, out.mutable_data<float>(), n);
  if (stored.kind == 'f' && stored.bytes == 2)
    return read_elements<Float16>(file, swapped, out.mutable_data<Float16>(), n);
  if (stored.kind == 'f') return read_elements<double>(file, swapped, out.mutable_data<double>(), n);
  if (stored.kind == 'b') return read_elements<uint8_t>(file, swapped, out.mutable_data<bool>(), n);
  int64_t* to = out.mutable_data<int64_t>();
  const bool has_sign = stored.kind == 'i';
  if (stored.bytes == 8) return read_elements<int64_t>(file, swapped, to, n);
  if (stored.bytes == 1)
    return has_sign ? read_elements<int8_t>(file, swapped, to, n) : read_elements<uint8_t>(file, swapped, to, n);
  if (stored.bytes == 2)
    return has_sign ? read_elements<int16_t>(file, swapped, to, n) : read_elements<uint16_t>(file, swapped, to, n);
  return has_sign ? read_elements<int32_t>(file, swapped, to, n) : read_elements<uint32_t>(file, swapped, to, n);
}

}  // namespace

Tensor read_npy(const std::filesystem::path& path) {
  FileReader file(path);
  const Header header = read_header(file);
  const Stored stored = stored_as(header.descr, file.path());
  check(int64_t(header.shape.size()) <= max_rank, file.path(), ": an array with ", header.shape.size(),
        " axes: at most ", max_rank, " are supported");
  Shape shape(header.shape);
  int64_t wanted = stored.bytes,
          stride = stored.bytes;  // the second leaves out axes of size 0, so that strides fit too
  for (int64_t size : shape)
    if (__builtin_mul_overflow(stride, std::max<int64_t>(size, 1), &stride) || stride > int64_t(1) << 56)
      fail(file.path(), ": is truncated or corrupt: an array ", shape, " of ", stored.bytes,
           "-byte numbers does not fit in a file of ", file.size(), " bytes");
  wanted *= shape.numel();
  check(uint64_t(wanted) <= file.left(), file.path(), ": is truncated: an array ", shape, " of '", header.descr,
        "' wants ", wanted, " bytes, the file has ", file.left());
  check(uint64_t(wanted) == file.left(), file.path(), ": has ", file.left() - uint64_t(wanted),
        " bytes after the array ", shape, ": corrupt, or several arrays in one file; save one array a file");
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  Tensor out = Tensor::empty(shape, stored.dtype);
  read_elements(file, stored, out);
  if (!header.fortran_order || shape.rank() < 2) return out;
  Shape backwards;
  for (int axis = shape.rank(); axis-- > 0;) backwards.push_back(axis);
  return contiguous(out.view(out.layout().permute(backwards)));
}

void write_npy(const std::filesystem::path& path, const Tensor& x) {
  constexpr const char* descr[dtype_count] = {"<f4", "<f8", "<i8", "|b1", "", "<f2"};
  check(x.dtype() != bfloat16, path.string(),
        ": NPY has no bfloat16; write cast(x, float32), or a safetensors file, which has");
  std::string sizes;
  for (int64_t size : x.shape()) sizes += std::to_string(size) + (x.rank() == 1 ? "," : ", ");
  if (x.rank() > 1) sizes.resize(sizes.size() - 2);
  std::string header =
      join("{'descr': '", descr[int(x.dtype())], "', 'fortran_order': False, 'shape': (", sizes, "), }");
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');  // the elements begin at a multiple of 64
  header += '\n';
  const uint16_t length = uint16_t(header.size());
  const Tensor flat = to_device(contiguous(x), Device::cpu());
  write_file_atomically(path, [&](FileWriter& file) {
    file.write(magic);
    file.write(std::string_view("\x01\x00", 2));
    file.write(&length, 2);
    file.write(header);
    file.write(flat.raw(), uint64_t(flat.numel() * size_of(flat.dtype())));
  });
}

}  // namespace pf
