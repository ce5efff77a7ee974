"""Asking the DNS provider itself what an account may do: a real BIND that takes updates or refuses them, and the API of
a provider that this file plays, since no real one is at hand."""

import http.server
import json
import subprocess
import threading
import unittest
import urllib.parse

from e2e.harness import BLOCKED, DONE, Case, start_lab

TOKEN = "t0p/s3cret+token"


def setUpModule():
    Case.lab = start_lab()


class Asking(Case):
    def look(self, domain, code, *, arguments=("--online-provider",), **entry):
        """The Findings about the scope, from the check of one certificate."""
        self.host.settings["certificates"].clear()
        self.host.want(domain, name="n", **entry)
        orders = self.lab.orders()
        done = self.expect(self.host.run("--json", "check", *arguments, "n"), code)
        self.assertEqual(self.lab.orders(), orders, "nothing is ordered")
        (check,) = done.json["certificates"]
        return [(finding["severity"], finding["seen"], finding["fix"]) for finding in check["findings"]
                if finding["topic"] == "scope"]


class Updates(Asking):
    """rfc2136: BIND's update-policy lets key-a write the challenges of example.test, and key-b those of other.test."""

    def look(self, *arguments, **more):
        before = self.zone_state()
        found = super().look(*arguments, **more)
        self.assertEqual(self.zone_state(), before, "nothing was changed")
        return found

    def zone_state(self):
        server, port = self.lab.facts["dns"]["primary"].rsplit(":", 1)
        return {zone: subprocess.run(["dig", "+short", "+norecurse", f"@{server}", "-p", port, zone, "SOA"], check=True,
                                     capture_output=True, text=True).stdout for zone in ("example.test", "other.test")}

    def account(self, key="key-a", **changes):
        self.host.settings["accounts"] = {"x": {"provider": "rfc2136",
                                                "credentials": self.host.credentials(key, **changes)}}

    def test_without_the_word_nobody_is_asked(self):
        self.account("key-b")
        self.assertEqual(self.look("example.test", DONE, arguments=()), [])

    def test_a_key_that_may_write(self):
        ((severity, seen, _),) = self.look("www.example.test", DONE)
        self.assertEqual(severity, "info")
        self.assertIn("with TSIG key 'key-a' may write _acme-challenge.www.example.test", seen)

    def test_a_key_of_another_zone(self):
        self.account("key-b")
        ((severity, seen, fix),) = self.look("example.test", BLOCKED)
        self.assertEqual(severity, "blocking")
        self.assertIn("may not write _acme-challenge.example.test: REFUSED", seen)
        self.assertIn("update-policy", fix)

    def test_a_zone_that_the_server_does_not_have(self):
        self.account()
        ((severity, seen, _),) = self.look("nowhere.invalid", BLOCKED)
        self.assertEqual(severity, "blocking")
        self.assertIn("it has no zone that holds _acme-challenge.nowhere.invalid", seen)

    def test_a_wrong_secret_and_an_unknown_key(self):
        self.account(dns_rfc2136_secret="d3Jvbmcgc2VjcmV0IGZvciB0aGlzIGtleQ==")
        ((severity, seen, _),) = self.look("example.test", BLOCKED)
        self.assertEqual(severity, "blocking")
        self.assertIn("does not take the credentials of account x: NOTAUTH (BADSIG)", seen)
        self.account(dns_rfc2136_name="nobody")
        ((_, seen, _),) = self.look("example.test", BLOCKED)
        self.assertIn("NOTAUTH (BADKEY)", seen)

    def test_credentials_that_are_not_there(self):
        self.host.settings["accounts"] = {"x": {"provider": "rfc2136", "credentials_file": "gone.ini"}}
        ((severity, seen, _),) = self.look("example.test", BLOCKED)
        self.assertEqual(severity, "blocking")
        self.assertIn("gone.ini", seen)

    def test_a_server_that_does_not_answer_blocks_nothing(self):
        self.account(dns_rfc2136_port="9")
        ((severity, seen, _),) = self.look("example.test", DONE)
        self.assertEqual(severity, "warning")
        self.assertIn("connection refused; nothing is blocked", seen)

    def test_before_each_order(self):
        self.host.settings["preflight"] = {"provider_api": True}
        self.account("key-b")
        self.host.want("example.test")
        orders = self.lab.orders()
        run = self.issue(code=BLOCKED)
        self.assertEqual(run["outcome"], "blocked")
        self.assertIn("may not write _acme-challenge.example.test: REFUSED", run["failure"]["error"])
        self.assertEqual(self.lab.orders(), orders, "nothing is ordered")
        self.account()
        self.assertEqual(self.issue()["outcome"], "deployed")


class Api(http.server.BaseHTTPRequestHandler):
    """Answers what the server's `pages` say: each a status and a body."""

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.server.asked.append((int(query["page"][0]), self.headers["Authorization"]))
        status, body = self.server.pages[min(len(self.server.asked), len(self.server.pages)) - 1]
        if status is None:
            self.server.release.wait(30)
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *unused):
        pass


