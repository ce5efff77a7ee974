#pragma once

#include <stdlib.h>

#include <string>
#include <utility>

namespace certherd::test {

/// Sets a variable of our own environment, as long as it lives.
class EnvironmentVariable {
public:
  EnvironmentVariable(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() { ::unsetenv(name_.c_str()); }

private:
  std::string name_;
};

}  // namespace certherd::test
