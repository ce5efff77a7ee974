#!/usr/bin/python3
"""The Lab's fault proxy tested with the real certbot: python3 tests/lab/selftest_proxy.py"""

import email.utils
import http.client
import json
import ssl
import subprocess
import sys
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import Lab, LabError, http_date, renewal_info_id  # noqa: E402
from lab.selftest import COMMAND, Home, certbot  # noqa: E402


class FaultProxy(Home):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(fault_proxy=True).start()
        cls.addClassCleanup(cls.lab.stop)

    def setUp(self):
        super().setUp()
        self.lab.clear_faults()
        self.before = self.lab.requests()
        self.orders = self.lab.orders()

    def ask(self, path: str, method: str = "GET", timeout: float = 10):
        """The answer with its body as `content`."""
        url = urllib.parse.urlsplit(self.lab.facts["acme"]["directory"])
        trust = ssl.create_default_context(cafile=self.lab.facts["acme"]["ca_bundle"])
        connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust, timeout=timeout)
        self.addCleanup(connection.close)
        connection.request(method, path)
        answer = connection.getresponse()
        answer.content = answer.read()
        return answer

    def asked(self, what: str) -> int:
        return self.lab.requests()[what] - self.before[what]

    def log_of(self, endpoint: str) -> list[dict]:
        return [line for line in self.lab.request_log() if line["endpoint"] == endpoint]

    def test_all_passes_and_every_url_leads_to_the_proxy(self):
        acme = self.lab.facts["acme"]
        self.assertNotEqual(acme["directory"], acme["direct_directory"])
        code, said = certbot(self.lab, self.home, "example.test", "*.example.test")
        self.assertEqual(code, 0, said)
        self.assertNotIn(acme["direct_directory"].removesuffix("/dir"), said)
        for step in ("newOrder", "finalize", "certificate"):
            self.assertEqual(self.asked(f"POST {step}"), 1, step)
        self.assertNotIn(b"renewalInfo", self.ask("/dir").content)

    def test_a_status_for_the_next_requests(self):
        self.lab.fault("status", status=503, retry_after=7, on="directory", count=2, skip=1)
        answers = [self.ask("/dir") for _ in range(4)]
        self.assertEqual([answer.status for answer in answers], [200, 503, 503, 200])
        self.assertEqual([answer.headers["Retry-After"] for answer in answers], [None, "7", "7", None])
        self.assertEqual(self.asked("GET directory"), 4)
        self.assertEqual([line["fault"] for line in self.log_of("directory")][-4:], [None, "status", "status", None])

    def test_until_cleared_with_a_date(self):
        when = http_date(90)
        self.lab.fault("status", status=503, retry_after=when, on="newNonce")
        for _ in range(3):
            self.assertEqual(self.ask("/nonce-plz", "HEAD").headers["Retry-After"], when)
        self.assertEqual(self.ask("/dir").status, 200)
        self.lab.clear_faults()
        self.assertEqual(self.ask("/nonce-plz", "HEAD").status, 200)

    def test_certbot_meets_a_rate_limit(self):
        self.lab.rate_limit(3600, on="newOrder", detail="too many certificates already issued")
        code, said = certbot(self.lab, self.home, "example.test")
        self.assertEqual(code, 1)
        for words in ("urn:ietf:params:acme:error:rateLimited", "too many certificates already issued",
                      "Retry-After: 3600"):
            self.assertIn(words, said)
        self.assertEqual(self.asked("POST newOrder"), 1)
        self.assertEqual(self.lab.orders(), self.orders, "no order reached the CA")

    def test_an_answer_that_is_lost_on_the_way_back(self):
        self.lab.fault("close", on="newOrder", count=1, reached=True)
        code, said = certbot(self.lab, self.home, "example.test")
        self.assertEqual(code, 1)
        self.assertIn("Connection aborted", said)
        self.assertEqual(self.lab.orders(), self.orders + 1)

    def test_a_request_that_never_arrives(self):
        self.lab.fault("close", on="newOrder", count=1)
        code, said = certbot(self.lab, self.home, "example.test")
        self.assertEqual(code, 1)
        self.assertIn("Connection aborted", said)
        self.assertEqual(self.lab.orders(), self.orders)
        self.assertEqual((self.log_of("newOrder")[-1]["fault"], self.log_of("newOrder")[-1]["status"]), ("close", None))

    def test_silence_a_half_and_a_late_answer(self):
        self.lab.fault("hang", on="directory", count=1)
        with self.assertRaises(TimeoutError):
            self.ask("/dir", timeout=0.5)
        self.lab.fault("truncate", on="directory", count=1)
        with self.assertRaises(http.client.IncompleteRead):
            self.ask("/dir")
        self.lab.fault("delay", seconds=0.6, on="directory", count=1)
        begin = time.monotonic()
        self.assertEqual(self.ask("/dir").status, 200)
        self.assertGreater(time.monotonic() - begin, 0.6)

    def test_a_ca_that_does_not_answer(self):
        self.lab.pause("ca")
        with self.assertRaises(TimeoutError):
            self.ask("/dir", timeout=0.5)
        self.lab.resume("ca")
        self.assertEqual(self.ask("/dir").status, 200)

    def test_the_date(self):
        self.lab.set_date_offset(-86400)
        said = email.utils.parsedate_to_datetime(self.ask("/dir").headers["Date"]).timestamp()
        self.assertAlmostEqual(said, time.time() - 86400, delta=30)

    def test_renewal_information(self):
        one = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
        self.lab.set_renewal_info("past", id=one, explanation="https://ca.test/why")
        base = json.loads(self.ask("/dir").content)["renewalInfo"]
        self.assertTrue(base.startswith(self.lab.facts["acme"]["directory"].removesuffix("/dir") + "/"))
        path = urllib.parse.urlsplit(base).path

        answer = self.ask(f"{path}/{one}")
        told = json.loads(answer.content)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (200, "21600"))
        self.assertEqual(told["explanationURL"], "https://ca.test/why")
        start, end = told["suggestedWindow"]["start"], told["suggestedWindow"]["end"]
        self.assertLess(start, end)
        self.assertLess(end, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        self.assertEqual(self.ask(f"{path}/another").status, 404)

        self.lab.set_renewal_info("window", start=60, end=120, retry_after=None)
        first, again = self.ask(f"{path}/another"), self.ask(f"{path}/another")
        self.assertEqual(first.content, again.content)
        self.assertIsNone(first.headers["Retry-After"])
        self.lab.set_renewal_info("not-json")
        with self.assertRaises(ValueError):
            json.loads(self.ask(f"{path}/another").content)
        self.lab.set_renewal_info("status", status=500)
        self.assertEqual(self.ask(f"{path}/another").status, 500)
        self.lab.fault("status", status=503, on="any")
        self.assertEqual(self.ask(f"{path}/{one}").status, 200, "any spares renewal information")
        self.lab.fault("status", status=503, on="renewalInfo", count=1)
        self.assertEqual(self.ask(f"{path}/{one}").status, 503)

    def test_the_name_of_a_certificate(self):
        """The example of RFC 9773 section 4.1 by its two fields: a serial number with its first bit set, a key id."""
        made = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout",
                self.home / "key", "-subj", "/CN=x", "-set_serial", "0x87654321", "-addext",
                "subjectKeyIdentifier=69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4", "-addext",
                "authorityKeyIdentifier=keyid:always"]
        pem = subprocess.run(made, check=True, capture_output=True, text=True).stdout
        self.assertEqual(renewal_info_id(pem), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")

    def test_the_command(self):
        def fault(*words):
            return subprocess.run([sys.executable, COMMAND, "fault", self.lab.directory, *words], capture_output=True,
                                  text=True, timeout=30)

        self.assertEqual(fault("rate-limit", "--retry-after", "9", "--on", "directory", "--count", "1").returncode, 0)
        answer = self.ask("/dir")
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (429, "9"))
        self.assertEqual(json.loads(answer.content)["type"], "urn:ietf:params:acme:error:rateLimited")
        self.assertEqual(fault("ari", "window", "--start", "5", "--end", "10").returncode, 0)
        self.assertEqual(fault("hang", "--on", "finalize").returncode, 0)
        shown = json.loads(fault("show").stdout)
        self.assertEqual([item["on"] for item in shown["faults"]], ["finalize"])
        wrong = fault("hang", "--on", "finalise")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("'finalise' is no endpoint", wrong.stderr)
        self.assertEqual(fault("clear").returncode, 0)
        self.assertEqual(json.loads(fault("show").stdout)["faults"], [])


class WithoutProxy(unittest.TestCase):
    def test_there_is_nothing_to_tell(self):
        with Lab(nonce_reject=100, va_sleep=3) as lab:
            with self.assertRaisesRegex(LabError, "no fault proxy"):
                lab.fault("hang")
            environment = Path(f"/proc/{lab.facts['processes']['ca']['pid']}/environ").read_bytes().split(b"\0")
            self.assertIn(b"PEBBLE_WFE_NONCEREJECT=100", environment)
            self.assertIn(b"PEBBLE_VA_SLEEPTIME=3", environment)
            self.assertNotIn(b"PEBBLE_VA_NOSLEEP=1", environment)


if __name__ == "__main__":
    unittest.main()
