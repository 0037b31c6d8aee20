#include "tensor/safetensors.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "tensor/files.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

using Json = nlohmann::json;
static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr uint64_t longest_header = 100'000'000;  // the format's own limit
constexpr const char* codes[dtype_count] = {"F32", "F64", "I64", "BOOL", "BF16", "F16"};

struct Entry {
  std::string name;
  Shape shape;
  DType dtype;
  uint64_t begin, end;  // in the buffer after the header
};

// One file being read: the header is checked as a whole before any element is.
class Header {
 public:
  explicit Header(FileReader& file) : path_(file.path()) {
    check(file.size() >= 10, path_, ": is not a safetensors file: it has ", file.size(),
          " bytes, fewer than the shortest header");
    uint64_t length = 0;
    file.read(&length, 8);
    check(length <= file.left(), path_, ": is truncated, or not a safetensors file: the header wants ",
          std::to_string(length), " bytes, the file has ", file.left());
    check(length <= longest_header, path_, ": a header of ", length, " bytes: at most ", longest_header,
          " are allowed");
    std::string text(length, '\0');
    file.read(text.data(), length);
    parse(text);
    check_tiling(file.left());
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

 private:
  [[noreturn]] void broken(const auto&... why) const { fail(path_, ": the safetensors header is corrupt: ", why...); }

  void parse(const std::string& text) {
    std::vector<std::string> order;  // names as they come; a JSON object forgets that, and double names
    std::set<std::string> seen;
    Json json;
    try {
      json = Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > 8) broken("brackets nested too deeply");
        if (event == Json::parse_event_t::key && depth == 1) {
          const auto name = parsed.get<std::string>();
          if (!seen.insert(name).second) broken("the name '", name, "' appears twice");
          order.push_back(name);
        }
        return true;
      });
    } catch (const Json::exception&) { broken("it is not valid JSON"); }
    if (!json.is_object()) broken("it is not a JSON object");
    for (const std::string& name : order) {
      if (name == "__metadata__") read_metadata(json[name]);
      else entries.push_back(read_entry(name, json[name]));
    }
  }

  void read_metadata(const Json& json) {
    if (!json.is_object()) broken("__metadata__ is not an object");
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) broken("the metadata '", key, "' is not a string");
      metadata[key] = value.get<std::string>();
    }
  }

  Entry read_entry(const std::string& name, const Json& json) const {
    const auto whole_numbers = [](const Json& list) {
      return list.is_array() &&
             std::all_of(list.begin(), list.end(), [](const Json& x) { return x.is_number_unsigned(); });
    };
    if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") || !json.contains("data_offsets"))
      broken("the tensor '", name, "' lacks dtype, shape or data_offsets");
    const Json &dtype = json["dtype"], &shape = json["shape"], &offsets = json["data_offsets"];
    if (!dtype.is_string()) broken("the dtype of '", name, "' is not a string");
    if (!whole_numbers(shape)) broken("the shape of '", name, "' is not a list of sizes");
    if (!whole_numbers(offsets) || offsets.size() != 2)
      broken("the data_offsets of '", name, "' are not two positions");

    Entry out;
    out.name = name;
    const auto code = std::find(std::begin(codes), std::end(codes), dtype.get<std::string>());
    check(code != std::end(codes), path_, ": the tensor '", name, "' is ", dtype.get<std::string>().substr(0, 20),
          ": F32, F64, F16, BF16, I64 and BOOL are read; convert it to F32 first");
    out.dtype = DType(code - std::begin(codes));
    check(shape.size() <= size_t(max_rank), path_, ": the tensor '", name, "' has ", shape.size(), " axes: at most ",
          max_rank, " are supported");
    uint64_t bytes = uint64_t(size_of(out.dtype)),
             span = bytes;  // the second leaves out axes of size 0: strides fit too
    for (const Json& size : shape) {
      const auto n = size.get<uint64_t>();
      if (__builtin_mul_overflow(span, std::max<uint64_t>(n, 1), &span) || span > uint64_t(1) << 56)
        broken("the shape of '", name, "' is too large");
      bytes *= n;
      out.shape.push_back(int64_t(n));
    }
    out.begin = offsets[0].get<uint64_t>();
    out.end = offsets[1].get<uint64_t>();
    if (out.end < out.begin || out.end - out.begin != bytes)
      broken("'", name, "' ", out.shape, " of ", out.dtype, " takes ", bytes, " bytes, but its data_offsets are ",
             std::to_string(out.begin), " to ", std::to_string(out.end));
    return out;
  }

  // Every byte after the header belongs to exactly one tensor.
  void check_tiling(uint64_t available) const {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(),
              [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
    uint64_t end = 0;
    for (const Entry* entry : sorted) {
      if (entry->begin != end)
        broken("'", entry->name, "' begins at ", std::to_string(entry->begin), ", but the tensor before it ends at ",
               end);
      end = entry->end;
      check(end <= available, path_, ": is truncated: '", entry->name, "' ends at ", std::to_string(end), ", but only ",
            available, " bytes follow the header");
    }
    check(end == available, path_, ": has ", available - end,
          " bytes after its last tensor: corrupt, or not written whole");
  }

  const std::string& path_;
};

