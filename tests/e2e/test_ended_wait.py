"""certbot's wait for propagation, watched and ended: with the real certbot and a secondary server that lags behind."""

import os
import pathlib
import stat
import subprocess
import unittest

from e2e.harness import CERTHERD, DONE, FAILED, Case, start_lab, wait_for
from e2e.serving import SHELL

LAG = 8
LONG = 120


def setUpModule():
    Case.lab = start_lab(ca_dns="secondary")


class Lagging(Case):
    def setUp(self):
        super().setUp()
        del self.host.settings["propagation"]
        self.lab.set_lag(LAG)
        self.addCleanup(self.lab.set_lag, 0)

    def servers(self, run):
        return {server["server"]: server for server in run["attempts"][-1]["visibility"]}

    def waited(self, run):
        return [span["seconds"] for span in run["phases"] if span["phase"] == "propagation"][-1]

    def test_ends_when_the_last_server_has_it(self):
        self.host.want("example.test", "*.example.test", propagation_seconds=LONG)
        run = self.issue()
        self.assertEqual(run["outcome"], "deployed")
        servers = self.servers(run)
        self.assertEqual(set(servers), {"ns1.example.test", "ns2.example.test"})
        ended = run["attempts"][-1]["wait_ended_seconds"]
        self.assertLess(servers["ns1.example.test"]["seconds"], servers["ns2.example.test"]["seconds"])
        self.assertGreater(servers["ns2.example.test"]["seconds"], LAG / 2)
        self.assertGreater(ended, servers["ns2.example.test"]["seconds"], "never before every server had it")
        self.assertLess(self.waited(run), LONG, "and long before certbot would have gone on by itself")
        shown = self.expect(self.host.run("show", run["run"]), DONE).out
        self.assertIn("ns2.example.test 127.0.0.2", shown)
        self.assertIn("wait ended after ", shown)
        self.assertNotIn("launcher.py", run["attempts"][-1]["command"], "what a person would type")
        self.assertEqual(list((self.host.state / "runs").rglob("end-wait")), [])

    def test_a_wait_that_is_too_short_names_the_server_that_lags(self):
        self.lab.set_lag(600)
        self.host.want("example.test", propagation_seconds=2)
        run = self.issue(code=FAILED)
        failure = self.expect_failure(run, "txt_missing")
        self.assertTrue(failure["fix"].startswith("within the 2 s of the wait the TXT records did not appear on "
                                                  "ns2.example.test (127.0.0.2:"), failure)
        self.assertIsNone(self.servers(run)["ns2.example.test"]["seconds"])
        self.assertIsNotNone(self.servers(run)["ns1.example.test"]["seconds"])
        self.assertIsNone(run["attempts"][-1]["wait_ended_seconds"])

    def test_not_so_early_again_when_the_ca_sees_less_than_this_host(self):
        self.lab.nsupdate("zone example.test.\nupdate delete example.test. NS ns2.example.test.")
        self.addCleanup(self.lab.nsupdate, "zone example.test.\nupdate add example.test. 1 NS ns2.example.test.")
        self.lab.set_lag(600)  # of the server that the CA asks, and nobody else knows of
        self.host.want("example.test", propagation_seconds=LONG)
        run = self.issue(code=FAILED)
        self.expect_failure(run, "txt_missing")
        self.assertEqual(set(self.servers(run)), {"ns1.example.test"})
        self.assertIsNotNone(run["attempts"][-1]["wait_ended_seconds"])
        why = self.expect(self.host.run("why", "example.test"), DONE).out
        self.assertRegex(why, r"the wait is not ended before [0-9.]+ s: the CA found no record although every name")
        self.lab.set_lag(0)
        run = self.issue()
        self.assertGreaterEqual(run["attempts"][-1]["wait_ended_seconds"], 5, "though it was seen at once")
        (entry,) = [entry for entry in self.host.audit_entries() if entry["run"] == run["run"]]
        self.assertEqual([server["server"] for server in entry["visibility"]], ["ns1.example.test"])
        self.assertEqual(entry["wait_ended"], run["attempts"][-1]["wait_ended_seconds"])

    def test_measured_and_not_ended_where_that_is_not_wanted(self):
        self.host.settings["propagation"] = {"end_wait": False}
        self.lab.set_lag(1)
        self.host.want("example.test", propagation_seconds=5)
        run = self.issue()
        self.assertIsNotNone(self.servers(run)["ns2.example.test"]["seconds"])
        self.assertIsNone(run["attempts"][-1]["wait_ended_seconds"])
        self.assertGreaterEqual(self.waited(run), 4.9)

    def test_not_ended_where_certbot_is_no_python_script(self):
        wrapper = self.host.directory / "certbot"
        wrapper.write_text(f'#!{SHELL}\nexec /usr/bin/certbot "$@"\n')
        wrapper.chmod(0o755)
        self.host.settings["certbot"] = {"path": str(wrapper)}
        self.lab.set_lag(1)
        self.host.want("example.test", propagation_seconds=5)
        run = self.issue()
        self.assertIsNotNone(self.servers(run)["ns2.example.test"]["seconds"])
        self.assertIsNone(run["attempts"][-1]["wait_ended_seconds"])

    def test_a_stop_while_it_waits_is_as_ever(self):
        self.lab.set_lag(600)
        self.host.want("example.test", propagation_seconds=LONG)
        process = self.host.start("--json", "issue", "--all")
        wait_for(lambda: self.lab.txt("_acme-challenge.example.test"), "the record is written")
        process.terminate()
        run = self.expect(self.host.finish(process), FAILED).json[0]["run"]
        self.assertEqual(run["outcome"], "interrupted", run)
        self.assertEqual(self.lab.txt("_acme-challenge.example.test"), [], "certbot has cleaned up")
        self.assertEqual(list((self.host.state / "runs").rglob("end-wait")), [])

    def test_not_watched_without_a_preflight(self):
        self.host.settings["preflight"] = "off"
        self.lab.set_lag(0)
        self.host.want("example.test", propagation_seconds=5)
        run = self.issue()
        self.assertEqual(run["attempts"][-1]["visibility"], [])


