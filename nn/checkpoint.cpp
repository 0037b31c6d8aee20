#include "nn/checkpoint.h"

#include "tensor/suggest.h"

namespace pf {
namespace {
constexpr auto format = "pushforward snapshot";
constexpr int version = 1;

std::string part_of(const std::string& name) { return name.substr(0, name.find('.')); }
}  // namespace

void Snapshot::put(const std::string& part, const NamedTensors& content) {
  check(!part.empty() && part.find('.') == std::string::npos, "snapshot: part '", part,
        "': expected a name without dots");
  for (const auto& [name, value] : content.tensors) {
    const std::string full = part + "." + name;
    check(!tensors.find(full), "snapshot: `", full, "` is there already");
    tensors.add(full, value);
  }
}

NamedTensors Snapshot::get(const std::string& part) const {
  NamedTensors out;
  std::vector<std::string> parts;
  for (const auto& [name, value] : tensors.tensors) {
    if (name.starts_with(part + ".")) out.add(name.substr(part.size() + 1), value);
    if (parts.empty() || parts.back() != part_of(name)) parts.push_back(part_of(name));
  }
  check(!out.tensors.empty(), "snapshot: no part '", part, "' in it", did_you_mean(part, parts));
  return out;
}

void save_snapshot(const std::filesystem::path& path, const Snapshot& snapshot) {
  NamedTensors content = snapshot.tensors;
  content.metadata["format"] = format;
  content.metadata["version"] = std::to_string(version);
  content.metadata["meta"] = snapshot.meta.dump(-1, ' ', false, Json::error_handler_t::replace);
  write_safetensors(path, content);
}

Snapshot load_snapshot(const std::filesystem::path& path) {
  Snapshot out;
  out.tensors = read_safetensors(path);
  auto take = [&](const char* key) {
    const auto found = out.tensors.metadata.find(key);
    return found == out.tensors.metadata.end() ? std::string() : found->second;
  };
  check(take("format") == format, path.string(),
        ": a safetensors file, but not a snapshot of a training: its metadata has ",
        take("format").empty() ? "no format" : "the format '" + take("format") + "'", ", expected '", format, "'");
  check(take("version") == std::to_string(version), path.string(), ": snapshot version '", take("version"),
        "': this program reads version ", version);
  out.meta = parse_json(take("meta"));
  check(out.meta.is_object(), path.string(),
        ": the snapshot's meta is not a JSON object: the file was changed by something else");
  out.tensors.metadata.clear();
  return out;
}

void to_json(Json& out, const Rng::State& state) {
  out = {{"seed", state.seed}, {"stream", state.stream}, {"position", state.position}};
}

void from_json(const Json& in, Rng::State& state) {
  auto number = [&](const char* key) {
    const auto found = in.is_object() ? in.find(key) : in.end();
    check(in.is_object() && found != in.end() && found->is_number_unsigned(), "random generator: ", in.dump(),
          ": expected whole numbers seed, stream and position");
    return found->get<uint64_t>();
  };
  state = {number("seed"), number("stream"), number("position")};
}

}  // namespace pf