void read_elements(FileReader& file, const Entry& entry, Tensor& out) {
  if (entry.dtype != boolean) return file.read(out.mutable_raw(), entry.end - entry.begin);
  std::string bytes(entry.end - entry.begin, '\0');
  file.read(bytes.data(), bytes.size());
  std::transform(bytes.begin(), bytes.end(), out.mutable_data<bool>(), [](char c) { return c != 0; });
}

}  // namespace

const Tensor* NamedTensors::find(std::string_view name) const {
  for (const auto& [key, tensor] : tensors)
    if (key == name) return &tensor;
  return nullptr;
}

const Tensor& NamedTensors::at(std::string_view name) const {
  if (const Tensor* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const auto& named : tensors) names.push_back(named.first);
  fail("no tensor is called '", name, "' among the ", names.size(), " there are", did_you_mean(name, names));
}

NamedTensors read_safetensors(const std::filesystem::path& path) {
  FileReader file(path);
  Header header(file);
  NamedTensors out;
  out.metadata = std::move(header.metadata);
  for (const Entry& entry : header.entries) out.add(entry.name, Tensor());
  std::vector<size_t> order(header.entries.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(header.entries[a].begin, header.entries[a].end) <
           std::pair(header.entries[b].begin, header.entries[b].end);
  });
  for (size_t i : order) {
    const Entry& entry = header.entries[i];
    Tensor x = Tensor::empty(entry.shape, entry.dtype);
    read_elements(file, entry, x);
    out.tensors[i].second = std::move(x);
  }
  return out;
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& content) {
  // The header keeps the given order; the elements are laid out widest type first, so that all of them are aligned.
  std::vector<size_t> order(content.tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return size_of(content.tensors[a].second.dtype()) > size_of(content.tensors[b].second.dtype());
  });
  std::vector<uint64_t> begin(order.size());
  uint64_t position = 0;
  for (size_t i : order) {
    const Tensor& x = content.tensors[i].second;
    begin[i] = position;
    position += uint64_t(x.numel() * size_of(x.dtype()));
  }

  std::string text;
  try {
    const auto item = [&](const std::string& name, const Json& value) {
      text += (text.empty() ? "{" : ",") + Json(name).dump() + ":" + value.dump();
    };
    if (!content.metadata.empty()) item("__metadata__", content.metadata);
    std::set<std::string> names;
    for (size_t i = 0; i < order.size(); ++i) {
      const auto& [name, x] = content.tensors[i];
      check(names.insert(name).second && name != "__metadata__", path.string(), ": two tensors are called '", name,
            "'");
      item(name, {{"dtype", codes[int(x.dtype())]},
                  {"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())},
                  {"data_offsets", {begin[i], begin[i] + uint64_t(x.numel() * size_of(x.dtype()))}}});
    }
  } catch (const Json::exception&) {
    fail(path.string(), ": cannot write: a tensor's name or the metadata is not valid UTF-8");
  }
  if (text.empty()) text = "{";
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  check(text.size() <= longest_header, path.string(), ": cannot write: a header of ", text.size(), " bytes: at most ",
        longest_header, " are allowed");

  write_file_atomically(path, [&](FileWriter& file) {
    const uint64_t length = text.size();
    file.write(&length, 8);
    file.write(text);
    for (size_t i : order) {
      const Tensor flat = to_device(contiguous(content.tensors[i].second), Device::cpu());
      file.write(flat.raw(), uint64_t(flat.numel() * size_of(flat.dtype())));
    }
  });
}

}  // namespace pf
