"""The service and those who mean it ill or know no better: clients of its socket, its hooks, its database, its disk."""

import os
import pathlib
import resource
import signal
import socket
import sqlite3
import unittest

from e2e.harness import DONE, FAILED, HELD, Case, is_running, kill, start_lab, wait_for
from e2e.serving import SHELL, ServiceCase

NAME = "example.test"


def setUpModule():
    Case.lab = start_lab(nonce_reject=0)


class Clients(ServiceCase):
    def setUp(self):
        super().setUp()
        self.host.want(NAME)
        self.process = self.serve()
        self.open = []

    def tearDown(self):
        for client in self.open:
            client.close()

    def connect(self, timeout=20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(self.socket))  # with a timeout it would not wait for its place in the queue
        client.settimeout(timeout)
        self.open.append(client)
        return client

    def says(self, client, content, to_the_end=True):
        """Sends as much as the service takes and gives the beginning of what it answers, if anything."""
        try:
            client.sendall(content)
            if to_the_end:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough
        try:
            return client.recv(100)
        except OSError:
            return b""

    def still_serves(self):
        self.assertIsNone(self.process.poll(), self.said())
        self.assertEqual(self.ask("GET", "/v1/status", timeout=20).json["certificates"], 1)

    def test_garbage(self):
        huge = b"x" * (32 << 20)
        for what, content in {
                "nothing": b"", "zeros": b"\0" * 100_000, "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
                "random bytes": os.urandom(1 << 20), "no HTTP": b"issue example.test\r\n\r\n",
                "an endless first line": b"GET /" + huge, "an endless header": b"GET / HTTP/1.1\r\nX: " + huge,
                "headers without end": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 1_000_000,
                "a huge body": b"POST /v1/issue HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(huge) + huge,
                "a length that is none": b"POST /v1/issue HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
                "a length beyond all": b"POST /v1/issue HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
                "two lengths": b"POST /v1/issue HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
                "broken chunks": b"POST /v1/issue HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
                "half a request": b"POST /v1/issue HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"}.items():
            with self.subTest(what):
                answer = self.says(self.connect(), content)
                self.assertNotIn(b" 200 ", answer)
                self.assertNotIn(b" 202 ", answer)
                self.still_serves()

    def test_bodies_that_are_wrong(self):
        deep = "[" * 100_000
        for body in (None, [], {}, 17, {"certificates": []}, {"certificates": "all"}, {"certificates": [1]},
                     {"certificates": [NAME], "force": "yes"}, {"certificates": [deep]}):
            reply = self.ask("POST", "/v1/issue", body)
            self.assertIn(reply.status, (400, 404), (body, reply))
            self.assertTrue(reply.json["error"], reply)
        answer = self.says(self.connect(), b"POST /v1/issue HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(deep) +
                           deep.encode(), to_the_end=False)
        self.assertIn(b" 4", answer)
        for path in ("/", "/v1", "/v1/certificates/../../etc/passwd/why", "/v1/runs/%00", "/v1/runs/%zz", "/v1/no"):
            self.assertIn(self.ask("GET", path).status, (400, 404), path)
        self.assertEqual(self.ask("DELETE", "/v1/certificates").status, 405)
        self.still_serves()

    def test_those_who_leave_in_the_middle(self):
        body = b'{"certificates": ["example.test"], "force": true}'
        whole = b"POST /v1/issue?wait=1 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        for end in range(0, len(whole), 6):
            client = self.connect()
            client.sendall(whole[:end])
            client.close()
        # Of these the Run has begun, and it goes on without them.
        for _ in range(8):
            client = self.connect()
            client.sendall(whole)
            client.close()
        self.still_serves()
        wait_for(lambda: self.host.generation(NAME) >= 2 and self.idle(), "the run that nobody waits for ends", 120)
        runs = self.ask("GET", "/v1/runs").json
        self.assertEqual({run["outcome"] for run in runs}, {"deployed"})
        self.assertRegex(runs[0]["actor"], rf"^user:{os.getuid()}:")

    def test_a_flood(self):
        silent = [self.connect() for _ in range(300)]
        self.still_serves()
        greedy = [self.connect() for _ in range(50)]
        for client in greedy:  # who ask and never read
            client.setblocking(False)
            try:
                client.sendall(b"GET /v1/certificates HTTP/1.1\r\n\r\n" * 200)
            except OSError:
                pass
        self.still_serves()
        waiting = [self.connect() for _ in range(60)]
        for client in waiting:  # who all wait for the end of a Run
            self.begin_wait(client)
        self.still_serves()
        for client in (*silent, *greedy, *waiting):
            client.close()
        self.still_serves()
        descriptors = pathlib.Path(f"/proc/{self.process.pid}/fd")
        wait_for(lambda: len(list(descriptors.iterdir())) < 100, "what the flood had opened is closed", 60)
        self.stop(self.process)

    def begin_wait(self, client):
        body = b'{"certificates": ["example.test"]}'
        try:
            client.sendall(b"POST /v1/issue?wait=1 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            pass  # pushed out by a later one

    def test_stop_with_clients_that_hold_on(self):
        held = [self.connect() for _ in range(20)]
        for client in held[:10]:
            client.sendall(b"GET /v1/st")
        self.stop(self.process)
        self.assertFalse(self.socket.exists())


class Hooks(ServiceCase):
    def test_hooks_that_hang_fork_flood_and_hold_the_pipe(self):
        """Each harms nobody but itself: all are published, each has its outcome, nothing is left running but what
        wanted to be a daemon."""
        pids = self.host.directory / "daemons"
        commands = {"hang": "exec sleep 1000",
                    "stubborn": "trap '' TERM; while :; do sleep 0.1; done",
                    "daemon": f"setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >> {pids}",
                    "flood": "dd if=/dev/zero bs=1M count=200 2>/dev/null | tr '\\0' x",
                    "pipe": f"sleep 1000 & echo $! >> {pids}; exit 0",
                    "good": f"echo $CERTHERD_NAME >> {self.hook_log}"}
        self.addCleanup(lambda: [kill(int(pid)) for pid in pids.read_text().split()] if pids.exists() else None)
        self.host.settings["max_parallel"] = 6
        for name, command in commands.items():
            timeout = "2s" if name in ("hang", "stubborn") else "2m"  # the others are to end, however busy the machine
            self.host.settings["hooks"][name] = {"command": [SHELL, "-c", command], "timeout": timeout}
            self.host.want(f"{name}.example.test", name=name, hooks=[name])
        process = self.serve()
        wait_for(lambda: self.deployed(*commands), "all are published", 120)
        wait_for(self.idle, "all runs have ended", 60)
        runs = {run["certificate"]: run for run in self.ask("GET", "/v1/runs").json}
        outcomes = {name: runs[name]["outcome"] for name in commands}
        for name in ("hang", "stubborn"):
            self.assertEqual(outcomes[name], "deployed, hook failed")
        for name in ("daemon", "flood", "good"):
            self.assertEqual(outcomes[name], "deployed", name)
        job = self.ask("GET", "/v1/runs/" + runs["flood"]["run"]).json["hooks"][0]
        self.assertLess(len(job["output"]), 1 << 20, "of a flood the end is kept")
        self.assertEqual(self.hook_log.read_text().split(), ["good"])
        owed = {job["hook"] for job in self.ask("GET", "/v1/hooks").json}
        self.assertLessEqual({"hang", "stubborn"}, owed)
        wait_for(lambda: not self.children(process), "what hung has been ended")
        self.stop(process)

    def test_stop_while_a_hook_hangs(self):
        self.host.settings["hooks"]["hang"] = {"command": [SHELL, "-c", f"touch {self.hook_log}; sleep 1000"],
                                               "timeout": "1h"}
        self.host.want(NAME, hooks=["hang"])
        process = self.serve()
        wait_for(self.hook_log.exists, "the hook runs", 60)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.assertEqual(process.returncode, 0, self.said())
        self.assertEqual([job["hook"] for job in self.host.run("--json", "hooks", "list").json], ["hang"])


class Database(ServiceCase):
    def database(self):
        connection = sqlite3.connect(self.host.state / "certherd.db", isolation_level=None, timeout=20)
        self.addCleanup(connection.close)
        return connection

    def test_locked_for_a_while(self):
        """By a backup, or a person with sqlite3: what waits goes on when the lock goes."""
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        other = self.database()
        other.execute("BEGIN IMMEDIATE")
        self.want_now(NAME)
        # The run waits for the database, the service for nobody.
        wait_for(lambda: self.ask("GET", "/v1/status", timeout=2).json["running"] == 1, "the run is under way")
        for _ in range(10):
            self.assertEqual(self.ask("GET", f"/v1/certificates/{NAME}/why", timeout=2).status, 200)
        other.execute("ROLLBACK")
        wait_for(lambda: self.host.generation(NAME) == 2 and self.idle(), "it goes on", 60)
        self.stop(process)
        self.assertEqual({run["outcome"] for run in self.runs()}, {"deployed"})

    def test_locked_for_too_long(self):
        """What cannot be noted is not begun; when the lock goes, all goes on."""
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        orders = self.lab.orders()
        other = self.database()
        other.execute("BEGIN EXCLUSIVE")
        self.want_now(NAME)
        wait_for(lambda: "certherd.db" in self.said(), "it says that the database is locked", 60)
        self.assertEqual(self.lab.orders(), orders)
        self.assertIsNone(process.poll(), self.said())
        other.execute("ROLLBACK")
        wait_for(self.idle, "the run has been given up", 60)
        self.want_now(NAME)
        wait_for(lambda: self.host.generation(NAME) == 2 and self.idle(), "the next one works", 60)
        self.stop(process)
        self.assertEqual(self.host.run("audit", "verify").code, DONE)

    def test_full(self):
        """No file may grow: as on a full disk, nothing new is begun, what there is stays, and the service lives."""
        self.host.want(NAME)
        process = self.serve()
        wait_for(lambda: self.deployed(NAME) and self.idle(), "it is published", 60)
        old = self.host.pem(NAME, "cert.pem")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        orders = self.lab.orders()
        done = self.expect(self.host.run("issue", "--force", NAME), FAILED)
        self.assertIn("certherd.db", done.said)
        self.assertIsNone(process.poll(), f"ended by {process.poll()}: {self.said()}")
        wait_for(self.idle, "the run has been given up", 60)
        self.assertEqual(self.host.pem(NAME, "cert.pem"), old)
        self.assertEqual(self.lab.orders(), orders)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.want_now(NAME)
        wait_for(lambda: self.host.generation(NAME) == 2 and self.idle(), "with room again it goes on", 60)
        self.stop(process)
        self.assertEqual(self.host.run("audit", "verify").code, DONE)


class Instances(ServiceCase):
    def test_a_second_one_is_refused_and_harms_nothing(self):
        self.host.want(NAME)
        process = self.serve()
        for _ in range(3):
            second = self.launch()
            second.wait(30)
            self.assertEqual(second.returncode, HELD, self.said())
            self.assertTrue(self.answers(process), "the socket is still that of the first")
        self.assertIn(str(process.pid), self.said())
        wait_for(lambda: self.deployed(NAME) and self.idle(), "the first works", 60)
        self.stop(process)

    def test_many_at_the_same_moment(self):
        self.host.want(NAME)
        all_of_them = [self.launch() for _ in range(5)]
        wait_for(lambda: sum(one.poll() is None for one in all_of_them) == 1, "all but one have given up", 60)
        self.assertEqual(sorted(one.poll() for one in all_of_them if one.poll() is not None), [HELD] * 4)
        survivor = next(one for one in all_of_them if one.poll() is None)
        wait_for(lambda: self.answers(survivor) and self.deployed(NAME) and self.idle(), "the one works", 60)
        self.assertTrue(is_running(survivor.pid))
        self.stop(survivor)


if __name__ == "__main__":
    unittest.main()
