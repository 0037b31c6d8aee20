#pragma once
// The least time that a step of each reference workload can take on a GPU, and what it takes on the one that is there.

#include <iosfwd>
#include <string>

#include "bench/workloads/workload.h"

namespace pf::bench {

/// The table of bench/roofline.md, from counts.
void write_roofline(std::ostream& out);
/// Median milliseconds of a step on the device, where steps are queued as in a training: nobody waits in between.
double measure_on_device(const WorkloadEntry& entry, Device device, double seconds, bool replay = false);

/// Lines of a table for people, with the bounds of bench/roofline.md beside the time; or an object.
std::string device_table_header();
std::string device_table_row(const std::string& workload, double ms);
std::string device_json(const std::string& workload, Device device, double ms);

}  // namespace pf::bench
