#pragma once

#include <string>
#include <vector>

namespace certherd {

/// What a DNS provider says of what an Account may do.
struct ScopeAnswer {
  enum class Says {
    no_question,      ///< the plugins-map knows no way to ask
    unusable,         ///< the credentials cannot be read; `answer` says why
    nothing,          ///< it could not be asked, or answered something that is no answer
    allowed,          ///< the name may be written
    refused,          ///< it may not, with credentials that are right as such
    bad_credentials,  ///< it does not know the credentials
    zones             ///< the zones that the credentials reach
  };
  Says says = Says::no_question;
  std::string who;                 ///< who was asked, and as whom: "192.0.2.1:53 with TSIG key 'certbot.'"
  std::string answer;              ///< "REFUSED", "NOTAUTH (BADSIG)", "HTTP status 401", "no answer within 3 s"
  std::vector<std::string> zones;  ///< lower case, no dot at the end
  bool whole = false;              ///< these are all of them
};

}  // namespace certherd
