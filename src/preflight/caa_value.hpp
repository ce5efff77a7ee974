#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace certherd::preflight {

/// The value of an issue or issuewild property, taken apart (RFC 8659 §4.2).
struct CaaValue {
  struct Parameter {
    std::string tag;
    std::string value;
  };
  enum class Form {
    good,
    malformed,  ///< "MUST be treated the same as one specifying an empty issuer-domain-name"
    disputed    ///< boulder and the grammar of RFC 8659 differ
  };
  Form form = Form::good;
  std::string trouble;  ///< why it is not good
  std::string issuer;   ///< as written; empty: forbids
  std::vector<Parameter> parameters;
};

CaaValue parse_caa_value(std::string_view text);

}  // namespace certherd::preflight
