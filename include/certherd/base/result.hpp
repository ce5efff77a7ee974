#pragma once

#include <certherd/base/mark.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace certherd {

/// Something that went wrong, told to a person: what happened and where, and what to do about it.
struct Fault {
  std::string message;             ///< what happened, where; one sentence, no trailing newline
  std::string fix;                 ///< what to do; empty when the message says it all
  std::optional<SourceMark> mark;  ///< the place in a configuration file, when there is one

  /// "message; fix" on one line, for logs and the command line.
  std::string text() const { return fix.empty() ? message : message + "; " + fix; }
};

/// Ends a Run or the program: nobody on the way can act on it. What a caller can act on comes as a Result.
class Failed : public std::runtime_error {
public:
  explicit Failed(Fault fault) : std::runtime_error(fault.text()), fault_(std::move(fault)) {}
  const Fault& fault() const { return fault_; }

private:
  Fault fault_;
};

/// Either a value or the Fault that explains why there is none.
template <class T>
class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Fault fault) : state_(std::in_place_index<1>, std::move(fault)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Fault& fault() const { return std::get<1>(state_); }

  /// The value, or a Failed exception that carries the Fault.
  T or_throw() && {
    if (!ok()) throw Failed(fault());
    return std::move(*this).value();
  }

private:
  std::variant<T, Fault> state_;
};

/// The Result of what is done for its effect alone.
template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Fault fault) : fault_(std::move(fault)) {}

  explicit operator bool() const { return !fault_; }
  bool ok() const { return !fault_; }
  const Fault& fault() const { return *fault_; }
  void or_throw() const {
    if (fault_) throw Failed(*fault_);
  }

private:
  std::optional<Fault> fault_;
};

}  // namespace certherd
