#include <certherd/base/text.hpp>
#include <certherd/service/control.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace certherd::service {

Reply error_reply(int status, const Fault& fault) {
  const boost::json::value fix =
      fault.fix.empty() ? boost::json::value(nullptr) : boost::json::value(printable(fault.fix));
  Reply reply;
  reply.status = status;
  reply.body = boost::json::serialize(boost::json::object{{"error", printable(fault.message)}, {"fix", fix}}) + "\n";
  return reply;
}

Reply unknown_path(const Request& request) {
  return error_reply(404, {"nothing is at " + bounded(request.path, 200),
                           "ask a service of the same version as this program, and look at the path",
                           {}});
}

Reply wrong_method(const Request& request, const std::string& allowed) {
  Reply reply = error_reply(
      405, {bounded(request.method, 20) + " cannot be done to " + bounded(request.path, 200), "use " + allowed, {}});
  reply.headers["Allow"] = allowed;
  return reply;
}

}  // namespace certherd::service