def zones(*names):
    return 200, json.dumps({"zones": [{"name": name} for name in names]})


class Lists(Asking):
    def setUp(self):
        super().setUp()
        self.api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.api.asked, self.api.pages, self.api.release = [], [], threading.Event()
        threading.Thread(target=self.api.serve_forever).start()
        self.addCleanup(self.api.server_close)
        self.addCleanup(self.api.shutdown)
        self.addCleanup(self.api.release.set)
        keys = {f"dns_rfc2136_{key}": {} for key in ("server", "port", "name", "algorithm")}
        entry = {"title": "the house's own", "authenticator": "dns-rfc2136", "propagation": {"default_seconds": 0},
                 "credentials": {"keys": {**keys, "dns_rfc2136_secret": {"secret": True}}},
                 "zone_list": [{"url": f"http://127.0.0.1:{self.api.server_port}/v1/zones?page={{page}}",
                                "headers": {"Authorization": "Bearer {dns_rfc2136_secret}"}, "names": "zones[].name"}]}
        own_map = self.host.directory / "plugins-map"
        own_map.mkdir()
        (own_map / "rfc2136.yaml").write_text(json.dumps(entry))
        self.host.settings["accounts"] = {
            "x": {"provider": "rfc2136", "credentials": self.host.credentials(dns_rfc2136_secret=TOKEN)},
            "y": {"provider": "rfc2136", "zones": ["b.example.test"],
                  "credentials_file": self.lab.credentials("key-b")}}

    def test_a_provider_that_nobody_knows_how_to_ask(self):
        own = self.host.directory / "plugins-map" / "rfc2136.yaml"
        entry = json.loads(own.read_text())
        del entry["zone_list"]
        own.write_text(json.dumps(entry))
        ((severity, seen, _),) = self.look("example.test", DONE, account="x")
        self.assertEqual(severity, "info")
        self.assertIn("provider rfc2136 was not asked what account x may do", seen)

    def test_a_zone_that_is_listed_on_a_later_page(self):
        self.api.pages = [zones("a.test", "b.test"), zones("Example.Test."), zones()]
        ((severity, seen, _),) = self.look("www.example.test", DONE, account="x")
        self.assertEqual(severity, "info")
        self.assertIn("shows account x the zone example.test", seen)
        self.assertEqual(self.api.asked, [(page, f"Bearer {TOKEN}") for page in (1, 2, 3)])

    def test_a_zone_that_is_not_listed(self):
        self.api.pages = [zones("a.test"), zones()]
        ((severity, seen, fix),) = self.look("b.example.test", BLOCKED, account="x")
        self.assertEqual(severity, "blocking")
        self.assertIn("only 1 zone", seen)
        self.assertIn("a.test; none of them holds _acme-challenge.b.example.test", seen)
        self.assertEqual(fix, "Use account y, whose zone b.example.test covers it.")

    def test_a_token_that_it_does_not_know(self):
        self.api.pages = [(401, f'{{"error": "unknown token {TOKEN}"}}')]
        ((severity, seen, _),) = self.look("example.test", BLOCKED, account="x")
        self.assertEqual(severity, "blocking")
        self.assertIn("does not take the credentials of account x: HTTP status 401", seen)
        self.assertNotIn(TOKEN, seen)

    def test_what_is_no_answer_blocks_nothing(self):
        for status, body in ((500, ""), (403, ""), (200, "<html>"), (200, '{"zones": null}'), (200, '{"zones": [1]}'),
                             (302, "")):
            with self.subTest(status=status, body=body):
                self.api.asked.clear()
                self.api.pages = [(status, body)]
                ((severity, seen, _),) = self.look("example.test", DONE, account="x")
                self.assertEqual(severity, "warning")
                self.assertIn("nothing is blocked", seen)

    def test_one_list_for_all_of_an_account_and_a_run_waits_no_longer_than_its_preflight(self):
        self.api.pages = [zones("example.test"), zones()]
        self.host.want("a.example.test", account="x")
        self.host.want("c.example.test", account="x")
        self.expect(self.host.run("check", "--online-provider", "--all"), DONE)
        self.assertEqual(len(self.api.asked), 2)
        self.host.settings["preflight"] = {"mode": "block", "provider_api": True}
        self.host.settings["accounts"]["x"] = {"provider": "rfc2136", "credentials_file": self.lab.credentials("key-a")}
        self.api.asked.clear()
        self.api.pages = [(None, "")]
        run = self.issue("a.example.test")
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual(len(self.api.asked), 1)
        (seen,) = [finding["seen"] for finding in run["findings"] if finding["topic"] == "scope"]
        self.assertRegex(seen, "no whole answer within [1-5]s; nothing is blocked")


if __name__ == "__main__":
    unittest.main()
