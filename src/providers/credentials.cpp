#include "examination.hpp"

#include <algorithm>

namespace certherd::providers {

CredentialsCheck check_credentials(const Account& account, const Provider& provider) {
  return examine(account, provider).check;
}

Result<Credentials> load_credentials(const Account& account, const Provider& provider) {
  Examination examination = examine(account, provider);
  const auto& faults = examination.check.faults;
  if (faults.empty()) return std::move(examination.credentials);
  Fault first = faults.front();
  if (faults.size() > 1)
    first.message += " (and " + std::to_string(faults.size() - 1) + " more: 'certherd config check' lists them)";
  return first;
}

void add_secrets(Redactor& redactor, const Credentials& credentials) {
  for (const auto& secret : credentials.secrets) {
    redactor.add(secret);
    for (const auto& [key, value] : credentials.values)
      if (value != secret && !std::binary_search(credentials.secrets.begin(), credentials.secrets.end(), value))
        redactor.add_basic_auth(value, secret);
  }
}

}  // namespace certherd::providers
