#include <certherd/base/mark.hpp>

#include <mutex>
#include <unordered_set>

namespace certherd {
namespace {

const std::string* kept(const std::string& name) {
  static std::mutex mutex;
  // Never destroyed: marks in static objects may outlive anything.
  static auto& names = *new std::unordered_set<std::string>;
  const std::lock_guard lock(mutex);
  return &*names.insert(name).first;
}

}  // namespace

FileName::FileName(const std::string& name) : name_(name.empty() ? nullptr : kept(name)) {}

const std::string& FileName::text() const {
  static const std::string none;
  return name_ ? *name_ : none;
}

std::string to_string(const SourceMark& mark) {
  return mark.file.text() + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

}  // namespace certherd
