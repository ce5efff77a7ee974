"""The real certbot, forked from a host that has imported it: and the host is killed at each moment, certbot is upgraded
in the middle, certherd itself is killed."""

import pathlib
import shutil
import signal
import unittest

from e2e.harness import DONE, FAILED, Case, descendants, is_running, kill, start_lab, wait_for
from e2e.serving import ServiceCase

PACKAGES = pathlib.Path("/usr/lib/python3/dist-packages")
CHALLENGE = "_acme-challenge.example.test"
SEVERAL = ("a.example.test", "b.example.test", "c.example.test")


def setUpModule():
    Case.lab = start_lab()


def hosts(pid):
    """The processes below this one that keep certbot in memory."""
    found = []
    for below in descendants(pid):
        try:
            command = pathlib.Path(f"/proc/{below}/cmdline").read_bytes()
        except OSError:
            continue
        if b"warm_host.py" in command or command.startswith(b"certherd: "):
            found.append(below)
    return [process for process in found if is_running(process)]


class Warm(Case):
    def setUp(self):
        super().setUp()
        self.host.settings["certbot"] = {"engine": "warm"}
        self.host.propagation = 60

    def start(self):
        return self.host.start("-v", "--json", "issue", "--all", "--force")

    def finish(self, process, code=DONE):
        done = self.expect(self.host.finish(process), code)
        return {item["certificate"]: item["run"] for item in done.json}, done.err

    def wait_for_challenge(self, name=CHALLENGE):
        wait_for(lambda: self.lab.txt(name), "certbot waits for propagation")

    def test_several_at_a_time_and_a_second_life(self):
        for name in SEVERAL:
            self.host.want(name, propagation_seconds=0)
        self.host.settings["certbot"] = {"engine": "auto"}  # several are wanted: the choice is certherd's
        for _ in range(2):
            runs, said = self.finish(self.start())
            self.assertEqual(said.count("is kept in memory"), 1, said)
            for name in SEVERAL:
                self.assertEqual(runs[name]["outcome"], "deployed", runs[name])
                self.assertEqual(runs[name]["attempts"][0]["exit_code"], 0)
                self.assertGreater(runs[name]["attempts"][0]["user_seconds"], 0)

    def test_one_alone_is_executed_unless_told_otherwise(self):
        self.host.settings["certbot"] = {"engine": "auto"}
        self.host.want("example.test", propagation_seconds=0)
        self.assertNotIn("is kept in memory", self.finish(self.start())[1])
        self.host.settings["certbot"] = {"engine": "warm"}
        self.assertIn("is kept in memory", self.finish(self.start())[1])

    def test_the_host_is_killed_while_it_imports(self):
        for name in SEVERAL:
            self.host.want(name, propagation_seconds=0)
        process = self.start()
        for pid in wait_for(lambda: hosts(process.pid), "a host begins"):
            kill(pid)
        runs, said = self.finish(process)
        self.assertEqual({run["outcome"] for run in runs.values()}, {"deployed"}, runs)
        self.assertIn("is not kept in memory, each run starts it anew: the process that keeps certbot in memory is gone", said)

    def test_the_host_is_killed_while_certbots_wait(self):
        for name in SEVERAL:
            self.host.want(name, propagation_seconds=6)
        process = self.start()
        for name in SEVERAL:
            self.wait_for_challenge("_acme-challenge." + name)
        for pid in hosts(process.pid):
            kill(pid)
        runs, _ = self.finish(process)
        for name in SEVERAL:
            self.assertEqual(runs[name]["outcome"], "deployed", runs[name])
            attempt = runs[name]["attempts"][0]
            self.assertEqual((attempt["exit_code"], attempt["signal"]), (None, None), "nobody saw how they ended")
            self.assertEqual(self.lab.txt("_acme-challenge." + name), [])

    def test_host_and_certbot_are_killed(self):
        self.host.want("example.test")
        process = self.start()
        self.wait_for_challenge()
        below = descendants(process.pid)
        for pid in hosts(process.pid) + [pid for pid in below if pid not in hosts(process.pid)]:
            kill(pid)
        runs, _ = self.finish(process, FAILED)
        run = runs["example.test"]
        self.assertEqual(run["outcome"], "interrupted", run)
        self.assertIn("and how is not known", run["failure"]["error"])
        self.assertIn(f"look for TXT records at {CHALLENGE}", run["failure"]["fix"])
        self.host.settings["certificates"][0]["propagation_seconds"] = 0
        runs, _ = self.finish(self.start())
        self.assertEqual(runs["example.test"]["outcome"], "deployed")

    def test_a_stop_after_the_host_was_killed(self):
        self.host.want("example.test")
        process = self.start()
        self.wait_for_challenge()
        for pid in hosts(process.pid):
            kill(pid)
        process.terminate()
        runs, _ = self.finish(process, FAILED)
        self.assertEqual(runs["example.test"]["outcome"], "interrupted", runs)
        self.assertEqual(self.lab.txt(CHALLENGE), [], "certbot has cleaned up")

    def test_certherd_is_killed_and_finds_its_certbots_again(self):
        self.host.want("example.test")
        process = self.start()
        self.wait_for_challenge()
        theirs = [pid for pid in descendants(process.pid) if pid not in hosts(process.pid)]
        host = hosts(process.pid)
        process.kill()
        process.communicate()
        wait_for(lambda: not any(map(is_running, host)), "the host ends with it")
        self.assertTrue(all(map(is_running, theirs)) and theirs, "its certbot goes on")
        self.host.settings["certificates"][0]["propagation_seconds"] = 0
        runs, said = self.finish(self.start())
        self.assertIn("the certbot of an earlier life for example.test", said)
        self.assertFalse(any(map(is_running, theirs)))
        self.assertEqual(runs["example.test"]["outcome"], "deployed")

    def test_certbot_is_upgraded_in_the_middle(self):
        """A certbot of this test's own: its files lie beside its entry point, and come first."""
        place = self.host.directory / "own"
        place.mkdir()
        for package in ("certbot", "certbot_dns_rfc2136"):
            shutil.copytree(PACKAGES / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy("/usr/bin/certbot", place / "certbot-script")
        self.host.settings["certbot"] = {"engine": "warm", "path": "own/certbot-script"}
        self.host.settings["max_parallel"] = 1
        for name in SEVERAL:
            self.host.want(name, propagation_seconds=3)
        process = self.host.start("-vv", "--json", "issue", "--all", "--force")
        self.wait_for_challenge("_acme-challenge." + SEVERAL[0])
        plugin = place / "certbot_dns_rfc2136/_internal/dns_rfc2136.py"
        plugin.write_text(plugin.read_text() + "\n# a new version\n")
        runs, said = self.finish(process)
        self.assertEqual({run["outcome"] for run in runs.values()}, {"deployed"}, runs)
        self.assertIn(f"the process that keeps certbot in memory is replaced: {plugin} has changed", said)
        self.assertEqual(said.count("is kept in memory with"), 2, said)
        plugin.write_text("import a_module_that_nobody_has\n")
        done = self.host.run("-v", "--json", "issue", "--all", "--force")
        self.expect(done, FAILED)
        self.assertIn("No module named 'a_module_that_nobody_has'", done.err)
        for item in done.json:
            self.assertEqual(item["run"]["failure"]["class"], "plugin_broken", item)


class WarmService(ServiceCase):
    def setUp(self):
        super().setUp()
        self.host.settings["certbot"] = {"engine": "warm"}

    def issue_all(self):
        runs = self.host.issue("--all", "--force")
        self.expect(runs, DONE)
        for run in runs.runs.values():
            self.assertEqual(run["outcome"], "deployed", run)

    def test_a_host_that_was_killed_at_rest_is_replaced_and_one_without_work_ends(self):
        self.host.want("example.test", propagation_seconds=0)
        process = self.serve()
        wait_for(lambda: self.host.generation("example.test"), "the first certificate")
        (first,) = hosts(process.pid)
        kill(first)
        wait_for(lambda: not is_running(first), "the host is gone")
        self.issue_all()
        (second,) = hosts(process.pid)
        self.assertNotEqual(first, second)
        wait_for(lambda: not hosts(process.pid), "a host without work ends", timeout=60)
        self.issue_all()
        (third,) = hosts(process.pid)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0, self.said())
        self.assertFalse(is_running(third))

    def test_a_host_that_hangs_holds_nobody_up_for_long(self):
        self.host.want("example.test", propagation_seconds=0)
        process = self.serve()
        wait_for(lambda: self.host.generation("example.test"), "the first certificate")
        (first,) = hosts(process.pid)
        kill(first, signal.SIGSTOP)
        self.issue_all()
        wait_for(lambda: not is_running(first), "it is killed", timeout=60)

    def test_a_reload_changes_the_engine(self):
        self.host.want("example.test", propagation_seconds=0)
        process = self.serve()
        wait_for(lambda: self.host.generation("example.test"), "the first certificate")
        self.host.settings["certbot"] = {"engine": "plain"}
        self.host.write_config()
        self.assertTrue(self.reload()["in_force"])
        before = self.said().count("is kept in memory")
        for pid in hosts(process.pid):
            kill(pid)
        self.issue_all()
        self.assertEqual(hosts(process.pid), [])
        self.assertEqual(self.said().count("is kept in memory"), before)


if __name__ == "__main__":
    unittest.main()
