"""certherd check: what DNS says of a name before an order, on real name servers, with nothing ordered or changed."""

import unittest

from e2e.harness import BLOCKED, DONE, USAGE, Case, start_lab
from lab.liar import ADDRESS, PRIMARY, Liar


def setUpModule():
    Case.lab = start_lab()


class Checks(Case):
    def setUp(self):
        super().setUp()
        self.host.settings["cas"]["lab"]["caa_identities"] = ["pebble.test"]

    def look(self, *domains, code=DONE, **settings):
        """The check of one certificate, from the JSON."""
        self.host.settings.update(settings)
        self.host.settings["certificates"].clear()
        self.host.want(*domains, name="n")
        orders = self.lab.orders()
        done = self.expect(self.host.run("--json", "check", "n"), code)
        self.assertEqual(self.lab.orders(), orders, "nothing is ordered")
        self.assertFalse(self.host.state.exists(), "nothing is written")
        (check,) = done.json["certificates"]
        return check

    def finding(self, check, severity, topic):
        found = [finding for finding in check["findings"] if (finding["severity"], finding["topic"]) == (severity, topic)]
        self.assertEqual(len(found), 1, check["findings"])
        return found[0]

    def caa(self, name, *records):
        for record in records:
            self.lab.add(name, "CAA", record)
        self.addCleanup(self.lab.remove, name, "CAA")


class Good(Checks):
    def test_zone_servers_and_what_others_see(self):
        check = self.look("example.test", "*.example.test")
        self.assertEqual((check["certificate"], check["severity"]), ("n", "info"))
        domain = check["domains"][1]
        self.assertEqual(domain["domain"], "*.example.test")
        self.assertEqual(domain["final_name"], "_acme-challenge.example.test")
        self.assertEqual(domain["zone"], "example.test")
        self.assertEqual([(server["name"], server["state"]) for server in domain["servers"]],
                         [("ns1.example.test", "answers"), ("ns2.example.test", "answers")])
        self.assertEqual({server["address"] for server in domain["servers"]},
                         {self.lab.facts["dns"]["primary"], self.lab.facts["dns"]["secondary"]})
        self.assertEqual({finding["topic"] for finding in check["findings"]}, {"zone", "caa", "horizon"})

    def test_in_words(self):
        self.host.want("example.test", name="fine")
        self.host.want("locked.example.test", name="locked")
        one = self.expect(self.host.run("check", "fine"), DONE)
        self.assertTrue(one.out.startswith("fine: fine\n"), one)
        self.assertIn("_acme-challenge.example.test lies in zone example.test", one.out)
        everything = self.expect(self.host.run("check", "--all"), BLOCKED)
        self.assertTrue(everything.out.startswith("fine: fine\nlocked: blocked\n  blocking "), everything)
        self.assertIn('to do        Add the record locked.example.test. IN CAA 0 issue "pebble.test"', everything.out)
        self.assertEqual(everything.err, "")

    def test_wrong_usage(self):
        self.host.want("example.test")
        for arguments in ([], ["--all", "example.test"], ["nobody.test"]):
            done = self.expect(self.host.run("check", *arguments), USAGE)
            self.assertEqual(done.out, "")
        self.assertEqual(self.expect(self.host.run("--json", "check", "example.test", "example.test"), DONE)
                         .json["certificates"].__len__(), 1)


