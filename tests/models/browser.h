#pragma once
// A headless Chromium that is told what to do over a pipe (the DevTools protocol with --remote-debugging-pipe: messages of JSON,
// each ended by a zero byte, to its descriptor 3 and from its descriptor 4). What a test does with it is what a person would:
// real keys, a window of a given width, a theme of the system.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace pf::testing {

/// The path of the first browser of the Chromium kind, or nothing.
inline std::string browser_path() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  std::vector<std::string> all;
  for (std::string folder; std::getline(folders, folder, ':');) all.push_back(folder);
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    for (const std::string& folder : all)
      if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  return "";
}

class Browser {
 public:
  using Json = nlohmann::json;

  /// profile: a folder of its own.
  explicit Browser(const std::filesystem::path& profile) {
    int to[2], from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0) throw std::runtime_error("pipe failed");
    const std::string program = browser_path(), data = "--user-data-dir=" + profile.string();
    child_ = ::fork();
    if (child_ == 0) {
      // Above 4 first, so that neither end lies where the other has to go.
      const int in = ::fcntl(to[0], F_DUPFD, 10), out = ::fcntl(from[1], F_DUPFD, 10),
                quiet = ::open("/dev/null", O_RDWR);
      ::dup2(in, 3);
      ::dup2(out, 4);
      ::dup2(quiet, 1);
      ::dup2(quiet, 2);
      for (int other = 5; other < 64; ++other) ::close(other);
      ::execl(program.c_str(), program.c_str(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
              "--disable-background-networking", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
              "--remote-debugging-pipe", data.c_str(), "about:blank", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
    const Json made = call("Target.createTarget", {{"url", "about:blank"}});
    session_ = call("Target.attachToTarget", {{"targetId", made.at("targetId")}, {"flatten", true}}).at("sessionId");
    call("Runtime.enable");
  }
  ~Browser() {
    ::close(to_);
    ::close(from_);
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  Browser(const Browser&) = delete;

  /// Opens an address in a window of this width, in the system's dark or light theme, and waits until it is there.
  void open(const std::string& address, int width, bool dark) {
    call("Emulation.setDeviceMetricsOverride",
         {{"width", width}, {"height", 1200}, {"deviceScaleFactor", 1}, {"mobile", width < 600}});
    call("Emulation.setEmulatedMedia",
         {{"features", {{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}}}}});
    call("Page.navigate", {{"url", "about:blank"}});
    call("Page.navigate", {{"url", address}});
    for (int i = 0; i < 600; ++i) {
      try {
        if (value("location.href === " + Json(address).dump() + " && document.readyState === 'complete'") == true)
          return;
      } catch (const std::runtime_error&) {}  // a page that goes takes what is evaluated in it along
      ::usleep(100'000);
    }
    throw std::runtime_error("the page did not load: " + address);
  }

  /// What an expression of JavaScript comes to.
  Json value(const std::string& expression) {
    const Json answer = call("Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
    if (answer.contains("exceptionDetails")) throw std::runtime_error(answer.at("exceptionDetails").dump());
    return answer.at("result").contains("value") ? answer.at("result").at("value") : Json();
  }

  /// Presses and releases a key that has a name: ArrowLeft, Home, Tab, Escape, +.
  void press(const std::string& key) {
    static const std::vector<std::pair<std::string, int>> codes{
        {"Tab", 9},        {"Escape", 27},  {"PageUp", 33},     {"PageDown", 34},  {"End", 35}, {"Home", 36},
        {"ArrowLeft", 37}, {"ArrowUp", 38}, {"ArrowRight", 39}, {"ArrowDown", 40}, {" ", 32},   {"+", 187}};
    int code = 0;
    for (const auto& [name, number] : codes)
      if (name == key) code = number;
    Json event{
        {"type", "keyDown"}, {"key", key}, {"code", key == " " ? "Space" : key}, {"windowsVirtualKeyCode", code}};
    if (key.size() == 1) event["text"] = key;
    call("Input.dispatchKeyEvent", event);
    event["type"] = "keyUp";
    event.erase("text");
    call("Input.dispatchKeyEvent", event);
  }

  /// Everything that went to the console, or was thrown and not caught, since the browser started.
  const std::vector<std::string>& console() const { return console_; }

 private:
  Json call(const std::string& method, const Json& parameters = Json::object()) {
    Json message{{"id", ++last_}, {"method", method}, {"params", parameters}};
    if (!session_.empty()) message["sessionId"] = session_;
    const std::string text = message.dump() + '\0';
    for (size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(to_, text.data() + at, text.size() - at);
      if (n <= 0) throw std::runtime_error("the browser does not listen");
      at += size_t(n);
    }
    while (true) {
      const Json answer = Json::parse(next());
      const std::string event = answer.value("method", "");
      if (event == "Runtime.consoleAPICalled" || event == "Runtime.exceptionThrown")
        console_.push_back(answer.at("params").dump());
      if (answer.value("id", 0) != last_) continue;
      if (answer.contains("error")) throw std::runtime_error(method + ": " + answer.at("error").dump());
      return answer.at("result");
    }
  }

  std::string next() {
    while (true) {
      if (const size_t end = unread_.find('\0'); end != std::string::npos) {
        const std::string message = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        return message;
      }
      pollfd waiting{from_, POLLIN, 0};
      if (::poll(&waiting, 1, 120'000) <= 0) throw std::runtime_error("the browser does not answer");
      std::array<char, 65536> part;
      const ssize_t n = ::read(from_, part.data(), part.size());
      if (n <= 0) throw std::runtime_error("the browser has gone");
      unread_.append(part.data(), size_t(n));
    }
  }

  pid_t child_ = -1;
  int to_ = -1, from_ = -1, last_ = 0;
  std::string session_, unread_;
  std::vector<std::string> console_;
};

}  // namespace pf::testing
