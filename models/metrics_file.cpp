#include "models/metrics_file.h"

namespace pf {

MetricsFile::MetricsFile(const std::string& folder, int64_t resumed_at) {
  if (folder.empty()) return;
  const std::filesystem::path path = std::filesystem::path(folder) / "metrics.jsonl";
  std::string kept;
  if (std::ifstream old(path); resumed_at > 0 && old) {
    for (std::string line; std::getline(old, line);) {
      const auto json = parse_json(line);
      if (!json.is_discarded() && json.contains("step") && json["step"].get<int64_t>() <= resumed_at)
        kept += line + '\n';
    }
  }
  write_file_atomically(path, kept);
  file_.open(path, std::ios::app);
  check(file_.good(), path.string(), ": cannot be written");
}

Json as_json(const std::vector<VitalSign>& signs) {
  Json out = Json::object();
  for (const VitalSign& sign : signs) out[sign.name] = sign.value;
  return out;
}

}  // namespace pf
