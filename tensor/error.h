#pragma once
// Errors: one exception type, one sentence pattern. "operation: actual values: what was expected; the fix where known".

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace pf {

/// The one exception of the library. `what()` is a sentence for the user; places (a module, a file, a step) can be
/// put in front of it while it passes upward.
class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  /// Puts "place: " in front of the message; call it in a catch block, then `throw;`.
  void add_context(std::string_view place) { message_ = std::string(place) + ": " + message_; }
  /// Puts "in field: " in front; where an inner module has done so, its path grows: "in decoder.layers.2: …".
  void add_module(std::string_view field) {
    if (message_.starts_with("in ")) message_.insert(3, std::string(field) + ".");
    else message_ = "in " + std::string(field) + ": " + message_;
  }

 private:
  std::string message_;
};

/// The arguments of a command are wrong (exit code 2), as opposed to a failure while it runs (exit code 1).
class UsageError final : public Error {
 public:
  using Error::Error;
};

namespace detail {
inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, const char* part) { out += part; }
inline void append(std::string& out, const std::string& part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
inline void append(std::string& out, bool part) { out += part ? "true" : "false"; }
void append(std::string& out, double part);
void append(std::string& out, int64_t part);
inline void append(std::string& out, float part) { append(out, double(part)); }
inline void append(std::string& out, int part) { append(out, int64_t(part)); }
inline void append(std::string& out, unsigned part) { append(out, int64_t(part)); }
inline void append(std::string& out, size_t part) { append(out, int64_t(part)); }
template <class T>
requires requires(const T& t) {
  { to_string(t) } -> std::convertible_to<std::string>;
}
void append(std::string& out, const T& part) { out += to_string(part); }
}  // namespace detail

/// Joins parts into one string: text, numbers, and anything with a `to_string` found by argument-dependent lookup.
template <class... Parts> std::string join(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

template <class... Parts> [[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
  throw Error(join(parts...));
}

/// Throws Error with the joined parts unless `ok`. The parts are only formatted on failure.
template <class... Parts> inline void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail(parts...);
}

}  // namespace pf
