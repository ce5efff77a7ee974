"""certbot misbehaves, or certherd itself is told to stop or is killed while certbot works."""

import pathlib
import shutil
import signal
import threading
import time
import unittest

from e2e.harness import DONE, FAILED, Case, descendants, is_running, kill, start_lab, wait_for

CHALLENGE = "_acme-challenge.example.test"


def setUpModule():
    Case.lab = start_lab()


class Faults(Case):
    """certbot is the stand-in of fake_certbot.py."""

    def setUp(self):
        super().setUp()
        self.there = self.host.directory / "stand-in"
        self.there.mkdir()
        shutil.copy(pathlib.Path(__file__).with_name("fake_certbot.py"), self.there / "certbot")
        self.host.settings["certbot"] = {"path": "stand-in/certbot", "grace": "1s"}
        self.host.want("example.test")

    def choose(self, fault, timeout="60s"):
        (self.there / "fault").write_text(fault)
        self.host.settings["certbot"]["timeout"] = timeout

    def fail_by(self, fault, failure_class, *words, timeout="60s"):
        self.choose(fault, timeout)
        run = self.issue(code=FAILED)
        self.expect_failure(run, failure_class, *words)
        self.assertEqual(self.host.credentials_left(), [])
        return run

    def register(self):
        """The ACME account, through the real certbot, so that a short timeout hits the stand-in alone."""
        self.choose("crash")
        self.issue(code=FAILED)

    def test_hangs_and_heeds_no_term(self):
        self.register()
        run = self.fail_by("hang", "certbot_timeout", "took too long", timeout="2s")
        self.assertTrue((self.there / "terminated").exists(), "it was asked first")
        self.assertEqual(run["attempts"][0]["signal"], signal.SIGKILL)

    def test_crashes(self):
        run = self.fail_by("crash", "certbot_crash", "ended by signal 11 (Segmentation fault)")
        self.assertEqual(run["attempts"][0]["signal"], signal.SIGSEGV)
        log = self.host.state / "runs" / run["run"] / "attempt-1.log"
        self.assertIn("so far, so good", log.read_text())

    def test_floods_its_output_and_its_log(self):
        self.register()
        self.choose("flood")
        process = self.host.start("--json", "issue", "--all")
        peaks = [0]

        def watch():
            while process.poll() is None:
                try:
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                    peaks.append(int(status.split("VmHWM:")[1].split()[0]))
                except (OSError, IndexError):
                    pass  # it is just ending
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        done = self.host.finish(process)
        watcher.join()
        self.expect(done, FAILED)
        self.assertLess(max(peaks), 128 * 1024, "KiB of memory at the most")
        self.assertGreater(max(peaks), 1024, "the memory was seen")
        self.assertLess(len(done.out), 100_000)
        logs = self.host.state / "runs" / done.json[0]["run"]["run"]
        self.assertLess(sum(file.stat().st_size for file in logs.iterdir()), 8_000_000)

    def test_says_success_and_leaves_nothing(self):
        run = self.fail_by("nothing", "bad_output", "certbot reported success", "cert.pem: No such file")
        self.assertEqual(run["failure"]["phase"], "verify")

    def test_leaves_a_process_behind_that_keeps_its_output_open(self):
        self.register()
        self.choose("daemon")
        begin = time.monotonic()
        done = self.host.run("--json", "issue", "--all", timeout=60)
        left = int((self.there / "daemon").read_text())
        self.addCleanup(kill, left)
        self.assertTrue(is_running(left), "it outlives its parent, as daemons do")
        self.assertLess(time.monotonic() - begin, 30, "nobody waited for it")
        self.expect(done, FAILED)
        self.assertIn("left one behind", done.json[0]["run"]["failure"]["error"])

    def test_that_has_cleaned_up_already_is_not_terminated(self):
        self.register()
        self.choose("past_cleanup", timeout="1s")
        run = self.issue(code=FAILED)
        self.assertFalse((self.there / "terminated").exists(), "TERM would have lost a certificate")
        self.assertEqual((run["attempts"][0]["exit_code"], run["attempts"][0]["signal"]), (1, None))
        self.assertIn("ended by itself", run["failure"]["error"])

    def test_that_has_cleaned_up_already_is_waited_for_when_certherd_is_told_to_stop(self):
        self.register()
        self.choose("past_cleanup")
        process = self.host.start("issue", "--all")
        wait_for((self.there / "ready").exists, "the stand-in works")
        process.send_signal(signal.SIGTERM)
        self.expect(self.host.finish(process), FAILED)
        self.assertFalse((self.there / "terminated").exists())


