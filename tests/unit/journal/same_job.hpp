#pragma once

#include <certherd/model/run.hpp>

#include <ostream>

#include <doctest/doctest.h>

namespace certherd::test {

inline void check_same(const HookJob& seen, const HookJob& expected) {
  CHECK(seen.run == expected.run);
  CHECK(seen.hook == expected.hook);
  CHECK(seen.event == expected.event);
  CHECK(seen.position == expected.position);
  CHECK(seen.done == expected.done);
  CHECK(seen.tries == expected.tries);
  CHECK(seen.started == expected.started);
  CHECK(seen.duration == expected.duration);
  CHECK(seen.error == expected.error);
  CHECK(seen.output == expected.output);
  CHECK(seen.certificate == expected.certificate);
  CHECK(seen.next_try == expected.next_try);
  CHECK(seen.dropped == expected.dropped);
  CHECK(seen.ran_with == expected.ran_with);
}

}  // namespace certherd::test
