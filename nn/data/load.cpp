#include "nn/data/load.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "nn/data/csv.h"
#include "nn/data/idx.h"
#include "nn/data/synthetic.h"
#include "tensor/npy.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

constexpr const char* fashion_folder = "/usr/share/datasets/fashion-mnist";

/// The rows first … first + count - 1 of x, without copying.
Tensor rows(const Tensor& x, int64_t first, int64_t count) { return x.view(x.layout().slice(0, first, first + count)); }

void keep_at_most(Dataset& data, const LoadOptions& options) {
  const auto cut = [&](Tensor& x, Tensor& labels, const std::optional<int64_t>& limit, const char* which) {
    if (!limit) return;
    check(*limit >= 1, data.name, ": ", *limit, " ", which, " rows: expected at least 1");
    if (*limit >= x.size(0)) return;
    x = rows(x, 0, *limit);
    if (labels.defined()) labels = rows(labels, 0, *limit);
  };
  cut(data.train, data.train_labels, options.train_rows, "training");
  cut(data.test, data.test_labels, options.test_rows, "test");
}

Dataset synthetic(const Synthetic& set, const LoadOptions& options) {
  const auto draw = [&](int64_t n, uint64_t stream, Tensor& x, Tensor& labels) {
    check(n >= 1, set.name, ": ", n, " points: expected at least 1");
    Rng rng = Rng(options.seed).child(stream);
    Points points = sample_points(set.name, n, rng);
    x = points.x;
    if (set.classes > 1) labels = points.labels;
  };
  Dataset out;
  out.entropy = set.entropy;
  out.columns = {"x", "y"};
  draw(options.train_rows.value_or(synthetic_train_rows), 1, out.train, out.train_labels);
  draw(options.test_rows.value_or(synthetic_test_rows), 2, out.test, out.test_labels);
  return out;
}

/// One table divided by chance into training and test rows.
void divide(Dataset& out, const Tensor& table, const LoadOptions& options) {
  const int64_t n = table.size(0), d = table.size(1);
  check(n >= 2, out.name, ": has ", n, " row: at least 2 are needed, one to train on and one to test on");
  check(options.test_fraction > 0 && options.test_fraction < 1, "test_fraction ", options.test_fraction,
        ": expected between 0 and 1");
  const int64_t n_test = std::clamp<int64_t>(std::llround(options.test_fraction * double(n)), 1, n - 1);
  const Tensor order = Rng(options.seed).child(3).permutation(n);
  out.test = Tensor::empty({n_test, d});
  out.train = Tensor::empty({n - n_test, d});
  for (int64_t i = 0; i < n; ++i) {
    float* to =
        i < n_test ? out.test.mutable_data<float>() + i * d : out.train.mutable_data<float>() + (i - n_test) * d;
    std::memcpy(to, table.data<float>() + order.data<int64_t>()[i] * d, size_t(d) * sizeof(float));
  }
}

/// A row is a picture where the axes say so: [n, height, width] or [n, height, width, 1 or 3].
std::optional<ImageShape> picture(const Shape& shape) {
  if (shape.rank() == 3) return ImageShape{shape[1], shape[2], 1};
  if (shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3)) return ImageShape{shape[1], shape[2], shape[3]};
  return {};
}

Dataset from_npy(const std::string& path, const LoadOptions& options) {
  Dataset out;
  out.name = "npy:" + path;
  const Tensor stored = read_npy(path);
  check(stored.rank() >= 1, path, ": holds a single number: expected rows [n, d]");
  const int64_t n = stored.size(0), d = n > 0 ? stored.numel() / n : 0;
  check(n > 0 && d > 0, path, ": an array ", stored.shape(), " has no numbers");
  const Tensor table = cast(stored, float32).view(Layout::contiguous({n, d}));
  bool bytes = true;
  float highest = 0;
  const float* x = table.data<float>();
  for (int64_t i = 0; i < n * d; ++i) {
    check(std::isfinite(x[i]), path, ": row ", i / d, ", column ", i % d, " (counted from 0) is ", x[i],
          std::isnan(x[i]) ? ": remove the row or fill the gap"
                           : ": expected finite numbers within the range of float32");
    bytes = bytes && x[i] >= 0 && x[i] <= 255 && x[i] == std::floor(x[i]);
    highest = std::max(highest, x[i]);
  }
  out.image = picture(stored.shape());
  if (out.image && bytes && highest > 1) out.levels = 256;
  divide(out, table, options);
  return out;
}

Dataset from_csv(const std::string& path, const LoadOptions& options) {
  Dataset out;
  out.name = "csv:" + path;
  Table table = read_csv(path);
  out.columns = std::move(table.columns);
  divide(out, table.values, options);
  return out;
}

Dataset fashion_mnist() {
  check(std::filesystem::is_directory(fashion_folder), "fashion-mnist: ", fashion_folder,
        " is missing: install it with apt-get install dataset-fashion-mnist");
  Dataset out = load_idx_folder(fashion_folder);
  out.class_names = {"T-shirt", "trousers", "pullover", "dress", "coat",
                     "sandal",  "shirt",    "sneaker",  "bag",   "ankle boot"};
  return out;
}

[[noreturn]] void unknown(const std::string& spec) {
  std::vector<std::string> names = dataset_names();
  std::error_code ignored;
  std::string advice = did_you_mean(spec, names);
  if (std::filesystem::exists(spec, ignored)) {
    const auto path = std::filesystem::path(spec);
    const std::string ending = path.extension().string();
    const char* prefix = std::filesystem::is_directory(path, ignored) ? "idx:"
                         : ending == ".csv"                           ? "csv:"
                         : ending == ".npy"                           ? "npy:"
                                                                      : nullptr;
    if (prefix) advice = join("; did you mean ", prefix, spec, "?");
  }
  if (advice.empty()) {
    advice = ": expected one of";
    for (const std::string& name : names) advice += " " + name;
  }
  throw UsageError(join("unknown data set '", spec, "'", advice));
}

}  // namespace

std::vector<std::string> dataset_names() {
  std::vector<std::string> out;
  for (const Synthetic& set : synthetic_sets()) out.push_back(set.name);
  out.insert(out.end(), {"fashion-mnist", "idx:DIR", "npy:FILE", "csv:FILE"});
  return out;
}

namespace {
Dataset load_here(const std::string& spec, const LoadOptions& options) {
  for (const Synthetic& set : synthetic_sets())
    if (set.name == spec) {
      Dataset out = synthetic(set, options);
      out.name = spec;
      return out;
    }
  const size_t colon = spec.find(':');
  const std::string kind = spec.substr(0, colon), path = colon == std::string::npos ? "" : spec.substr(colon + 1);
  Dataset out;
  if (spec == "fashion-mnist") {
    out = fashion_mnist();
  } else if (colon != std::string::npos && (kind == "idx" || kind == "npy" || kind == "csv")) {
    if (path.empty())
      throw UsageError(join("data set '", spec, "': give the ", kind == "idx" ? "folder" : "file", " after the colon"));
    out = kind == "idx" ? load_idx_folder(path) : kind == "npy" ? from_npy(path, options) : from_csv(path, options);
  } else {
    unknown(spec);
  }
  out.name = spec;
  keep_at_most(out, options);
  return out;
}
}  // namespace

Dataset load_dataset(const std::string& spec, const LoadOptions& options) {
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  Dataset out = load_here(spec, options);
  for (Tensor* x : {&out.train, &out.test, &out.train_labels, &out.test_labels})
    if (x->defined()) *x = to_device(*x, device);
  return out;
}

}  // namespace pf
