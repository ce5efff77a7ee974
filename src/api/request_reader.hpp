#pragma once

#include "http_message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace certherd::api {

/// Gathers one request from the pieces in which it comes, within its limits.
class RequestReader {
public:
  RequestReader(std::size_t head_limit, std::size_t body_limit) : head_limit_(head_limit), body_limit_(body_limit) {}

  enum class Progress {
    more,    ///< something is still to come
    whole,   ///< take()
    refused  ///< refusal(): 400, 411, 413, 431 or 505
  };
  Progress feed(std::string_view bytes);

  bool begun() const { return begun_; }
  /// What is asked; its actor is for the caller to fill.
  service::Request take();
  service::Reply refusal() const { return refusal_; }

private:
  Progress refuse(service::Reply reply);
  Progress read_head();
  Progress read_body();

  const std::size_t head_limit_;
  const std::size_t body_limit_;
  std::string bytes_;        ///< the head while it is not whole, then the body
  std::size_t checked_ = 0;  ///< so many bytes of the head may stand in one
  bool begun_ = false;
  std::optional<RequestHead> head_;
  service::Reply refusal_;
};

}  // namespace certherd::api
