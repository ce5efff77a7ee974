"""The configuration read again while the service runs: whatever is wrong with the new one is told, the old one stays in
force, and Runs go on."""

import signal
import unittest

from e2e.harness import Case, start_lab, wait_for
from e2e.serving import ServiceCase

NAME = "example.test"


def setUpModule():
    Case.lab = start_lab(nonce_reject=0)


def instead(text, part, other):
    assert part in text, part
    return text.replace(part, other, 1)


def broken(good):
    """Twenty ways of spoiling a configuration, by what is wrong with them."""
    return {
        "nothing": "",
        "blanks and a comment": "  \n# certherd\n",
        "a list": "[]",
        "a word": "certherd",
        "an open brace": "{",
        "an open list": "email: [",
        "an open quote": 'email: "hostmaster',
        "cut off in the middle": good[:len(good) // 2],
        "cut off at the end": good[:-20],
        "something after the end": good + "\n- more",
        "a zero byte": good[:40] + "\0" + good[40:],
        "no UTF-8": good.encode() + b"\n# \xff\xfe: \xc3(\n: \x80",
        "a tab as indentation": "email: a@example.test\nagree_tos: true\ncas:\n\tlab: {}\n",
        "a key that is none": instead(good, '"email"', '"emial"'),
        "a key twice": instead(good, "{", '{ "email": "b@example.test",'),
        "a provider that is none": instead(good, '"rfc2136"', '"rfc2316"'),
        "terms that are not agreed to": instead(good, '"agree_tos": true', '"agree_tos": false'),
        "a text for a number": instead(good, '"max_parallel": 2', '"max_parallel": "many"'),
        "a certificate twice": instead(good, '"certificates": [', '"certificates": [{"domains": ["example.test"], '
                                       '"dns_provider": "rfc2136"},'),
        "a hook that is none": instead(good, '"domains": [', '"hooks": ["none"], "domains": ['),
        "a domain that is none": instead(good, '"slow.example.test"', '"slow_.example..test"'),
        "an anchor that is none": "email: *nobody\n",
        "an anchor that holds itself": "email: &a [*a]\n",
        "zones that hold no domain": instead(good, '"example.test"', '"elsewhere.test"'),
    }


class Reload(ServiceCase):
    def write(self, text):
        self.host.config.write_bytes(text if isinstance(text, bytes) else text.encode())

    def certificates(self):
        return sorted(entry["name"] for entry in self.ask("GET", "/v1/certificates").json)

    def reload_by_signal(self, process, told):
        """SIGHUP says nothing itself: the service log does."""
        before = self.said().count(told)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.said().count(told) > before, f"the service log says '{told}'")

    def test_whatever_is_broken_is_told_and_the_old_one_stays(self):
        self.host.settings["max_parallel"] = 2
        self.host.want(NAME)
        # One Run is under way all the time.
        slow = self.host.want("slow.example.test")
        slow["propagation_seconds"] = 600
        process = self.serve()
        wait_for(lambda: self.deployed(NAME), "it is published", 60)
        wait_for(lambda: self.ask("GET", "/v1/status").json["running"] == 1, "the slow one runs alone")
        good = self.host.config.read_text()
        names = self.certificates()
        cases = broken(good)
        self.assertGreaterEqual(len(cases), 20)
        for number, (what, text) in enumerate(cases.items()):
            with self.subTest(what):
                self.write(text)
                if number % 4 == 0:
                    self.reload_by_signal(process, "the one before stays in force")
                else:
                    reloaded = self.reload()
                    self.assertFalse(reloaded["in_force"], reloaded)
                    self.assertTrue(reloaded["faults"], reloaded)
                    for fault in reloaded["faults"]:
                        self.assertTrue(fault["message"], fault)
                    # In the service log too, each with its place in the file.
                    self.assertIn(reloaded["faults"][0]["message"].splitlines()[0][:30], self.said())
                self.assertEqual(self.certificates(), names)
                self.assertEqual(self.ask("GET", "/v1/status").json["running"], 1, "the run goes on")
        # What is in force still works.
        self.write(cases["a key that is none"])
        self.want_now(NAME)
        wait_for(lambda: self.host.generation(NAME) == 2, "it is renewed by what is in force", 60)
        self.assertEqual([self.ask("GET", "/v1/runs?certificate=slow.example.test").json[0]["outcome"]], [None])
        self.write(good)
        self.assertTrue(self.reload()["in_force"])
        self.stop(process)

    def test_a_file_that_cannot_be_read_or_is_gone(self):
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME), "it is published", 60)
        self.host.config.unlink()
        self.assertFalse(self.reload()["in_force"])
        self.host.config.mkdir()
        self.assertFalse(self.reload()["in_force"])
        self.host.config.rmdir()
        self.host.config.symlink_to(self.host.config)
        self.assertFalse(self.reload()["in_force"])
        self.host.config.unlink()
        self.assertEqual(self.certificates(), [NAME])
        self.host.write_config()
        self.assertTrue(self.reload()["in_force"])
        self.stop(process)

    def test_one_more_and_one_less(self):
        self.host.settings["max_parallel"] = 2
        self.host.want(NAME)
        running = self.host.want("running.example.test")
        running["propagation_seconds"] = 3
        process = self.serve()
        wait_for(lambda: self.deployed(NAME), "it is published", 60)
        old = self.host.pem(NAME, "cert.pem")
        # The second is taken away while its Run is under way, too.
        if not self.deployed("running.example.test"):
            self.assertGreaterEqual(self.ask("GET", "/v1/status").json["running"], 1)
        self.host.settings["certificates"] = []
        self.host.want("later.example.test")
        self.host.write_config()
        self.assertTrue(self.reload()["in_force"])
        self.assertEqual(self.certificates(), ["later.example.test"])
        wait_for(lambda: self.deployed("later.example.test", "running.example.test"), "both are published", 90)
        wait_for(self.idle, "all runs have ended")
        archived = [entry["certificate"] for entry in self.host.audit_entries() if entry["action"] == "archive"]
        self.assertEqual(sorted(archived), sorted([NAME, "running.example.test"]))
        self.assertEqual(self.host.pem(NAME, "cert.pem"), old, "nothing is deleted")
        self.assertTrue((self.host.state / "certbot" / NAME / "config" / "live" / NAME / "privkey.pem").exists())
        self.assertEqual(self.ask("GET", f"/v1/certificates/{NAME}").status, 404)
        # And back again: nothing is ordered, since what it has is good.
        self.host.want(NAME)
        self.host.write_config()
        self.assertTrue(self.reload()["in_force"])
        self.reload_by_signal(process, "is in force")
        self.assertEqual(self.ask("GET", f"/v1/certificates/{NAME}").json["due"], False)
        self.assertTrue(self.idle())
        self.stop(process)
        self.assertEqual(self.host.pem(NAME, "cert.pem"), old)
        self.assertEqual([run["outcome"] for run in self.runs(NAME)], ["deployed"])
        self.assertEqual(self.host.run("audit", "verify").code, 0)

    def test_many_reloads_at_once(self):
        """SIGHUPs in a burst while others ask by the socket: each is answered, and the last one counts."""
        self.host.want(NAME)
        process = self.serve()
        for _ in range(20):
            process.send_signal(signal.SIGHUP)
            self.assertTrue(self.reload()["in_force"])
        self.host.want("last.example.test")
        self.host.write_config()
        self.reload_by_signal(process, "is in force")
        wait_for(lambda: self.deployed(NAME, "last.example.test"), "both are published", 90)
        self.stop(process)


if __name__ == "__main__":
    unittest.main()
