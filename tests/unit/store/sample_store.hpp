#pragma once

#include <certherd/store/publish.hpp>

#include <support/temp_dir.hpp>

#include "pem_maker.hpp"

#include <filesystem>

namespace certherd::test {

/// A state directory, and one certificate that is published into it.
struct SampleStore {
  SampleStore() : SampleStore(std::filesystem::temp_directory_path()) {}
  explicit SampleStore(const std::filesystem::path& parent) : dir(parent) {
    paths.state_dir = dir.path() / "state";
    paths.store_dir = paths.state_dir / "certificates";
    certificate.name = "example.com";
    certificate.domains = {"example.com", "*.example.com"};
  }

  Result<Generation> publish(const store::PemSet& pems) const {
    return store::publish(paths, certificate, pems, *store::read_facts(pems.cert));
  }
  Result<Generation> publish() const { return publish(maker().set()); }
  std::filesystem::path link() const { return paths.store_dir / certificate.name; }
  std::filesystem::path home() const { return paths.generations_dir() / certificate.name; }

  TempDir dir;
  Paths paths;
  Certificate certificate;
};

}  // namespace certherd::test
