#pragma once
// metrics.jsonl: what a training tells of itself, a line now and then.

#include <filesystem>
#include <fstream>
#include <string>

#include "models/objective.h"
#include "tensor/files.h"
#include "tensor/json.h"

namespace pf {

/// In the folder of a run; without one nothing is written. After a resume the lines behind the snapshot are dropped: they will be
/// made again.
class MetricsFile {
 public:
  MetricsFile(const std::string& folder, int64_t resumed_at);
  void write(const Json& line) {
    if (file_.is_open()) file_ << line.dump() << std::endl;
  }

 private:
  std::ofstream file_;
};

Json as_json(const std::vector<VitalSign>& signs);

}  // namespace pf
