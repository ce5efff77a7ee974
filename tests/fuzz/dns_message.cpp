#include <support/dns_oracle.hpp>
#include <support/dns_samples.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>

// libFuzzer on decode() and on the reply to an update: whatever a server sends, nothing crashes, and what is read is
// what ldns reads there. The first run begins with real answers.

#include <certherd/dns/update.hpp>

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  const std::string corpus = (*arguments)[*count - 1];
  int number = 0;
  for (const auto& sample : certherd::test::dns_samples())
    std::ofstream(corpus + "/sample-" + std::to_string(++number), std::ios::binary) << sample.wire;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  const auto judged = certherd::test::judge_message(wire);
  if (!judged.problem.empty()) {
    std::fprintf(stderr, "decode() makes something up: %s\n", judged.problem.c_str());
    std::abort();
  }
  const auto id = size < 2 ? 0U : static_cast<unsigned>(data[0]) << 8 | data[1];
  (void)certherd::dns::decode_update_reply(wire, static_cast<std::uint16_t>(id));
  return 0;
}
