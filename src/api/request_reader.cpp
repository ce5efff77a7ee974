#include "request_reader.hpp"

#include <algorithm>
#include <utility>

namespace certherd::api {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";

/// Bytes that no head holds (RFC 9110 §5.5): a client that sends them speaks something else.
bool foreign(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\r' && byte != '\n' && byte != '\t') || byte == 0x7f;
}

}  // namespace

RequestReader::Progress RequestReader::feed(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  bytes_.append(bytes);
  return head_ ? read_body() : read_head();
}

RequestReader::Progress RequestReader::read_head() {
  // The end may lie across two pieces.
  const auto from = checked_ < head_end.size() ? 0 : checked_ - head_end.size();
  const auto end = bytes_.find(head_end, from);
  const std::size_t size = end == bytes_.npos ? bytes_.size() : end + head_end.size();
  if (size > head_limit_)
    return refuse(
        service::error_reply(431, {"the head of the request is longer than " + std::to_string(head_limit_) + " bytes",
                                   "send fewer or shorter headers",
                                   {}}));
  const auto head = std::string_view(bytes_).substr(0, size);
  if (std::any_of(head.begin() + static_cast<std::ptrdiff_t>(std::min(checked_, size)), head.end(), foreign))
    return refuse(service::error_reply(
        400, {"this is no request: it holds control characters", "send HTTP/1.1, as `certherd` and `curl` do", {}}));
  checked_ = size;
  if (end == bytes_.npos) return Progress::more;

  auto parsed = parse_head(bytes_.substr(0, size));
  if (auto* const refusal = std::get_if<service::Reply>(&parsed)) return refuse(std::move(*refusal));
  head_ = std::move(std::get<RequestHead>(parsed));
  if (head_->content_length > body_limit_)
    return refuse(
        service::error_reply(413, {"the body of the request is longer than " + std::to_string(body_limit_) + " bytes",
                                   "ask for less at once",
                                   {}}));
  bytes_.erase(0, size);
  return read_body();
}

RequestReader::Progress RequestReader::read_body() {
  return bytes_.size() < head_->content_length ? Progress::more : Progress::whole;
}

RequestReader::Progress RequestReader::refuse(service::Reply reply) {
  refusal_ = std::move(reply);
  bytes_.clear();
  return Progress::refused;
}

service::Request RequestReader::take() {
  service::Request request = std::move(head_->request);
  // What follows the body would be a second request, which a connection that is closed after the first does not have.
  bytes_.resize(head_->content_length);
  request.body = std::move(bytes_);
  return request;
}

}  // namespace certherd::api
