"""warm_host.py by itself: what it refuses, what its children are, when a new one is due. The certbot is the stand-in of
warm.py but where the real one is said."""

import os
import pathlib
import resource
import shutil
import signal
import tempfile
import unittest

from e2e.harness import descendants, is_running, wait_for
from e2e.warm import HOST_PROGRAM, HostProcess, StandIn

CERTBOT = "/usr/bin/certbot"


class Hosts(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="certherd-e2e-"))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.certbot = StandIn(self.directory)

    def start(self, script=None, program=HOST_PROGRAM):
        host = HostProcess(str(script or self.certbot.script), program)
        self.addCleanup(host.__exit__)
        return host

    def refusal(self, script=None, program=HOST_PROGRAM):
        host = self.start(script, program)
        self.assertEqual(list(host.hello), ["refused"], host.hello)
        self.assertEqual(host.process.wait(60), 0)
        return host.hello["refused"]


class Refusals(Hosts):
    def test_an_entry_point_of_another_kind(self):
        self.certbot.script.write_text("#!/usr/bin/python3\nimport certbot_of_mine\n")
        self.assertIn("is not the entry point that certbot is installed with", self.refusal())

    def test_an_entry_point_that_is_not_there(self):
        self.assertIn("No such file", self.refusal(self.directory / "missing"))

    def test_a_launcher_that_others_may_write(self):
        programs = self.directory / "programs"
        programs.mkdir()
        for name in ("warm_host.py", "launcher.py"):
            shutil.copy(HOST_PROGRAM.with_name(name), programs / name)
        (programs / "launcher.py").chmod(0o666)
        self.assertEqual(self.refusal(program=programs / "warm_host.py"), f"others may write {programs}/launcher.py")
        (programs / "launcher.py").unlink()
        self.assertIn("No such file", self.refusal(program=programs / "warm_host.py"))

    def test_a_plugin_that_cannot_be_imported(self):
        self.certbot.write("stand_in_plugin.py", "import a_module_that_nobody_has\n")
        self.assertIn("cannot be imported: ModuleNotFoundError: No module named 'a_module_that_nobody_has'", self.refusal())

    def test_a_plugin_that_ends_python(self):
        self.certbot.write("stand_in_plugin.py", "raise SystemExit('I am not for this certbot')\n")
        self.assertIn("SystemExit: I am not for this certbot", self.refusal())

    def test_a_plugin_that_starts_a_thread(self):
        self.certbot.write("stand_in_plugin.py", "import threading, time\nthreading.Thread(target=time.sleep, args=[60], "
                                                 "daemon=True).start()\nclass Plugin: pass\n")
        self.assertIn("a plugin has started a thread", self.refusal())

    def test_a_plugin_that_loads_grpc(self):
        self.certbot.write("grpc.py", "")
        self.certbot.write("stand_in_plugin.py", "import grpc\nclass Plugin: pass\n")
        self.assertIn("the Python module grpc", self.refusal())

    def test_a_plugin_that_handles_a_signal(self):
        self.certbot.write("stand_in_plugin.py", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                                                 "class Plugin: pass\n")
        self.assertIn("a plugin handles signals: SIGTERM", self.refusal())

    def test_a_certbot_without_what_is_relied_on(self):
        for name, text, missing in (("certbot/util.py", "", "certbot.util._INITIAL_PID"),
                                    ("certbot/_internal/plugins/disco.py", "class PluginsRegistry: pass\n",
                                     "PluginsRegistry.find_all")):
            with self.subTest(missing):
                StandIn(self.directory).write(name, text)
                self.assertIn(f"this certbot has no {missing}", self.refusal())

    def test_a_certbot_without_a_registry(self):
        (self.directory / "certbot/_internal/plugins/disco.py").unlink()
        self.assertIn("ModuleNotFoundError", self.refusal())


