#pragma once
// A snapshot: everything needed to go on as if never interrupted, in one file. One file, because a kill between two
// would leave a pair that does not belong together; written beside the old one, synced and put in its place in one step.

#include <filesystem>

#include "tensor/json.h"
#include "tensor/random.h"
#include "tensor/safetensors.h"

namespace pf {

/// Tensors (weights, optimiser, averages, data order) under "part.name", and JSON (step, configuration, generators).
struct Snapshot {
  NamedTensors tensors;
  Json meta = Json::object();

  /// put("model", state_dict(model)), put("optimizer", optimizer.state(parameters)) …
  void put(const std::string& part, const NamedTensors& content);
  /// What was put under that name; an error where there is nothing.
  NamedTensors get(const std::string& part) const;
};

/// A safetensors file that any reader of those opens. A kill at any moment leaves the old file or the new one whole.
void save_snapshot(const std::filesystem::path& path, const Snapshot& snapshot);
/// Errors name the file: not there, cut off, not a snapshot, of a newer version.
Snapshot load_snapshot(const std::filesystem::path& path);

// So that meta["rng"] = rng.state() and meta.at("rng").get<Rng::State>() work.
void to_json(Json& out, const Rng::State& state);
void from_json(const Json& in, Rng::State& state);

}  // namespace pf