class Caa(Checks):
    def test_another_ca(self):
        finding = self.finding(self.look("locked.example.test", code=BLOCKED), "blocking", "caa")
        self.assertIn('locked.example.test. IN CAA 0 issue "another-ca.test"', finding["seen"])
        self.assertIn('locked.example.test. IN CAA 0 issue "pebble.test"', finding["fix"])

    def test_below_the_name_that_is_locked(self):
        self.finding(self.look("a.b.locked.example.test", code=BLOCKED), "blocking", "caa")

    def test_the_name_is_allowed_and_its_wildcard_is_not(self):
        self.caa("w.example.test", '0 issue "pebble.test"', '0 issuewild ";"')
        check = self.look("w.example.test", "*.w.example.test", code=BLOCKED)
        self.assertEqual(self.finding(check, "blocking", "caa")["domain"], "*.w.example.test")

    def test_another_validation_method(self):
        self.caa("m.example.test", '0 issue "pebble.test; validationmethods=http-01"')
        self.assertIn("http-01", self.finding(self.look("m.example.test", code=BLOCKED), "blocking", "caa")["seen"])

    def test_a_critical_tag_that_nobody_knows(self):
        self.caa("c.example.test", '128 tbs "unknown"', '0 issue "pebble.test"')
        self.finding(self.look("c.example.test", code=BLOCKED), "blocking", "caa")

    def test_of_another_account(self):
        self.caa("u.example.test", '0 issue "pebble.test; accounturi=https://ca.test/acct/1"')
        # Which account it will be is not known before the first order.
        self.finding(self.look("u.example.test"), "warning", "caa")

    def test_reached_through_a_cname(self):
        self.lab.add("alias.example.test", "CNAME", "locked.example.test.")
        self.addCleanup(self.lab.remove, "alias.example.test", "CNAME")
        finding = self.finding(self.look("alias.example.test", code=BLOCKED), "blocking", "caa")
        self.assertIn("reached from alias.example.test through locked.example.test", finding["seen"])

    def test_a_ca_whose_names_nobody_knows(self):
        del self.host.settings["cas"]["lab"]["caa_identities"]
        self.finding(self.look("locked.example.test"), "warning", "caa")


class Delegation(Checks):
    def test_a_loop(self):
        finding = self.finding(self.look("loop.example.test", code=BLOCKED), "blocking", "delegation")
        self.assertIn("_acme-challenge.loop.example.test (zone example.test) -> CNAME loop-b.example.test (zone "
                      "example.test) -> CNAME _acme-challenge.loop.example.test", finding["seen"])

    def test_that_ends_nowhere(self):
        finding = self.finding(self.look("outside.example.test", code=BLOCKED), "blocking", "delegation")
        self.assertIn("elsewhere.invalid", finding["seen"])

    def test_into_a_zone_of_another_account(self):
        check = self.look("delegated.example.test", code=BLOCKED)
        finding = self.finding(check, "blocking", "scope")
        self.assertIn("no zone of account a (example.test) covers delegated-example.challenges.other.test",
                      finding["seen"])
        self.assertEqual(finding["fix"], "Use account b, whose zone other.test covers it.")
        self.assertIn("does not follow CNAMEs", self.finding(check, "warning", "delegation")["seen"])
        self.assertEqual(check["domains"][0]["chain"],
                         [{"name": "_acme-challenge.delegated.example.test", "zone": "example.test", "dname": None,
                           "target": "delegated-example.challenges.other.test", "wildcard": False}])

    def test_swallowed_by_a_wildcard(self):
        self.lab.add("*.swallow.example.test", "CNAME", "www.example.test.")
        self.addCleanup(self.lab.remove, "*.swallow.example.test", "CNAME")
        self.assertIn("a wildcard CNAME swallows _acme-challenge.a.swallow.example.test",
                      self.finding(self.look("a.swallow.example.test"), "warning", "delegation")["seen"])


class Servers(Checks):
    def test_that_do_not_answer_or_do_not_know_the_zone(self):
        self.lab.nsupdate("zone example.test.\nupdate add ns3.example.test. 1 A 127.0.0.3\n"
                          "update add example.test. 1 NS ns3.example.test.")
        self.addCleanup(self.lab.nsupdate, "zone example.test.\nupdate delete example.test. NS ns3.example.test.\n"
                                           "update delete ns3.example.test. A")
        check = self.look("example.test")
        self.assertIn("ns3.example.test", self.finding(check, "warning", "servers")["seen"])
        states = {server["name"]: server["state"] for server in check["domains"][0]["servers"]}
        self.assertEqual(states["ns3.example.test"], "unreachable")

    def test_that_are_all_silent_block_nothing(self):
        check = self.look("example.test", dns={"resolvers": ["127.0.0.1:9"], "port": 9, "public_resolvers": []})
        finding = self.finding(check, "warning", "dns")
        self.assertIn("connection refused", finding["seen"])


class Horizon(Checks):
    def test_a_public_resolver_that_sees_something_else(self):
        with Liar() as liar:
            check = self.look("example.test", dns={**self.host.settings["dns"], "public_resolvers": [liar.address]})
            self.assertTrue(liar.questions)
        finding = self.finding(check, "warning", "horizon")
        self.assertTrue(finding["seen"].startswith("split horizon: "), finding)
        for word in (liar.address, PRIMARY, ADDRESS):
            self.assertIn(word, finding["seen"])


if __name__ == "__main__":
    unittest.main()
