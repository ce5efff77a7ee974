"""certbots that are forked against certbots that are executed: whatever certbot does, certherd sees the same.

The certbot is the stand-in of warm.py; only the ACME account comes from the real one.
"""

import json
import signal
import unittest

from e2e.harness import DONE, FAILED, Case, start_lab
from e2e.warm import StandIn

ENGINES = ("plain", "warm")

# All that a program can find out about the process that it is.
PORTRAIT = r"""
import json, locale, os, signal, sys, tempfile, time
import certbot.util
from certbot._internal.constants import CLI_DEFAULTS
from certbot._internal.plugins.disco import PluginsRegistry
def main():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    umask = os.umask(0); os.umask(umask)
    links = {}
    for name in os.listdir("/proc/self/fd"):
        try: links[name] = os.readlink("/proc/self/fd/" + name)
        except OSError: pass  # the one that lists them
    print(json.dumps({
        "argv": sys.argv, "orig": open("/proc/self/cmdline").read().rstrip("\0").split("\0"),
        "environment": dict(os.environ), "directory": os.getcwd(), "umask": umask,
        "leads its group": os.getpgid(0) == os.getpid(), "session": os.getsid(0) == os.getsid(os.getppid()),
        "descriptors": {name: link.split(":")[0] for name, link in links.items()},
        "one pipe": links["1"] == links["2"],
        "signals": {key: status[key].strip() for key in ("SigBlk", "SigIgn", "SigCgt", "SigPnd")},
        "python's": [str(signal.getsignal(number)).split(" at ")[0] for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
        "encoding": [sys.stdout.encoding, sys.stderr.encoding, sys.getfilesystemencoding(), locale.getpreferredencoding()],
        "buffers": [sys.stdout.line_buffering, sys.stdout.write_through, sys.stderr.line_buffering],
        "time": time.tzname, "temporary": tempfile.gettempdir(), "path": sys.path, "flags": str(sys.flags),
        "executable": sys.executable, "own": certbot.util._INITIAL_PID == os.getpid(), "files": CLI_DEFAULTS,
        "plugins": list(PluginsRegistry.find_all()), "dumpable": status["TracerPid"], "limits": open("/proc/self/limits").read(),
        "nice": os.nice(0), "death signal": death_signal()}))
    return 3
def death_signal():
    import ctypes
    number = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(number), 0, 0, 0)
    return number.value
"""


def setUpModule():
    Case.lab = start_lab()


class Engines(Case):
    """One host for all tests: each changes what certbot does and how it is started."""

    @classmethod
    def setUpClass(cls):
        case = cls("setUp")
        super(Engines, case).setUp()
        cls.common = case.host
        cls.addClassCleanup(case.doClassCleanups)
        cls.addClassCleanup(cls.common.remove)
        cls.common.want("example.test")
        done = cls.common.issue()  # by the real certbot, which leaves the account
        assert done.code == DONE, done
        place = cls.common.directory / "stand-in"
        place.mkdir()
        cls.certbot = StandIn(place)

    def setUp(self):
        self.host = self.common
        self.host.settings["certbot"] = {"path": "stand-in/certbot-script", "grace": "1s"}
        StandIn(self.common.directory / "stand-in")  # what the test before has changed

    def run_by(self, engine, body, timeout="60s", code=FAILED):
        """The Run by this engine, and what its certbot printed."""
        self.certbot.behave(body)
        self.host.settings["certbot"].update(engine=engine, timeout=timeout)
        done = self.expect(self.host.run("-v", "--json", "issue", "--force", "--all"), code)
        self.assertEqual("is kept in memory" in done.err, engine == "warm", done)
        run = done.json[0]["run"]
        text = (self.host.state / "runs" / run["run"] / "attempt-1.log").read_text()
        return run, text.partition("# output\n")[2].partition("\n# debug log\n")[0]

    def both(self, body, **more):
        """What differs not: exit code, signal, class, error, output."""
        seen = {}
        for engine in ENGINES:
            run, output = self.run_by(engine, body, **more)
            attempt = run["attempts"][0]
            seen[engine] = {"exit_code": attempt["exit_code"], "signal": attempt["signal"], "failure": run["failure"],
                            "output": output, "phases": [span["phase"] for span in attempt["phases"]]}
            self.assertEqual(len(run["attempts"]), 1)
        self.assertEqual(seen["plain"], seen["warm"])
        return seen["warm"]


