#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>

#include <optional>
#include <string>

namespace certherd::store {

/// The Generation that store_dir/<name> points to, with the facts of its certificate. nullopt: there is none, or what
/// the link leads to is not a Generation of ours that can be read. Reads cert.pem alone: some 30 µs (0.15 ms with an
/// RSA key).
std::optional<Generation> current(const Paths& paths, const std::string& name);

/// The newest readable Generation before the current one; nullopt when there is none.
std::optional<Generation> previous(const Paths& paths, const std::string& name);

/// Whether what certbot's lineage holds has not reached the store: nothing is published yet, or an older certificate
/// (a later notBefore, or the same and a different serial). Happens when certherd died, or the store was full, between
/// certbot's success and publishing.
bool needs_publish(const std::optional<Generation>& current, const CertificateFacts& lineage);

}  // namespace certherd::store
