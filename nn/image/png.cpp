#include "nn/image/png.h"

#include <png.h>

#include <cstring>

#include "tensor/files.h"

namespace pf {

std::string encode_png(const Image& image) {
  check(image.width >= 1 && image.height >= 1 && image.width <= 32768 && image.height <= 32768, "png: ", image.width,
        " × ", image.height, " pixels: expected 1 to 32768 each");
  check(image.channels == 1 || image.channels == 3, "png: ", image.channels, " channels: expected 1 (grey) or 3 (RGB)");
  check(int64_t(image.pixels.size()) == image.width * image.height * image.channels, "png: ", image.pixels.size(),
        " bytes for ", image.width, " × ", image.height, " × ", image.channels);
  png_image target;
  std::memset(&target, 0, sizeof target);
  target.version = PNG_IMAGE_VERSION;
  target.width = png_uint_32(image.width);
  target.height = png_uint_32(image.height);
  target.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(target);
  std::string out(bytes, '\0');
  const int done = png_image_write_to_memory(&target, out.data(), &bytes, 0, image.pixels.data(), 0, nullptr);
  const std::string message = target.message;
  png_image_free(&target);
  check(done != 0, "png: ", message);
  out.resize(bytes);
  return out;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

}  // namespace pf
