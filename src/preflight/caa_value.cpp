#include "caa_value.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>

namespace certherd::preflight {
namespace {

using Form = CaaValue::Form;

/// WSP of RFC 5234: a newline is none.
std::string trim_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)): a label of an issuer domain name, and a parameter's tag.
bool letters_digits_hyphens(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return alphanumeric(c) || c == '-'; });
}

bool domain_name(std::string_view text) {
  const auto labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), letters_digits_hyphens);
}

/// *(%x21-3A / %x3C-7E); a semicolon cannot be here.
bool parameter_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void note(CaaValue& value, Form form, std::string trouble) {
  if (value.form == Form::malformed || (value.form == form)) return;
  value.form = form;
  value.trouble = std::move(trouble);
}

void read_parameter(CaaValue& value, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    return note(value, Form::malformed, "a parameter is not written tag=value (RFC 8659 §4.2)");
  CaaValue::Parameter parameter{trim_blanks(text.substr(0, equals)), trim_blanks(text.substr(equals + 1))};
  if (!parameter_value(parameter.value))
    return note(value, Form::malformed, "a parameter's value holds blanks or other forbidden characters");
  const bool boulder = std::all_of(parameter.tag.begin(), parameter.tag.end(), alphanumeric);
  const bool grammar = letters_digits_hyphens(parameter.tag);
  if (!boulder && !grammar) return note(value, Form::malformed, "a parameter's tag holds forbidden characters");
  if (!boulder) note(value, Form::disputed, "a parameter's tag holds \"-\", which Let's Encrypt takes for malformed");
  if (!grammar) note(value, Form::disputed, "a parameter has no tag, which RFC 8659 §4.2 forbids");
  value.parameters.push_back(std::move(parameter));
}

}  // namespace

CaaValue parse_caa_value(std::string_view text) {
  CaaValue value;
  const auto parts = split(text, ';');
  value.issuer = trim_blanks(parts[0]);
  if (!value.issuer.empty() && !domain_name(value.issuer))
    note(value, Form::malformed, "the issuer is not written as a domain name (RFC 8659 §4.2)");
  if (parts.size() == 2 && trim_blanks(parts[1]).empty()) return value;
  for (std::size_t i = 1; i < parts.size(); ++i) read_parameter(value, parts[i]);
  return value;
}

}  // namespace certherd::preflight
