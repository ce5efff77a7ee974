#pragma once

#include <doctest/doctest.h>
#include <certherd/preflight/examine.hpp>

#include <string>
#include <vector>

/// A Domain with which all is well, for tests to spoil.
namespace sample {

using namespace certherd;

inline ServerFacts server(std::string name, std::string address) {
  ServerFacts server;
  server.name = std::move(name);
  server.address = std::move(address);
  server.serial = 42;
  server.primary = "ns1.example.com";
  server.ns = {"ns1.example.com", "ns2.example.com"};
  return server;
}

inline ZoneFacts zone(std::string name = "example.com") {
  return {std::move(name),
          {"ns1.example.com", "ns2.example.com"},
          {server("ns1.example.com", "192.0.2.1:53"), server("ns2.example.com", "192.0.2.2:53")}};
}

inline ViewFacts view(std::string resolver, bool system) {
  ViewFacts view;
  view.resolver = std::move(resolver);
  view.system = system;
  view.zone_found = true;
  view.zone = "example.com";
  view.serial = 42;
  view.primary = "ns1.example.com";
  view.ns = {"ns1.example.com", "ns2.example.com"};
  view.addresses = {"192.0.2.1", "192.0.2.2"};
  return view;
}

inline preflight::Question question() {
  preflight::Question question;
  auto& facts = question.facts;
  facts.domain = "www.example.com";
  facts.challenge_name = facts.final_name = "_acme-challenge.www.example.com";
  facts.zone = zone();
  facts.views = {view("the system's resolver 127.0.0.53:53", true), view("public resolver 1.1.1.1:53", false)};
  question.ca = "letsencrypt";
  question.ca_identities = {"letsencrypt.org"};
  question.account = "main";
  question.account_zones = {"example.com"};
  question.provider = {"rfc2136", false, false};
  return question;
}

/// The challenge led by one CNAME to x.acme.net in zone acme.net.
inline preflight::Question delegated() {
  auto question = sample::question();
  auto& facts = question.facts;
  facts.chain = {{facts.challenge_name, "example.com", "x.acme.net", "", false}};
  facts.final_name = "x.acme.net";
  facts.zone = zone("acme.net");
  facts.views.clear();
  question.account_zones = {"acme.net"};
  question.provider.follows_cname = true;
  return question;
}

/// "warning: what was seen\n" for each Finding of the topic; all of them are checked to be whole.
inline std::string lines(const preflight::Question& question, Finding::Topic topic) {
  std::string text;
  for (const auto& finding : examine(question)) {
    CHECK(finding.domain == question.facts.domain);
    CHECK_FALSE(finding.seen.empty());
    CHECK(finding.fix.empty() == (finding.severity == Finding::Severity::info));
    if (finding.topic == topic) text += std::string(to_string(finding.severity)) + ": " + finding.seen + "\n";
  }
  return text;
}

}  // namespace sample
