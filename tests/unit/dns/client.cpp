#include <ostream>

#include <doctest/doctest.h>
#include <certherd/dns/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <set>

#include "../../../src/dns/exchange.hpp"
#include "../support/coroutine.hpp"
#include "../support/files.hpp"
#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"
#include "name_server.hpp"

using namespace certherd;
using dns::Client;
using dns::RecordType;
using test::Asked;
using test::NameServer;

namespace {

const std::string good_line = "example.com. 300 IN A 192.0.2.1";

test::Answer good_answer() {
  test::Answer answer;
  answer.answers = {good_line};
  return answer;
}

test::Answer refusal(unsigned rcode, bool edns = true) {
  test::Answer answer;
  answer.rcode = rcode;
  answer.edns = edns;
  return answer;
}

struct ClientBench {
  boost::asio::io_context io{1};
  boost::asio::thread_pool pool{1};
  std::vector<std::unique_ptr<NameServer>> servers;
  dns::ClientOptions options{{}, Milliseconds(150), 2};

  NameServer& serve(NameServer::Serve serve) {
    servers.push_back(std::make_unique<NameServer>(io.get_executor(), "127.0.0.1", 0, std::move(serve)));
    options.resolvers.push_back(servers.back()->endpoint());
    return *servers.back();
  }
  dns::Reply resolve(const std::string& name = "example.com", RecordType type = RecordType::a) {
    Client client(io.get_executor(), pool, options);
    return test::run_among_others(io, client.resolve(name, type));
  }
  ~ClientBench() {
    servers.clear();
    io.restart();
    io.run();
  }
};

std::string address_in(const dns::Reply& reply) {
  const auto records = reply.records("example.com", RecordType::a);
  return records.size() == 1 ? records[0].data : "none: " + reply.error;
}

}  // namespace

