"""Hooks after a certificate was published or a run has failed: what they are told, and that none harms others."""

import http.server
import json
import pathlib
import signal
import ssl
import threading
import unittest

from e2e.harness import DONE, FAILED, Case, Host, is_running, kill, serial_of, start_lab, wait_for

TOKEN = "T0ken-of-the-webhook"
# Leaves somebody behind who keeps the hook's output open. The hook must not end before that one has left its process
# group, of which nothing is spared: so it is the daemon that says who it is, from its own session.
DAEMON = """
setsid sh -c 'echo $$ > "$0/daemon.new"; mv "$0/daemon.new" "$0/daemon"; exec sleep 600' "$0" &
while [ ! -e "$0/daemon" ]; do sleep 0.05; done
"""


def setUpModule():
    Case.lab = start_lab()


class Receiver:
    """An HTTP server that notes what is posted; `answers` maps paths to status codes. With TLS it shows the certificate
    of the Lab's CA endpoint, which is for localhost."""

    def __init__(self, lab=None, answers=None):
        self.requests = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response((answers or {}).get(self.path, 200))
                self.send_header("Location", "https://elsewhere.invalid/")
                answer = b"you asked for " + self.path.encode()
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *unused: None  # a client that does not trust us hangs up
        if lab:
            there = pathlib.Path(lab.facts["acme"]["ca_bundle"]).parent
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(there / "tls.pem", there / "tls.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if lab else "http"
        self.url = f"{scheme}://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class HookCase(Case):
    """One run for all tests of a class; each looks at one hook of it."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Host(cls.lab)
        cls.addClassCleanup(cls.shared.remove)

    def setUp(self):
        self.host = self.shared

    @classmethod
    def receiver(cls, **options):
        receiver = Receiver(**options)
        cls.addClassCleanup(receiver.close)
        return receiver

    @classmethod
    def issue_with(cls, hooks, *arguments, **start):
        cls.shared.settings["hooks"] = hooks
        cls.shared.settings["certificates"][0]["hooks"] = list(hooks)
        cls.done = cls.shared.issue(*(arguments or ["--all"]), **start)
        cls.outcome = cls.done.runs["example.test"]
        cls.jobs = {job["hook"]: job for job in cls.outcome["hooks"]}

    @classmethod
    def shell(cls, script, **more):
        return {"command": ["/bin/sh", "-c", script, str(cls.shared.directory)], **more}


class Deployed(HookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.want("example.test", "*.example.test")
        cls.plain, cls.tls = cls.receiver(), cls.receiver(lab=cls.lab)
        cls.issue_with({
            "environment": cls.shell('env > "$0/environment"; echo first >> "$0/order"'),
            "literal": {"command": ["/bin/echo", "$HOME", "`id`", "a && b; *", "| cat"]},
            "second": cls.shell('echo second >> "$0/order"'),
            "post": {"webhook": f"{cls.plain.url}/hook/{TOKEN}"},
            "post-over-tls": {"webhook": f"{cls.tls.url}/", "ca_bundle": cls.lab.facts["acme"]["ca_bundle"]},
            "only-failures": cls.shell('touch "$0/never"', on=["failed"]),
            "daemon": cls.shell(DAEMON, timeout="60s"),
            "flood": {"command": ["/bin/sh", "-c", "head -c 200000000 /dev/zero | tr '\\0' x; echo; echo the end"]},
        }, environment={"SECRET_OF_CERTHERD": "s3cret"})
        cls.daemon = int((cls.shared.directory / "daemon").read_text())
        cls.addClassCleanup(kill, cls.daemon)

    def test_all_of_them_well_is_a_run_that_went_well(self):
        self.assertEqual((self.done.code, self.outcome["outcome"]), (DONE, "deployed"), self.jobs)
        self.assertEqual([job["done"] for job in self.jobs.values()], [True] * 7)

    def test_they_run_in_the_order_in_which_they_are_written(self):
        self.assertEqual((self.host.directory / "order").read_text(), "first\nsecond\n")
        self.assertEqual(list(self.jobs),
                         ["environment", "literal", "second", "post", "post-over-tls", "daemon", "flood"])

    def test_the_environment_says_what_was_deployed(self):
        lines = (self.host.directory / "environment").read_text().splitlines()
        environment = dict(line.split("=", 1) for line in lines)
        store = self.host.store / "example.test"
        expected = {
            "CERTHERD_EVENT": "deployed", "CERTHERD_NAME": "example.test", "CERTHERD_OUTCOME": "deployed",
            "CERTHERD_DOMAINS": "example.test *.example.test", "CERTHERD_RUN": self.outcome["run"],
            "CERTHERD_CERT": f"{store}/cert.pem", "CERTHERD_CHAIN": f"{store}/chain.pem",
            "CERTHERD_FULLCHAIN": f"{store}/fullchain.pem", "CERTHERD_KEY": f"{store}/privkey.pem",
            "CERTHERD_GENERATION": f"{self.host.state}/generations/example.test/1", "CERTHERD_PREVIOUS_GENERATION": "",
            "CERTHERD_SERIAL": serial_of(self.host.pem("example.test", "cert.pem")), "RENEWED_LINEAGE": str(store)}
        self.assertEqual({name: environment.get(name) for name in expected}, expected)
        self.assertEqual(sorted(environment["RENEWED_DOMAINS"].split()), ["*.example.test", "example.test"])

    def test_the_environment_of_certherd_is_not_theirs(self):
        self.assertNotIn("s3cret", (self.host.directory / "environment").read_text())

    def test_no_shell_reads_the_command(self):
        self.assertEqual(self.jobs["literal"]["output"], "$HOME `id` a && b; * | cat")

    def test_a_webhook_is_told_the_same(self):
        (path, kind, body), = self.plain.requests
        self.assertEqual((path, kind), (f"/hook/{TOKEN}", "application/json"))
        self.assertEqual([body[key] for key in ("event", "certificate", "run", "outcome")],
                         ["deployed", "example.test", self.outcome["run"], "deployed"])
        self.assertEqual(body["generation"]["number"], 1)
        self.assertIn("example.test deployed, valid until", body["text"])

    def test_a_webhook_over_trusted_tls(self):
        self.assertEqual(len(self.tls.requests), 1)

    def test_the_token_in_a_webhooks_address_is_shown_nowhere(self):
        self.assertIn("you asked for", self.jobs["post"]["output"], "the server repeats it")
        self.assertNotIn(TOKEN, self.done.said)
        self.assertEqual(self.host.files_with(TOKEN), [])

    def test_a_hook_for_failures_is_not_run(self):
        self.assertFalse((self.host.directory / "never").exists())

    def test_nobody_waits_for_a_daemon(self):
        self.assertTrue(is_running(self.daemon), "it outlives the hook, as daemons do")
        self.assertLess(self.jobs["daemon"]["seconds"], 45)

    def test_of_a_flood_the_end_is_kept(self):
        output = self.jobs["flood"]["output"]
        self.assertTrue(output.endswith("the end"), output[-100:])
        self.assertLess(len(output), 20_000)

    def test_they_are_a_phase_of_the_run(self):
        self.assertEqual(self.outcome["phases"][-1]["phase"], "hooks")


class Failing(HookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.want("example.test")
        answers = cls.receiver(answers={"/broken": 500, "/moved": 302})
        cls.tls = cls.receiver(lab=cls.lab)
        cls.issue_with({
            "exits": cls.shell("echo what is wrong; exit 3"),
            "hangs": {"command": ["/bin/sleep", "300"], "timeout": "1s"},
            "is-missing": {"command": ["/nowhere/reload"]},
            "is-killed": cls.shell("kill -9 $$"),
            "is-refused": {"webhook": f"{answers.url}/broken"},
            "is-moved": {"webhook": f"{answers.url}/moved"},
            "is-not-trusted": {"webhook": f"{cls.tls.url}/{TOKEN}"},
            "comes-last": cls.shell('touch "$0/last"'),
        })

    def test_the_certificate_is_deployed_and_the_run_says_that_a_hook_failed(self):
        self.assertEqual((self.done.code, self.outcome["outcome"]), (FAILED, "deployed, hook failed"))
        self.assertEqual(self.host.generation("example.test"), 1)
        self.assertEqual(self.host.audit_entries()[-1]["outcome"], "deployed, hook failed")

    def test_each_says_why(self):
        errors = {name: job["error"] for name, job in self.jobs.items() if name != "is-not-trusted"}
        self.assertEqual(errors, {
            "exits": "hook exits: exit code 3",
            "hangs": "hook hangs: did not end within 1s and was ended",
            "is-missing": "hook is-missing: /nowhere/reload is not there; install it or correct the path",
            "is-killed": "hook is-killed: ended by signal 9",
            "is-refused": errors["is-refused"],
            "is-moved": errors["is-moved"],
            "comes-last": None})
        self.assertRegex(errors["is-refused"], r"^hook is-refused: http://localhost:\d+/… answered 500$")
        self.assertIn("redirects are not followed", errors["is-moved"])
        self.assertEqual(self.jobs["exits"]["output"], "what is wrong")

    def test_untrusted_tls_is_refused_before_anything_is_sent(self):
        self.assertRegex(self.jobs["is-not-trusted"]["error"], "(?i)certificate")
        self.assertEqual(self.tls.requests, [])
        self.assertNotIn(TOKEN, self.done.said)

    def test_those_that_follow_still_run(self):
        self.assertTrue((self.host.directory / "last").exists())

    def test_the_human_output_names_them(self):
        shown = self.host.run("show", "example.test").out
        self.assertIn("hook exits (deployed): failed", shown)
        self.assertIn("what is wrong", shown)


class RunFailed(HookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.settings["accounts"]["a"]["credentials_file"] = cls.lab.credentials("key-b")
        cls.shared.want("example.test")
        cls.plain = cls.receiver()
        cls.issue_with({
            "tell": cls.shell('env > "$0/environment"', on=["failed"]),
            "deploy": cls.shell('touch "$0/never"'),
            "post": {"webhook": cls.plain.url, "on": ["deployed", "failed"]},
        })

    def test_only_hooks_for_failures_run(self):
        self.assertEqual((self.done.code, self.outcome["outcome"]), (FAILED, "failed"))
        self.assertEqual({name: (job["event"], job["done"]) for name, job in self.jobs.items()},
                         {"tell": ("failed", True), "post": ("failed", True)})
        self.assertFalse((self.host.directory / "never").exists())

    def test_the_environment_says_what_failed(self):
        text = (self.host.directory / "environment").read_text()
        for line in ("CERTHERD_EVENT=failed", "CERTHERD_OUTCOME=failed", "CERTHERD_FAILURE_CLASS=provider_scope",
                     "CERTHERD_ERROR=", "CERTHERD_FIX="):
            self.assertIn(line, text)
        self.assertNotIn("CERTHERD_KEY", text, "nothing was deployed")

    def test_the_webhook_says_what_failed(self):
        (_, _, body), = self.plain.requests
        self.assertEqual((body["event"], body["failure"]["class"], body["generation"]),
                         ("failed", "provider_scope", None))


class Stopped(Case):
    def test_a_hook_under_way_is_ended_and_what_was_published_stays(self):
        there = self.host.directory / "hook-runs"
        slow = ["/bin/sh", "-c", f"touch {there}; sleep 300"]
        self.host.settings["hooks"] = {"slow": {"command": slow, "timeout": "5m"}}
        self.host.want("example.test", hooks=["slow"])
        process = self.host.start("issue", "--all")
        wait_for(there.exists, "the hook runs", timeout=60)
        process.send_signal(signal.SIGTERM)
        self.expect(self.host.finish(process, timeout=30), FAILED)
        run = self.host.run("--json", "show", "example.test").json["last_run"]
        self.assertEqual(run["outcome"], "deployed, hook failed")
        self.assertIn("was ended because certherd is stopping", run["hooks"][0]["error"])
        self.assertEqual(self.host.generation("example.test"), 1)


if __name__ == "__main__":
    unittest.main()