class Children(Hosts):
    def test_a_request_that_does_not_arrive_whole_does_nothing(self):
        self.certbot.behave(f"def main(): open({str(self.directory / 'done')!r}, 'w')\n")
        host = self.start()
        for part in (b"", b"1\0certonly\0", b"1\0certonly\0" b"0\0/\0"):
            _, child = host.fork()
            child.request.sendall(part)
            child.request.close()
            self.assertEqual(child.end()[:2], (126, ""))
        self.assertFalse((self.directory / "done").exists())
        self.assertEqual(host.run("certonly")[0], 0)
        self.assertTrue((self.directory / "done").exists())

    def test_go_on_when_the_host_is_killed_or_nobody_asks_any_more(self):
        self.certbot.behave("import sys\ndef main():\n    print('begun', flush=True)\n    open(sys.argv[1]).read()\n"
                            "    open(sys.argv[2], 'w').close()\n")
        for number, end in enumerate((lambda host: host.process.kill(), lambda host: host.control.close())):
            gate, done = self.directory / f"gate{number}", self.directory / f"done{number}"
            os.mkfifo(gate)
            host = self.start()
            _, child = host.fork()
            child.ask(gate, done)
            self.assertEqual(os.read(child.output, 6), b"begun\n")
            end(host)
            host.process.wait(60)
            self.assertTrue(is_running(child.pid))
            gate.write_text("")
            wait_for(done.exists, "the child has gone on to its end")

    def test_are_seen_by_their_own_names(self):
        self.certbot.behave("import os, sys\ndef main():\n    open(sys.argv[2]).read()\n")
        gate = self.directory / "gate"
        os.mkfifo(gate)
        host = self.start()
        seen = pathlib.Path(f"/proc/{host.process.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
        self.assertEqual(seen, f"certherd: {self.certbot.script}, imported once")
        _, child = host.fork()
        long = "-d" + "x" * 20000
        child.ask("certonly", gate, long)
        expected = ["/usr/bin/python3", str(self.certbot.script), "certonly", str(gate), long]
        wait_for(lambda: pathlib.Path(f"/proc/{child.pid}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0") == expected,
                 "its arguments are shown")
        self.assertEqual(pathlib.Path(f"/proc/{child.pid}/comm").read_text(), "certbot\n")
        gate.write_text("")
        self.assertEqual(child.end()[0], 0)

    def test_credentials_are_never_in_the_host(self):
        self.certbot.behave("import os\ndef main(): print(os.environ['AWS_SECRET_ACCESS_KEY'][::-1])\n")
        host = self.start()
        secret = "".join(("n0w", "Y0u", "see", "me", str(os.getpid())))
        code, printed, _ = host.run(environment={"AWS_SECRET_ACCESS_KEY": secret})
        self.assertEqual((code, printed), (0, secret[::-1] + "\n"))
        self.assertFalse(holds(host.process.pid, secret.encode()))
        self.assertTrue(holds(host.process.pid, str(self.certbot.script).encode()), "this is how one would find it")

    def test_five_hundred_of_the_real_certbot_leave_the_host_as_it_was(self):
        host = self.start(CERTBOT)
        self.assertIn("ready", host.hello)
        early = 0
        for number in range(500):
            code, printed, _ = host.run("--version")
            self.assertEqual((code, printed), (0, f"certbot {host.hello['ready']['version']}\n"))
            if number == 20:
                early = host.rss_kib()
        self.assertLess(host.rss_kib() - early, 512, "KiB more after 480 further forks")


class Staleness(Hosts):
    def stale(self, host):
        answer, child = host.fork()
        self.assertIsNone(child, answer)
        return answer["stale"]

    def test_when_a_file_of_certbot_or_a_plugin_has_changed(self):
        self.certbot.behave("def main(): pass\n")
        for name in ("stand_in_plugin.py", "certbot/util.py", "certbot-script"):
            with self.subTest(name):
                host = self.start()
                self.assertEqual(host.run()[0], 0)
                os.utime(self.directory / name, (1, 1))
                answer = wait_for(lambda host=host: self.forked_or_stale(host), "the change is seen")
                self.assertEqual(answer, f"{self.directory / name} has changed")

    def forked_or_stale(self, host):
        answer, child = host.fork()
        if child is None:
            return answer["stale"]
        child.ask()
        child.end()
        return None

    def test_after_a_thousand_forks(self):
        self.certbot.behave("def main(): pass\n")
        host = self.start()
        for _ in range(1000):
            _, child = host.fork()
            os.kill(child.pid, signal.SIGKILL)
            child.request.close()
            child.end()
        self.assertEqual(self.stale(host), "it has forked 1000 times")


    def test_when_it_can_make_no_more_children(self):
        """Few descriptors: none for what it is given, or none for the child itself. Nothing is left running."""
        self.certbot.behave("def main(): pass\n")
        for more, why in ((0, "it has no descriptors left"), (2, "it cannot fork: Too many open files")):
            host = self.start()
            self.assertEqual(host.run()[0], 0)
            used = 1 + max(map(int, os.listdir(f"/proc/{host.process.pid}/fd")))
            usual = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (used + more, usual[1]))
            self.assertEqual(self.stale(host), why)
            self.assertEqual(descendants(host.process.pid), [])
            resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, usual)
            self.assertEqual(host.run()[0], 0, "it is there still, for the children that it has")


def holds(pid, needle):
    """Whether the needle is anywhere in the writable memory of a process of ours."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            addresses, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in addresses.split("-"))
            memory.seek(start)
            try:
                if needle in memory.read(end - start):
                    return True
            except OSError:
                continue
    return False


if __name__ == "__main__":
    unittest.main()
