"""What the end-to-end tests of the service share: `certherd run` on a host of its own, and a client of its socket."""

import collections
import http.client
import json
import pathlib
import signal
import socket
import subprocess

from e2e.harness import Case, descendants, is_running, kill, wait_for

SHELL = "/bin/sh"

Reply = collections.namedtuple("Reply", "status json headers")


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a path instead of a host."""

    def __init__(self, path, timeout):
        super().__init__("certherd", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)  # with a timeout it would not wait for its place in the queue
        self.sock.settimeout(self.timeout)


class ServiceCase(Case):
    """A test of `certherd run`. `said()` is its service log."""

    def setUp(self):
        super().setUp()
        self.socket = self.host.runtime / "control.sock"
        self.hook_log = self.host.directory / "hook.log"
        self.log_file = self.host.directory / "service.log"

    # --- its life

    def launch(self, *arguments, prefix=(), **popen):
        """Starts it and does not wait for anything. `settings` are written first."""
        self.host.write_config()
        with open(self.log_file, "a", encoding="utf-8") as log:
            command = [*map(str, prefix), *self.host.command(*arguments, "run")]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, **popen)
        self.addCleanup(self.end, process)
        return process

    def serve(self, *arguments, **launch):
        process = self.launch(*arguments, **launch)
        wait_for(lambda: self.answers(process) or process.poll() is not None, "the service answers", 60)
        self.assertIsNone(process.poll(), self.said())
        return process

    def end(self, process):
        """After the test, however that ended: the service, and what is left of its children."""
        if process.poll() is None:
            process.kill()
            process.wait()
        while left := self.certbots():
            for pid in left:
                kill(pid)
            wait_for(lambda: not any(map(is_running, left)), "the certbots of this test have ended")

    def certbots(self):
        """Every certbot that works on this host's directory, also those that a dead service left."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                arguments = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue  # it has ended
            if str(self.host.directory).encode() in arguments and b"certonly" in arguments:
                found.append(int(entry.name))
        return [pid for pid in found if is_running(pid)]

    def children(self, process):
        """What runs below the service, certbots and hooks."""
        return [pid for pid in descendants(process.pid) if is_running(pid)]

    def stop(self, process, number=signal.SIGTERM, timeout=60):
        process.send_signal(number)
        process.wait(timeout)
        self.assertEqual(process.returncode, 0, self.said())

    def said(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # --- what one can ask it

    def answers(self, process):
        """Whether it is this one that answers: a child of one that was killed may hold its socket for a moment."""
        try:
            return self.ask("GET", "/v1/status").json["pid"] == process.pid
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, method, path, body=None, timeout=30):
        """One request; OSError or HTTPException when the service goes away meanwhile."""
        connection = UnixConnection(self.socket, timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return Reply(response.status, json.loads(content) if content else None, response.headers)

    def want_now(self, *names, force=True):
        """Asks for Runs and does not wait for them."""
        reply = self.ask("POST", "/v1/issue", {"certificates": list(names), "force": force})
        self.assertEqual(reply.status, 202, reply)

    def reload(self):
        reply = self.ask("POST", "/v1/reload")
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def why(self, name):
        """The lines of `certherd why`, without their times."""
        reply = self.ask("GET", f"/v1/certificates/{name}/why")
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def idle(self):
        status = self.ask("GET", "/v1/status").json
        return status["running"] == 0 and status["waiting"] == 0

    # --- what it left behind

    def deployed(self, *names):
        return all(self.host.generation(name) for name in names)

    def runs(self, *names):
        return self.host.run("--json", "history", *names, "--limit", "0").json

    def note_hook(self, **more):
        """The Hook `note`: a line for each time it runs."""
        line = 'echo "$CERTHERD_EVENT $CERTHERD_NAMES" >> ' + str(self.hook_log)
        self.host.settings["hooks"]["note"] = {"command": [SHELL, "-c", line], **more}
