#pragma once

#include <exception>
#include <string>

namespace certherd::service {

/// Does something whose failure is to be told and no reason to end: what it threw, in words; empty: it went well.
template <class Work>
std::string trouble_of(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace certherd::service