class Stopped(Case):
    """The real certbot waits for propagation when it happens."""

    def setUp(self):
        super().setUp()
        self.certificate = self.host.want("example.test", propagation_seconds=120)

    def start(self):
        process = self.host.start("issue", "--all")
        wait_for(lambda: self.lab.txt(CHALLENGE), "the TXT record is written")
        return process

    def check_stopped_by(self, number):
        process = self.start()
        begin = time.monotonic()
        process.send_signal(number)
        done = self.expect(self.host.finish(process), FAILED)
        self.assertLess(time.monotonic() - begin, 20, "it did not wait for the propagation to be over")
        self.assertIn("stopping: certbot removes its DNS records first", done.err)
        self.assertIn("interrupted", done.out)
        self.assertEqual(self.lab.txt(CHALLENGE), [])
        self.assertEqual(self.host.credentials_left(), [])
        run = self.host.run("--json", "history").json[0]
        self.assertEqual((run["outcome"], run["failure"]["class"]), ("interrupted", "interrupted"))
        self.assertEqual(self.host.audit_entries()[-1]["outcome"], "interrupted")
        self.certificate["propagation_seconds"] = 0
        self.assertEqual(self.issue()["outcome"], "deployed")

    def test_by_sigint(self):
        self.check_stopped_by(signal.SIGINT)

    def test_by_sigterm(self):
        self.check_stopped_by(signal.SIGTERM)

    def test_before_the_turn_of_the_second_certificate(self):
        self.host.settings["max_parallel"] = 1
        self.host.want("www.example.test")
        process = self.start()
        process.send_signal(signal.SIGTERM)
        done = self.expect(self.host.finish(process), FAILED)
        self.assertIn("www.example.test: stopped before its turn", done.out)

    def test_by_sigkill_leaves_nothing_that_the_next_start_does_not_put_right(self):
        self.certificate["propagation_seconds"] = 3
        # Values, so that a credentials file is written.
        self.host.settings["accounts"]["a"] = {"provider": "rfc2136", "zones": ["example.test"],
                                               "credentials": self.host.credentials()}
        process = self.start()
        certbots = descendants(process.pid)
        process.kill()
        self.host.finish(process)
        self.assertEqual(len(self.host.credentials_left()), 1, "a killed certherd removes nothing")
        shown = self.host.run("history")
        self.assertIn("running or interrupted", shown.out)
        wait_for(lambda: not any(map(is_running, certbots)), "the orphaned certbot has ended")
        before = self.lab.orders()
        run = self.issue()
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual(self.lab.orders(), before, "what the orphan got is published")
        self.assertEqual(self.host.credentials_left(), [])
        history = self.host.run("--json", "history").json
        self.assertEqual([run["outcome"] for run in history], ["deployed", "interrupted"])
        self.assertEqual([(entry["action"], entry["outcome"]) for entry in self.host.audit_entries()],
                         [("recover", "interrupted"), ("publish", "deployed")])
        self.assertEqual(self.host.run("audit", "verify").code, DONE)

    def test_by_sigkill_and_started_again_while_the_orphan_works(self):
        process = self.start()
        certbots = descendants(process.pid)
        for pid in certbots:
            self.addCleanup(kill, pid)
        process.kill()
        self.host.finish(process)
        self.certificate["propagation_seconds"] = 0
        done = self.expect(self.host.issue(), DONE)
        self.assertEqual([run["outcome"] for run in done.runs.values()], ["deployed"])
        self.assertIn("of an earlier life", done.err)
        self.assertFalse(any(map(is_running, certbots)), "the orphan was ended before a new order was made")
        self.assertEqual(self.lab.txt(CHALLENGE), [])


if __name__ == "__main__":
    unittest.main()
