#pragma once

#include <certherd/certbot/timeline.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::certbot {

/// An ACME order (RFC 8555 §7.1.3).
struct OrderDocument {
  std::string status;
  std::string finalize;
  std::vector<std::string> identifiers;
  std::optional<Problem> error;
};

/// What acme.client logs of an answer: "Received response:\nHTTP 201\nName: value …\n\nbody". The body is understood as
/// far as it is one of ACME's documents.
struct AcmeAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::optional<Problem> problem;
  std::map<std::string, std::string> directory;
  std::optional<OrderDocument> order;
  std::optional<Authorization> authorization;  ///< without its URL
};

AcmeAnswer parse_answer(std::string_view message);

}  // namespace certherd::certbot
