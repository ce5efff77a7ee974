"""`certherd run`: certificates kept valid unattended, the control socket, reload, stop and kill."""

import os
import signal
import stat
import unittest

from e2e.harness import DONE, FAILED, HELD, Case, start_lab, wait_for
from e2e.serving import SHELL, ServiceCase


def setUpModule():
    Case.lab = start_lab(nonce_reject=0)


class Service(ServiceCase):
    def test_many_at_once_unattended_then_nothing_is_due(self):
        self.host.settings["max_parallel"] = 6
        names = [f"n{i}.example.test" for i in range(8)]
        for name in names:
            self.host.want(name)
        process = self.serve()
        wait_for(lambda: self.deployed(*names), "all of them are published", 120)
        self.stop(process)
        runs = self.runs()
        self.assertEqual({run["outcome"] for run in runs}, {"deployed"})
        self.assertEqual(len(runs), len(names))
        self.assertEqual({run["actor"] for run in runs}, {"scheduler"})
        begun = sorted(run["started"] for run in runs)
        ended = sorted(run["ended"] for run in runs)
        self.assertLess(begun[1], ended[0], "at least two ran at a time")
        self.assertEqual(self.host.run("audit", "verify").code, DONE)
        self.assertEqual(self.host.credentials_left(), [])
        self.assertFalse(self.socket.exists())

    def test_apex_and_wildcard_in_two_certificates_never_overlap(self):
        self.host.want("example.test")
        self.host.want("*.example.test", name="wild")
        process = self.serve()
        wait_for(lambda: self.deployed("example.test", "wild"), "both are published", 60)
        self.stop(process)
        first, second = sorted(self.runs(), key=lambda run: (run["phases"] or [{"start": run["started"]}])[0]["start"])
        self.assertEqual({first["outcome"], second["outcome"]}, {"deployed"})

    def test_the_verbs_ask_the_service_and_it_knows_who_asks(self):
        self.host.want("example.test")
        process = self.serve()
        wait_for(lambda: self.deployed("example.test"), "it is published")
        done = self.expect(self.host.run("-v", "issue", "--force", "example.test"), DONE)
        self.assertIn("deployed", done.out)
        self.assertIn("finalize", done.out)
        run = self.host.run("--json", "show", "example.test").json["last_run"]
        self.assertRegex(run["actor"], rf"^user:{os.getuid()}:")
        self.assertEqual(run["reason"], "forced")
        self.assertEqual(self.host.generation("example.test"), 2)
        self.assertIn("not due", self.expect(self.host.run("issue", "example.test"), DONE).out)
        why = self.expect(self.host.run("why", "example.test"), DONE).out
        self.assertRegex(why, r"\d{4}-\d\d-\d\d")
        self.assertEqual(len(self.host.run("--json", "list").json), 1)
        self.assertEqual(len(self.host.run("--json", "history").json), 2)
        self.expect(self.host.run("log", "level", "debug"), DONE)
        self.expect(self.host.run("log", "level", "loud"), FAILED)
        self.stop(process)

    def test_a_second_service_is_refused(self):
        self.host.want("example.test")
        process = self.serve()
        other = self.host.run("run")
        self.assertEqual(other.code, HELD, str(other))
        self.assertIn(str(process.pid), other.err)
        self.stop(process)

    def test_a_broken_configuration_is_reported_and_the_old_one_stays(self):
        self.host.want("example.test")
        process = self.serve()
        wait_for(lambda: self.deployed("example.test"), "it is published")
        good = self.host.config.read_text()
        broken = ["", "[]", "{", "email: [", good.replace('"email"', '"emial"'), good.replace("rfc2136", "rfc2316", 1),
                  good.replace('"agree_tos": true', '"agree_tos": false'), "\0", good + "\n- x", good[:-20]]
        for number, text in enumerate(broken, 1):
            self.host.config.write_text(text)
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: self.said().count("stays in force") >= number, f"broken configuration {number} is told")
        self.assertIsNone(process.poll())
        self.host.want("later.example.test")
        self.host.write_config()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.deployed("later.example.test"), "the new certificate is published")
        # One that is taken out is archived: its files stay.
        self.host.settings["certificates"] = self.host.settings["certificates"][1:]
        self.host.write_config()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: any(entry["action"] == "archive" for entry in self.host.audit_entries()), "it is archived")
        self.assertTrue((self.host.store / "example.test" / "cert.pem").exists())
        self.stop(process)

    def test_ten_certificates_that_want_one_reload_get_it_once(self):
        self.note_hook(batch="60s")
        names = [f"b{i}.example.test" for i in range(5)]
        for name in names:
            self.host.want(name, hooks=["note"])
        self.host.settings["max_parallel"] = 5
        process = self.serve()
        wait_for(lambda: self.deployed(*names), "all are published", 90)
        wait_for(lambda: len([run for run in self.runs() if run["outcome"] == "deployed"]) == 5, "every run has ended")
        lines = self.hook_log.read_text().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertEqual(sorted(lines[0].split()[1:]), names)
        for run in self.runs():
            hooks = self.host.run("--json", "show", run["run"]).json["hooks"]
            self.assertEqual([hook["done"] for hook in hooks], [True])
        self.stop(process)

    def test_a_failed_hook_is_owed_until_it_succeeds(self):
        flag = self.host.directory / "flag"
        self.host.settings["hooks"]["gate"] = {"command": [SHELL, "-c", f"test -e {flag}"]}
        self.host.want("example.test", hooks=["gate"])
        process = self.serve()
        wait_for(lambda: [run for run in self.runs() if run["outcome"] == "deployed, hook failed"], "the hook fails")
        self.assertIn("gate", self.host.run("hooks", "list").out)
        self.stop(process)
        flag.touch()
        process = self.serve()
        self.expect(self.host.run("hooks", "retry"), DONE)
        self.assertIn("no hook job is owed", self.host.run("hooks", "list").out)
        self.stop(process)

    def test_stop_with_a_run_in_flight_ends_it_in_good_order(self):
        self.host.propagation = 60
        self.host.want("example.test")
        process = self.serve()
        wait_for(lambda: "a run begins" in self.said(), "a run begins")
        wait_for(lambda: any("Waiting" in log.read_text(errors="replace")
                             for log in self.host.state.glob("certbot/example.test/logs/letsencrypt.log")),
                 "certbot waits for propagation")
        self.stop(process)
        self.assertEqual([run["outcome"] for run in self.runs()], ["interrupted"])
        self.assertEqual(self.host.credentials_left(), [])

    def test_kill_and_start_again_loses_nothing(self):
        names = [f"k{i}.example.test" for i in range(3)]
        for name in names:
            self.host.want(name)
        for _ in range(3):
            process = self.serve()
            wait_for(lambda: "a run begins" in self.said(), "a run begins")
            process.kill()
            process.wait()
        process = self.serve()
        wait_for(lambda: self.deployed(*names), "all are published", 90)
        self.stop(process)
        self.assertEqual(self.host.run("audit", "verify").code, DONE)
        self.assertEqual(self.host.credentials_left(), [])
        self.assertNotIn(None, [run["outcome"] for run in self.runs()])

    def test_the_socket_is_for_its_group_alone(self):
        self.host.want("example.test")
        process = self.serve()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o660)
        self.stop(process)


if __name__ == "__main__":
    unittest.main()
