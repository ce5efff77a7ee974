#include "replies.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>

#include <exception>

namespace certherd::api {

using service::error_reply;
using service::Reply;

Reply busy(const std::string& what) {
  Reply reply = error_reply(503, {"the service has too much to do: " + what, "try again in a few seconds", {}});
  reply.headers["Retry-After"] = "5";
  return reply;
}

Reply stopping() {
  return error_reply(503, {"the service is stopping", "ask again when it has been started", {}});
}

Reply stranger() {
  return error_reply(403, {"the system does not tell who is asking", "connect from this host directly", {}});
}

Reply failed_reply(const service::Request& request) {
  const std::string where = request.method + " " + bounded(request.path, 200);
  try {
    throw;
  } catch (const Failed& failed) {
    os::log(os::LogLevel::error, where + " failed: " + failed.fault().text());
    return error_reply(500, failed.fault());
  } catch (const std::exception& error) {
    os::log(os::LogLevel::error, where + " failed: " + error.what());
    return error_reply(500, {where + " failed: " + error.what(), "look into the log of the service", {}});
  } catch (...) {
    os::log(os::LogLevel::error, where + " failed without a word");
    return error_reply(500, {where + " failed without a word", "look into the log of the service", {}});
  }
}

}  // namespace certherd::api