TEST_SUITE("dns/client") {
  TEST_CASE("an answer is an answer; NXDOMAIN too") {
    ClientBench bench;
    bench.serve([](const Asked& asked) {
      test::Answer answer = asked.question.name == "example.com" ? good_answer() : refusal(3);
      return std::vector{answer.wire(asked)};
    });
    const auto reply = bench.resolve();
    CHECK(address_in(reply) == "192.0.2.1");
    CHECK(reply.reached);
    CHECK(bench.servers[0]->asked().at(0).recursion);
    CHECK(bench.servers[0]->asked().at(0).edns);
    const auto none = bench.resolve("nobody.example.com");
    CHECK(none.error.empty());
    CHECK(none.message.rcode == dns::Rcode::no_such_name);
  }

  TEST_CASE("an authoritative server is asked without recursion") {
    ClientBench bench;
    auto& server = bench.serve([](const Asked& asked) { return std::vector{good_answer().wire(asked)}; });
    Client client(bench.io.get_executor(), bench.pool, bench.options);
    CHECK(address_in(test::run_among_others(bench.io, client.ask(server.endpoint(), "example.com", RecordType::a))) ==
          "192.0.2.1");
    CHECK_FALSE(server.asked().at(0).recursion);
  }

  TEST_CASE("silence is asked once more, then told") {
    ClientBench bench;
    int questions = 0;
    bench.serve([&](const Asked& asked) {
      return ++questions < 2 ? std::vector<std::string>{} : std::vector{good_answer().wire(asked)};
    });
    CHECK(address_in(bench.resolve()) == "192.0.2.1");
    CHECK(questions == 2);
    ClientBench silent;
    silent.serve([](const Asked&) { return std::vector<std::string>{}; });
    const auto reply = silent.resolve();
    CHECK(reply.error.starts_with("no answer within "));
    CHECK_FALSE(reply.reached);
  }

  TEST_CASE("a port where nobody listens is told as the system tells it") {
    ClientBench bench;
    bench.serve([](const Asked&) { return std::vector<std::string>{}; });
    bench.servers.clear();
    CHECK(bench.resolve().error == "connection refused");
  }

  TEST_CASE("what is no answer to the question is passed over: wrong id, other name, other type, garbage") {
    ClientBench bench;
    bench.serve([](const Asked& asked) {
      Asked wrong_id = asked;
      wrong_id.id ^= 1;
      Asked other_name = asked;
      other_name.question.name = "example.org";
      Asked other_type = asked;
      other_type.question.type = RecordType::txt;
      test::Answer forged;
      forged.answers = {"example.com. 300 IN A 203.0.113.66"};
      return std::vector{forged.wire(wrong_id), forged.wire(other_name), forged.wire(other_type),
                         std::string("garbage"), good_answer().wire(asked)};
    });
    CHECK(address_in(bench.resolve()) == "192.0.2.1");
  }

  TEST_CASE("an answer from another port is not heard") {
    ClientBench bench;
    NameServer* self = nullptr;
    self = &bench.serve([&](const Asked& asked) {
      test::Answer forged;
      forged.answers = {"example.com. 300 IN A 203.0.113.66"};
      self->send_from_elsewhere(forged.wire(asked));
      return std::vector{good_answer().wire(asked)};
    });
    CHECK(address_in(bench.resolve()) == "192.0.2.1");
  }

  TEST_CASE("a truncated answer is fetched by TCP") {
    ClientBench bench;
    auto& server = bench.serve([](const Asked& asked) {
      test::Answer answer = good_answer();
      if (!asked.tcp) {
        answer.answers.clear();
        answer.truncated = true;
      }
      return std::vector{answer.wire(asked)};
    });
    CHECK(address_in(bench.resolve()) == "192.0.2.1");
    REQUIRE(server.asked().size() == 2);
    CHECK(server.asked()[1].tcp);
  }

  TEST_CASE("TCP that is closed, silent or garbage is an error, not a fact") {
    for (const int way : {0, 1, 2}) {
      CAPTURE(way);
      ClientBench bench;
      bench.serve([way](const Asked& asked) {
        test::Answer answer = good_answer();
        answer.truncated = true;
        if (!asked.tcp) return std::vector{answer.wire(asked)};
        if (way == 0) return std::vector<std::string>{};
        if (way == 1) return std::vector{std::string("garbage")};
        Asked wrong = asked;
        wrong.id ^= 1;
        return std::vector{answer.wire(wrong)};
      });
      const auto reply = bench.resolve();
      CHECK_FALSE(reply.error.empty());
      CHECK(reply.records("example.com", RecordType::a).empty());
    }
  }

  TEST_CASE("a server that does not know EDNS is asked without it") {
    for (const unsigned rcode : {1U, 4U}) {
      ClientBench bench;
      auto& server = bench.serve([rcode](const Asked& asked) {
        test::Answer answer = asked.edns ? refusal(rcode, false) : good_answer();
        return std::vector{answer.wire(asked)};
      });
      CHECK(address_in(bench.resolve()) == "192.0.2.1");
      CHECK(server.asked().size() == 2);
    }
  }

  TEST_CASE("SERVFAIL, REFUSED or silence of one resolver: the next is asked") {
    for (const int way : {2, 5, 0}) {
      ClientBench bench;
      bench.options.tries = 1;
      bench.serve([way](const Asked& asked) {
        return way == 0 ? std::vector<std::string>{} : std::vector{refusal(static_cast<unsigned>(way)).wire(asked)};
      });
      bench.serve([](const Asked& asked) { return std::vector{good_answer().wire(asked)}; });
      CHECK(address_in(bench.resolve()) == "192.0.2.1");
    }
    ClientBench bench;
    bench.serve([](const Asked& asked) { return std::vector{refusal(2).wire(asked)}; });
    CHECK(bench.resolve().error == "SERVFAIL");
    // What one of them said tells more than the silence of the next.
    bench.options.tries = 1;
    bench.serve([](const Asked&) { return std::vector<std::string>{}; });
    const auto reply = bench.resolve();
    CHECK(reply.error == "SERVFAIL");
    CHECK(reply.reached);
  }

  TEST_CASE("a question is asked once, however many want to know, at the same time and later") {
    ClientBench bench;
    auto& server = bench.serve([](const Asked& asked) { return std::vector{good_answer().wire(asked)}; });
    Client client(bench.io.get_executor(), bench.pool, bench.options);
    int answered = 0;
    auto want = [&]() -> boost::asio::awaitable<void> {
      const auto reply = co_await client.resolve("example.com", RecordType::a);
      if (address_in(reply) == "192.0.2.1") ++answered;
    };
    auto many = [&]() -> boost::asio::awaitable<int> {
      for (int i = 0; i < 20; ++i) boost::asio::co_spawn(bench.io, want(), boost::asio::detached);
      co_await want();
      co_return 0;
    };
    test::run_among_others(bench.io, many());
    test::run_among_others(bench.io, many());
    CHECK(answered == 42);
    CHECK(server.asked().size() == 1);
  }

  TEST_CASE("five hundred questions at once") {
    ClientBench bench;
    bench.options.patience = Milliseconds(5000);
    bench.serve([](const Asked& asked) {
      test::Answer answer;
      answer.answers = {asked.question.name + ". 300 IN TXT \"" + asked.question.name + "\""};
      return std::vector{answer.wire(asked)};
    });
    Client client(bench.io.get_executor(), bench.pool, bench.options);
    std::set<std::string> right;
    auto one = [&](int number) -> boost::asio::awaitable<void> {
      const std::string name = "n" + std::to_string(number) + ".example.com";
      const auto reply = co_await client.resolve(name, RecordType::txt);
      for (const auto& record : reply.records(name, RecordType::txt))
        if (record.data == name) right.insert(name);
    };
    auto all = [&]() -> boost::asio::awaitable<int> {
      for (int i = 1; i < 500; ++i) boost::asio::co_spawn(bench.io, one(i), boost::asio::detached);
      co_await one(0);
      co_return 0;
    };
    test::run_among_others(bench.io, all());
    while (right.size() < 500 && bench.io.run_one() > 0) {
    }
    CHECK(right.size() == 500);
  }

  TEST_CASE("after the deadline nothing is asked any more") {
    ClientBench bench;
    auto& server = bench.serve([](const Asked& asked) { return std::vector{good_answer().wire(asked)}; });
    bench.options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    CHECK(bench.resolve().error == "no time left to ask");
    CHECK(server.asked().empty());
  }

  TEST_CASE("what cannot be asked is told") {
    ClientBench bench;
    CHECK(bench.resolve().error == "no resolver is configured");
    bench.options.resolvers = {"nonsense"};
    CHECK(bench.resolve().error == "'nonsense' is not an address and a port");
    bench.serve([](const Asked&) { return std::vector<std::string>{}; });
    bench.options.resolvers.erase(bench.options.resolvers.begin());
    CHECK(bench.resolve(std::string(64, 'a') + ".com").error.ends_with("cannot be a DNS name"));
  }

  TEST_CASE("aliases are followed within an answer by their owners alone") {
    dns::Reply reply;
    const auto record = [](std::string owner, RecordType type, std::string data) {
      dns::Record one;
      one.owner = std::move(owner);
      one.type = type;
      one.data = std::move(data);
      return one;
    };
    reply.message.answers = {record("x.test", RecordType::txt, "of somebody else"),
                             record("a.test", RecordType::cname, "b.test"),
                             record("b.test", RecordType::cname, "c.test"), record("c.test", RecordType::txt, "right")};
    CHECK(test::Texts(reply.aliases("a.test")) == test::Texts{"b.test", "c.test"});
    REQUIRE(reply.records("a.test", RecordType::txt).size() == 1);
    CHECK(reply.records("a.test", RecordType::txt)[0].data == "right");
    reply.message.answers.push_back(record("c.test", RecordType::cname, "a.test"));
    CHECK(reply.aliases("a.test").size() <= 16);
  }

  TEST_CASE("resolvers of a resolv.conf") {
    test::TempDir dir;
    const auto file =
        test::write_file(dir.path() / "resolv.conf",
                         "# a comment\nsearch example.com\nnameserver 192.0.2.53\nnameserver\t2001:db8::53\n"
                         "nameserver   192.0.2.54  # the third\nnameserver nonsense\n; nameserver 1.2.3.4\n");
    CHECK(test::Texts(dns::system_resolvers(file.string())) ==
          test::Texts{"192.0.2.53:53", "[2001:db8::53]:53", "192.0.2.54:53"});
    CHECK(test::Texts(dns::system_resolvers("/nonexistent")) == test::Texts{"127.0.0.1:53"});
  }

  TEST_CASE("addresses and ports") {
    CHECK(dns::to_string(*dns::parse_endpoint("192.0.2.1:53")) == "192.0.2.1:53");
    CHECK(dns::to_string(*dns::parse_endpoint("[2001:db8::1]:5353")) == "[2001:db8::1]:5353");
    for (const char* wrong : {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "2001:db8::1:53",
                              "[2001:db8::1]", "ns1.example.com:53", "[192.0.2:53"})
      CHECK_FALSE(dns::parse_endpoint(wrong));
  }
}
