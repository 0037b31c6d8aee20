#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <thread>

#include "autograd/functional.h"
#include "models/cli/command.h"
#include "models/cli/output.h"
#include "tensor/cuda_backend.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/simd.h"

namespace pf::cli {
namespace {

struct Finding {
  std::string name;
  bool ok;
  std::string detail;
};

Finding processor() {
  return {"processor", true,
          join(std::thread::hardware_concurrency(), " threads, SIMD of ", Vec<float>::width,
               " floats; built by compiler ", __VERSION__)};
}

Finding memory() {
  const double gib = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGE_SIZE)) / 1073741824.0;
  return {"memory", gib > 1, join(gib, " GiB")};
}

Finding random_numbers() {
  // The known answer of Philox4x32-10 for counter and key of all ones (Salmon et al. 2011, reference implementation).
  const auto words = philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u});
  const bool ok = words == std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  return {"random numbers", ok,
          ok ? "Philox4x32-10 gives its known answer" : "Philox4x32-10 does not give its known answer"};
}

/// Matrix products against a plain loop: some builds of OpenBLAS compute wrong results on some processors, and the kernels of
/// small products depend on the width of SIMD vectors.
Finding matrix_products() {
  Rng rng(7);
  double worst = 0;
  for (const int64_t m : {1, 5, 16, 130})
    for (const int64_t n : {1, 2, 4, 33, 131})
      for (const int64_t k : {2, 16, 67, 133})
        for (const bool turned : {false, true}) {
          const Tensor a = rng.normal({m, k}), stored = turned ? rng.normal({n, k}) : rng.normal({k, n});
          const Tensor b = turned ? transpose(stored) : stored, c = matmul(a, b), plain = contiguous(b);
          for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < n; ++j) {
              double sum = 0;
              for (int64_t l = 0; l < k; ++l)
                sum += double(a.data<float>()[i * k + l]) * double(plain.data<float>()[l * n + j]);
              worst = std::max(worst, std::abs(sum - double(c.data<float>()[i * n + j])));
            }
        }
  const bool ok = worst < 1e-4;
  return {"matrix products", ok,
          ok ? join("small ones and OpenBLAS agree with a plain loop to ", worst)
             : join("wrong by ", worst, "; try OPENBLAS_CORETYPE=Haswell, or a build with another PF_MARCH")};
}

Finding derivatives() {
  const Tensor x = tensor({0.3, -0.8, 1.7}, float64);
  const Variable v = tracked(x);
  const Tensor g = grad(sum(exp(tanh(v) * 2.0)), v);
  double worst = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const double t = std::tanh(x.at({i})), exact = std::exp(2 * t) * 2 * (1 - t * t);
    worst = std::max(worst, std::abs(g.at({i}) - exact) / exact);
  }
  return {"derivatives", worst < 1e-12,
          join("d/dx exp(2 tanh x) is right to ", worst, " (pushforward gradcheck checks every operation)")};
}

Finding threads_agree() {
  Rng rng(3);
  const Tensor a = rng.normal({700, 300}), b = rng.normal({300, 500});
  const int before = threads();
  set_threads(1);
  const std::vector<float> one = matmul(a, b).to_vector<float>();
  set_threads(2);
  const bool same = one == matmul(a, b).to_vector<float>();
  set_threads(before);
  return {"threads", same, same ? "one and two give the same bits" : "one and two give different bits"};
}

/// What the device is, and whether a kernel of the library runs there.
std::string examine_device(int index) {
  const cuda::DeviceDescription d = cuda::backend().describe(index);
  std::string text =
      join(d.name, ", compute capability ", d.major, ".", d.minor, ", ", d.multiprocessors, " multiprocessors, ",
           double(d.free_memory >> 20) / 1024, " of ", double(d.memory >> 20) / 1024, " GiB free");
  if (index == 0)
    text += join(", driver ", d.driver / 1000, ".", d.driver % 1000 / 10, ", runtime ", d.runtime / 1000, ".",
                 d.runtime % 1000 / 10);
  const UseDevice on(Device::cuda(index));
  const double found = sum(full({1000}, 2)).item();
  check(found == 2000, text, "; its kernels compute wrong: the sum of 1000 twos is ", found);
  return text + "; kernels run";
}

Finding gpu() {
  std::string reason;
  if (!cuda::available(&reason)) return {"GPU", true, join("none used: ", reason)};
  Finding out{"GPU", true, ""};
  const int count = cuda::backend().device_count();
  for (int i = 0; i < count; ++i) {
    out.detail += join(i ? "; cuda:" : "cuda:", i, " ");
    try {
      out.detail += examine_device(i);
    } catch (const Error& error) {
      out.ok = false;
      out.detail += error.what();
    }
  }
  return out;
}

Finding data_set() {
  const char* folder = "/usr/share/datasets/fashion-mnist";
  const bool there = std::filesystem::exists(folder);
  return {"fashion-mnist", true, there ? folder : "not installed; apt-get install dataset-fashion-mnist"};
}

}  // namespace

void add_doctor(Program& program) {
  Command command = program.add("doctor", "check the machine and the numerical foundations");
  auto json = std::make_shared<bool>(false);
  command.flag("--json", *json, "one JSON object a line");
  command.action([json] {
    bool healthy = true;
    for (const auto& examine :
         {processor, memory, random_numbers, matrix_products, derivatives, threads_agree, gpu, data_set}) {
      const Finding finding = examine();
      healthy &= finding.ok;
      if (*json)
        std::cout << json_line({{"check", finding.name}, {"ok", finding.ok}, {"detail", finding.detail}}) << '\n';
      else std::cout << (finding.ok ? "ok    " : "FAIL  ") << finding.name << ": " << finding.detail << '\n';
    }
    check(healthy, "doctor: something is wrong; the lines marked FAIL say what");
  });
}

}  // namespace pf::cli
