#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/hooks/run_hook.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/environment_variable.hpp>
#include <support/http_server.hpp>
#include <support/temp_dir.hpp>

#include <cstdlib>

using namespace certherd;
using test::HttpServer;

namespace {

struct Bench {
  boost::asio::io_context context{1};
  boost::asio::thread_pool pool{1};
  os::StopSignal stop{context.get_executor()};
  Redactor redactor;
  hooks::HookContext told;

  Bench() {
    told.certificate = "example.com";
    told.run = "run-1";
  }
  HookJob run(const Hook& hook) {
    HookJob job;
    job.run = "run-1";
    job.hook = hook.id;
    job.event = "deployed";
    job.position = 2;
    return run(hook, job);
  }
  HookJob run(const Hook& hook, const HookJob& job) {
    return test::run(context, hooks::run_hook(hook, told, job, pool, redactor, stop));
  }
};

Hook command(std::vector<std::string> arguments) {
  Hook hook;
  hook.id = "reload-nginx";
  hook.command = std::move(arguments);
  return hook;
}

Hook shell(const std::string& script) {
  return command({"/bin/sh", "-c", script});
}

Hook webhook(const std::string& url) {
  Hook hook;
  hook.id = "tell-chat";
  hook.webhook = ValueSource{ValueSource::Kind::literal, url, {}};
  return hook;
}

void answer_status(HttpServer::Response& response, int status, const std::string& body) {
  response.setStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(status));
  response.sendBuffer(body.data(), body.size());
}

}  // namespace