class TheSame(Engines):
    def test_everything_that_a_process_can_find_out_about_itself(self):
        seen = self.both(PORTRAIT)
        self.assertEqual(seen["exit_code"], 3)
        portrait = json.loads(seen["output"])
        self.assertEqual(sorted(portrait["descriptors"]), ["0", "1", "2"], "and nothing else is open")
        self.assertTrue(portrait["own"])
        self.assertTrue(portrait["leads its group"])
        self.assertEqual(portrait["death signal"], 0, "it outlives whoever started it")

    def test_exit_codes(self):
        for result, code in (("3", 3), ("256 + 7", 7), ("'certbot: that went wrong'", 1), ("None", 0), ("True", 1)):
            with self.subTest(result):
                seen = self.both(f"def main(): return {result}\n")
                self.assertEqual(seen["exit_code"], code)

    def test_exceptions_with_certbots_own_hook_and_without(self):
        hook = "import sys\ndef hook(kind, error, trace):\n    print('in short:', error, file=sys.stderr)\n    {}\n"
        for body, code in (("raise ValueError('as it is')", 1),
                           ("sys.excepthook = hook; raise ValueError('x')", 1),
                           ("raise KeyboardInterrupt", 130), ("raise SystemExit(9)", 9)):
            with self.subTest(body):
                seen = {}
                for engine in ENGINES:
                    text = hook.format("sys.exit(1)") + f"def main():\n    {body}\n"
                    run, output = self.run_by(engine, text)
                    attempt = run["attempts"][0]
                    lines = [line for line in output.splitlines() if not line.startswith("  ")]
                    seen[engine] = (attempt["exit_code"], attempt["signal"], lines, run["failure"]["class"])
                self.assertEqual(seen["plain"], seen["warm"])

    def test_a_hook_that_fails_itself(self):
        seen = {}
        for engine in ENGINES:
            run, output = self.run_by(engine, "import sys\ndef hook(*_): raise AttributeError(\"can't set attribute\")\n"
                                              "def main():\n    sys.excepthook = hook\n    raise ValueError('behind it')\n")
            seen[engine] = [line for line in output.splitlines() if line and not line.startswith("  ")]
            self.assertEqual(run["attempts"][0]["exit_code"], 1)
        self.assertEqual(seen["plain"], seen["warm"])
        self.assertIn("AttributeError: can't set attribute", seen["warm"])
        self.assertIn("ValueError: behind it", seen["warm"])

    def test_what_is_left_to_the_end_of_the_program(self):
        seen = self.both("import atexit, sys, threading, time\ndef work():\n    time.sleep(0.2)\n    print('thread')\n"
                         "def main():\n    atexit.register(print, 'at exit')\n    threading.Thread(target=work).start()\n"
                         "    sys.stdout.write('no newline')\n    return 5\n")
        self.assertEqual((seen["exit_code"], seen["output"].strip()), (5, "no newlinethread\nat exit"))

    def test_ends_by_signals(self):
        for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGPIPE):
            with self.subTest(number.name):
                body = f"import os, signal\ndef main():\n    signal.signal({int(number)}, signal.SIG_DFL)\n    " \
                    if number not in (signal.SIGKILL,) else "import os\ndef main():\n    "
                seen = self.both(body + f"os.kill(os.getpid(), {int(number)})\n")
                self.assertEqual(seen["signal"], number)

    def test_ends_at_once_with_what_it_has_said(self):
        seen = self.both("import os\ndef main():\n    print('so far')\n    os._exit(11)\n")
        self.assertEqual((seen["exit_code"], seen["output"].strip()), (11, "so far"))

    def test_hangs_and_heeds_term(self):
        seen = self.both("import time\ndef main(): time.sleep(600)\n", timeout="1s")
        self.assertEqual((seen["signal"], seen["failure"]["class"]), (signal.SIGTERM, "certbot_timeout"))

    def test_hangs_and_heeds_no_term(self):
        seen = self.both("import signal, time\ndef main():\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                         "    time.sleep(600)\n", timeout="1s")
        self.assertEqual((seen["signal"], seen["failure"]["class"]), (signal.SIGKILL, "certbot_timeout"))

    def test_leaves_children_of_its_own(self):
        seen = self.both("import subprocess\ndef main():\n    child = subprocess.Popen(['/bin/sleep', '600'])\n"
                         "    print('left', flush=True)\n    return 4\n")
        self.assertEqual(seen["exit_code"], 4)

    def test_floods(self):
        seen = self.both("def main():\n    for number in range(100000): print('line', number, 'x' * 50)\n    return 2\n")
        self.assertIn("line 99999 ", seen["output"])

    def test_its_children_find_nothing_of_the_host(self):
        seen = self.both("import subprocess\ndef main():\n    print(subprocess.run(['/bin/ls', '/proc/self/fd'], "
                         "capture_output=True, text=True).stdout.split())\n    return 1\n")
        self.assertEqual(seen["output"].strip(), "['0', '1', '2', '3']", "the last is what it lists")


class Refused(Engines):
    """The plain engine, and why."""

    def reason(self, body="def main(): return 7\n"):
        self.certbot.behave(body)
        self.host.settings["certbot"].update(engine="warm", timeout="60s")
        done = self.expect(self.host.run("-v", "--json", "issue", "--force", "--all"), FAILED)
        self.assertEqual(done.json[0]["run"]["attempts"][0]["exit_code"], 7, "it ran all the same")
        self.assertNotIn("is kept in memory", done.err)
        shown = self.expect(self.host.run("providers", "rfc2136"), DONE).out
        told = self.expect(self.host.run("--json", "providers", "rfc2136"), DONE).json["engine"]
        self.assertEqual(told["kind"], "plain")
        self.assertIn(f"engine: plain, each run starts certbot anew: {told['reason']}", shown)
        self.assertIn(told["reason"], done.err)
        return told["reason"]

    def test_a_broken_plugin(self):
        self.certbot.write("stand_in_plugin.py", "import a_module_that_nobody_has\n")
        self.assertIn("No module named 'a_module_that_nobody_has'", self.reason())

    def test_an_import_that_kills_python(self):
        self.certbot.write("stand_in_plugin.py", "import os, sys\nprint('oh dear', file=sys.stderr)\nos._exit(3)\n")
        self.assertIn("it last said: oh dear", self.reason())

    def test_no_script_of_certbots(self):
        self.certbot.script.write_text("#!/bin/sh\ncase $1 in\n--version) echo certbot 2.1.0;;\n"
                                       "plugins) echo '* dns-rfc2136';;\n*) exit 7;;\nesac\n")
        self.assertIn("is no Python script", self.reason())

    def test_not_wanted(self):
        self.host.settings["certbot"].update(engine="plain", timeout="60s")
        self.host.write_config()
        told = self.expect(self.host.run("--json", "providers", "rfc2136"), DONE).json["engine"]
        self.assertEqual(told, {"kind": "plain", "reason": "the configuration says engine: plain"})

    def test_a_word_that_is_none(self):
        self.host.settings["certbot"].update(engine="hot")
        done = self.host.run("config", "check")
        self.assertEqual(done.code, 3, done)
        self.assertIn("engine", done.err)
        del self.host.settings["certbot"]["engine"]


if __name__ == "__main__":
    unittest.main()
