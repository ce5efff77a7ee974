#include <ostream>

#include <certherd/hooks/select.hpp>

#include <doctest/doctest.h>

using namespace certherd;

namespace {

Hook hook(const std::string& id, std::vector<HookEvent> on) {
  Hook hook;
  hook.id = id;
  hook.command = {"/bin/true"};
  hook.on = std::move(on);
  return hook;
}

const std::map<std::string, Hook> all{
    {"a", hook("a", {HookEvent::deployed})},
    {"b", hook("b", {HookEvent::failed})},
    {"c", hook("c", {HookEvent::deployed, HookEvent::failed})},
};

std::string chosen(HookEvent event, const std::vector<std::string>& names) {
  Certificate certificate;
  certificate.hooks = names;
  std::string text;
  for (const Hook* hook : hooks::hooks_for(event, certificate, all)) text += hook->id;
  return text;
}

}  // namespace

TEST_SUITE("hooks/select") {
  TEST_CASE("the hooks that want the event, in the certificate's order") {
    CHECK(chosen(HookEvent::deployed, {"c", "b", "a"}) == "ca");
    CHECK(chosen(HookEvent::failed, {"a", "b", "c"}) == "bc");
  }

  TEST_CASE("no hooks, hooks for another event, and names that are gone") {
    CHECK(chosen(HookEvent::deployed, {}).empty());
    CHECK(chosen(HookEvent::failed, {"a"}).empty());
    CHECK(chosen(HookEvent::deployed, {"gone", "a"}) == "a");
  }

  TEST_CASE("jobs carry run, hook, event and position, and are owed") {
    Certificate certificate;
    certificate.name = "example.com";
    certificate.hooks = {"c", "a"};
    const auto jobs = hooks::jobs_for(HookEvent::deployed, certificate, all, "run-1", 3);
    REQUIRE(jobs.size() == 2);
    CHECK(jobs[0].run == "run-1");
    CHECK(jobs[0].hook == "c");
    CHECK(jobs[0].event == "deployed");
    CHECK(jobs[0].position == 3);
    CHECK(jobs[0].certificate == "example.com");
    CHECK(jobs[1].hook == "a");
    CHECK(jobs[1].position == 4);
    CHECK_FALSE(jobs[0].done);
    CHECK(jobs[0].tries == 0);
  }
}