TEST_SUITE("hooks/run_hook") {
  TEST_CASE("a command that succeeds is done, with its output") {
    Bench bench;
    const auto job = bench.run(shell("echo reloaded; echo warned >&2"));
    CHECK(job.done);
    CHECK(job.error.empty());
    CHECK(job.output == "reloaded\nwarned");
    CHECK(job.tries == 1);
    CHECK(job.run == "run-1");
    CHECK(job.hook == "reload-nginx");
    CHECK(job.position == 2);
    CHECK(job.started > TimePoint{});
  }

  TEST_CASE("arguments are no shell text") {
    Bench bench;
    CHECK(bench.run(command({"/bin/echo", "$HOME;", "a  b"})).output == "$HOME; a  b");
  }

  TEST_CASE("the environment is the documented one and nothing of ours but HOME") {
    const test::EnvironmentVariable secret("CERTHERD_TEST_SECRET", "secret");
    Bench bench;
    const auto output = bench.run(command({"/usr/bin/env"})).output;
    std::string expected;
    for (const auto& [name, value] : hooks::environment(bench.told)) expected += name + "=" + value + "\n";
    if (const char* home = std::getenv("HOME")) expected += "HOME=" + std::string(home) + "\n";
    CHECK(output + "\n" == expected);
  }

  TEST_CASE("an exit code other than 0 is told") {
    Bench bench;
    const auto job = bench.run(shell("echo broken; exit 3"));
    CHECK_FALSE(job.done);
    CHECK(job.error == "hook reload-nginx: exit code 3");
    CHECK(job.output == "broken");
  }

  TEST_CASE("a signal is told") {
    Bench bench;
    CHECK(bench.run(shell("kill -9 $$")).error == "hook reload-nginx: ended by signal 9");
  }

  TEST_CASE("a command that is not there is told") {
    Bench bench;
    CHECK(bench.run(command({"/usr/bin/no-such-thing"})).error ==
          "hook reload-nginx: /usr/bin/no-such-thing is not there; install it or correct the path");
  }

  TEST_CASE("a hook that hangs is ended") {
    Bench bench;
    Hook hook = shell("echo waiting; exec sleep 600");
    hook.timeout = Seconds(1);
    const auto job = bench.run(hook);
    CHECK_FALSE(job.done);
    CHECK(job.error == "hook reload-nginx: did not end within 1s and was ended");
    CHECK(job.output == "waiting");
  }

  TEST_CASE("a hook that is ended and then says success has failed all the same") {
    Bench bench;
    Hook hook = shell("trap 'exit 0' TERM; sleep 600 & wait");
    hook.timeout = Seconds(1);
    const auto job = bench.run(hook);
    CHECK_FALSE(job.done);
    CHECK(job.error == "hook reload-nginx: did not end within 1s and was ended");
  }

  TEST_CASE("a hook that forks and keeps its pipe open does not hold us") {
    Bench bench;
    const auto job = bench.run(shell("sleep 600 & sleep 600 & echo started"));
    CHECK(job.done);
    CHECK(job.output == "started");
  }

  TEST_CASE("a hook that floods its output leaves the end of it") {
    Bench bench;
    const auto job = bench.run(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"));
    CHECK(job.done);
    CHECK(job.output.size() < hooks::output_limit + 100);
    CHECK(job.output.starts_with("[output before this was dropped]\nline "));
    CHECK(job.output.ends_with("\nline 19999"));
  }

  TEST_CASE("secrets in the output are redacted") {
    Bench bench;
    bench.redactor.add("hunter22");
    CHECK(bench.run(shell("echo password hunter22")).output == "password [redacted]");
  }

  TEST_CASE("a stop ends a hook at work, which stays owed") {
    Bench bench;
    const test::TempDir dir;
    const auto flag = dir.path() / "started";
    boost::asio::steady_timer poll(bench.context);
    const auto watch = [&]() -> boost::asio::awaitable<void> {
      while (!std::filesystem::exists(flag)) {
        poll.expires_after(Milliseconds(10));
        co_await poll.async_wait(boost::asio::use_awaitable);
      }
      bench.stop.request();
    };
    boost::asio::co_spawn(bench.context, watch, test::rethrow);
    const auto job = bench.run(shell("touch " + flag.string() + "; exec sleep 600"));
    CHECK_FALSE(job.done);
    CHECK(job.tries == 1);
    CHECK(job.error == "hook reload-nginx: was ended because certherd is stopping");
  }

  TEST_CASE("after a stop no hook is run, and none counts as tried") {
    Bench bench;
    bench.stop.request();
    for (const auto& hook : {shell("true"), webhook("http://127.0.0.1:1/")}) {
      const auto job = bench.run(hook);
      CHECK_FALSE(job.done);
      CHECK(job.tries == 0);
      CHECK(job.error == "hook " + hook.id + ": not run because certherd is stopping");
    }
  }

  TEST_CASE("a second try that succeeds clears the first one's error") {
    Bench bench;
    HookJob job;
    job.tries = 1;
    job.error = "hook reload-nginx: exit code 1";
    job = bench.run(shell("true"), job);
    CHECK(job.done);
    CHECK(job.tries == 2);
    CHECK(job.error.empty());
  }

  TEST_CASE("a webhook posts the documented body as JSON and is done by 2xx") {
    std::string seen;
    const HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      seen =
          request.getMethod() + " " + request.getURI() + " " + request.getContentType() + " " + test::body_of(request);
      answer_status(response, 202, "thanks");
    });
    Bench bench;
    const auto job = bench.run(webhook("http://" + server.authority() + "/hook?key=1"));
    CHECK(job.done);
    CHECK(job.error.empty());
    CHECK(job.output == "thanks");
    CHECK(seen == "POST /hook?key=1 application/json " + hooks::webhook_body(bench.told));
  }

  TEST_CASE("an answer that is not 2xx is told with the host alone, and the answer without the URL") {
    const HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      answer_status(response, 404, "no " + request.getURI() + " here, nor /hook/token");
    });
    Bench bench;
    const auto job = bench.run(webhook("http://" + server.authority() + "/hook/token?key=1"));
    CHECK_FALSE(job.done);
    CHECK(job.error == "hook tell-chat: http://" + server.authority() + "/… answered 404");
    CHECK(job.output == "no [redacted] here, nor [redacted]");
  }

  TEST_CASE("a redirect is a failure that says what to do") {
    const HttpServer server(
        [](HttpServer::Request&, HttpServer::Response& response) { response.redirect("/elsewhere"); });
    Bench bench;
    CHECK(bench.run(webhook("http://" + server.authority() + "/hook")).error ==
          "hook tell-chat: http://" + server.authority() +
              "/… answered 302; redirects are not followed: configure the URL it leads to");
  }

  TEST_CASE("a webhook over TLS trusts the hook's own CA, and nothing without it") {
    test::Authority authority;
    const HttpServer server(
        [](HttpServer::Request&, HttpServer::Response& response) { answer_status(response, 200, ""); },
        authority.issue("DNS:localhost"));
    Bench bench;
    Hook hook = webhook("https://" + server.authority("localhost") + "/secret");
    const auto refused = bench.run(hook);
    CHECK_FALSE(refused.done);
    CHECK(contains(refused.error, "its certificate is not trusted"));
    CHECK_FALSE(contains(refused.error, "secret"));
    hook.ca_bundle = authority.bundle();
    CHECK(bench.run(hook).done);
  }

  TEST_CASE("a webhook that hangs is left at its timeout") {
    Bench bench;
    // Connections to a socket that only listens are made by the kernel and never answered.
    const Poco::Net::ServerSocket silent(Poco::Net::SocketAddress("127.0.0.1", 0));
    const std::string host = "http://127.0.0.1:" + std::to_string(silent.address().port());
    Hook hook = webhook(host + "/secret");
    hook.timeout = Seconds(1);
    CHECK(bench.run(hook).error == "hook tell-chat: " + host + "/…: no whole answer within 1s");
  }

  TEST_CASE("the URL of a webhook is read when it is needed") {
    const HttpServer server(
        [](HttpServer::Request&, HttpServer::Response& response) { answer_status(response, 200, ""); });
    const test::TempDir dir;
    Bench bench;
    Hook hook = webhook("");
    hook.webhook = ValueSource{ValueSource::Kind::file, (dir.path() / "url").string(), {}};
    CHECK(bench.run(hook).error ==
          "hook tell-chat: cannot read " + (dir.path() / "url").string() + ": No such file or directory");
    dir.write("url", "http://" + server.authority() + "/hook\n");
    std::filesystem::permissions(dir.path() / "url", std::filesystem::perms::owner_read);
    CHECK(bench.run(hook).done);
  }
}