class Launcher(Case):
    """The launcher by itself: everything but the wait is as if certbot had been started."""

    launcher = pathlib.Path(CERTHERD).parents[1] / "libexec/certherd/launcher.py"

    def python(self, script, *arguments, fifo=None, flags=()):
        path = self.host.directory / "script.py"
        path.write_text(script)
        done = self.host.finish(self.spawn(["/usr/bin/python3", *flags, self.launcher, path, *arguments], fifo))
        return done

    def spawn(self, command, fifo):
        environment = {"PATH": "/usr/bin:/bin"}
        if fifo:
            environment["CERTHERD_END_WAIT"] = str(fifo)
        return subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment)

    def fifo(self):
        path = self.host.directory / "fifo"
        os.mkfifo(path, 0o600)
        return path

    def test_arguments_name_path_exit_code_and_environment(self):
        script = ("import os, sys\nprint(sys.argv[1:], __name__, sys.path[0], 'CERTHERD_END_WAIT' in os.environ, __file__)\n"
                  "sys.exit(7)\n")
        done = self.python(script, "-d", "a b", fifo=self.fifo())
        directory = self.host.directory
        self.assertEqual(done.out, f"['-d', 'a b'] __main__ {directory} False {directory}/script.py\n", done)
        self.assertEqual(done.code, 7)

    def test_nothing_is_put_on_the_path_where_the_interpreter_is_isolated(self):
        done = self.python("import sys\nprint(sys.path[0])\n", flags=["-I"])
        self.assertNotIn(str(self.host.directory), done.out)

    def test_the_wait_ends_when_told_and_by_itself(self):
        fifo = self.fifo()
        script = ("import certbot.plugins.dns_common as d, sys, time\nprint('waits', flush=True)\nbegin = time.monotonic()\n"
                  "d.sleep(float(sys.argv[1]))\nprint(time.monotonic() - begin < 50, flush=True)\n")
        path = self.host.directory / "script.py"
        path.write_text(script)
        process = self.spawn(["/usr/bin/python3", self.launcher, path, "60"], fifo)
        self.assertEqual(process.stdout.readline(), "waits\n")
        with open(fifo, "w", encoding="ascii") as writer:
            writer.write("x")
        self.assertEqual(self.host.finish(process).out, "True\n")
        self.assertEqual(self.python(script, "0.2", fifo=fifo).out, "waits\nTrue\n")

    def test_certbot_as_it_is_where_anything_is_not_as_expected(self):
        for fifo in (self.host.directory / "missing", self.host.directory):
            done = self.python("print('ran')\n", fifo=fifo)
            self.assertEqual((done.out, done.err, done.code), ("ran\n", "", 0))

    def test_a_certbot_without_that_function(self):
        package = self.host.directory / "certbot/plugins"
        package.mkdir(parents=True)
        for name in ("__init__.py", "plugins/__init__.py", "plugins/dns_common.py"):
            (self.host.directory / "certbot" / name).write_text("")
        done = self.python("import certbot.plugins.dns_common as d\nprint(hasattr(d, 'sleep'))\n", fifo=self.fifo())
        self.assertEqual((done.out, done.err), ("False\n", ""))

    def test_is_nobody_elses_to_write(self):
        mode = self.launcher.resolve().stat().st_mode
        self.assertEqual(mode & (stat.S_IWOTH | stat.S_IWGRP), 0)


if __name__ == "__main__":
    unittest.main()
