"""What the tests of `certherd run` share."""

import signal
import socket
import subprocess

from e2e.harness import Case, wait_for


class Serving(Case):
    """A host on which the service can run."""

    def setUp(self):
        super().setUp()
        self.socket = self.host.runtime / "control.sock"

    def serve(self, *arguments):
        self.log = open(self.host.directory / "service.log", "a+", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.host.write_config()

        process = subprocess.Popen(self.host.command(*arguments, "run"), stdin=subprocess.DEVNULL, stdout=self.log,
                                   stderr=self.log, start_new_session=True)
        self.addCleanup(self.end, process)
        wait_for(lambda: self.answers() or process.poll() is not None, "the service answers")
        self.assertIsNone(process.poll(), self.said())
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()

    def said(self):
        return (self.host.directory / "service.log").read_text()

    def answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket))
            except OSError:
                return False
        return True

    def stop(self, process, number=signal.SIGTERM, timeout=60):
        process.send_signal(number)
        process.wait(timeout)
        self.assertEqual(process.returncode, 0, self.said())

    def deployed(self, *names):
        return all(self.host.generation(name) for name in names)

    def runs(self):
        return self.host.run("--json", "history", "--limit", "0").json
