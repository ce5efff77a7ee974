"""Revocation while the service runs: it is asked, nothing else happens to the certificate meanwhile, and it replaces
what is revoked by itself."""

import http.client
import json
import os
import signal
import socket
import unittest

from e2e.harness import DONE, FAILED, Case, serial_of, start_lab, wait_for
from e2e.serving import ServiceCase

NAME = "example.test"


def setUpModule():
    Case.lab = start_lab(fault_proxy=True, nonce_reject=0)


class RevocationByTheService(ServiceCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.lab.clear_faults)

    def start_service(self, **more):
        self.host.want(NAME, **more)
        process = self.serve()
        wait_for(lambda: self.last_run()["outcome"] == "deployed", "it is published", 60)
        return process

    def last_run(self):
        runs = self.host.run("--json", "history", NAME).json
        return runs[0] if runs else {"outcome": None}

    def serial(self):
        return serial_of(self.host.pem(NAME, "cert.pem"))

    def entries(self, action):
        return [entry for entry in self.host.audit_entries() if entry["action"] == action]

    def revocation_begins(self, before):
        wait_for(lambda: self.lab.requests()["POST revokeCert"] > before, "the CA is asked to revoke")

    def test_it_is_revoked_replaced_at_once_and_written_down(self):
        process = self.start_service(reuse_key=True)
        serial, key = self.serial(), self.host.pem(NAME, "privkey.pem")
        told = self.expect(self.host.run("--json", "revoke", NAME, "--reason", "keycompromise"), DONE).json
        self.assertEqual((told["revoked"], told["already_revoked"], told["serial"]), (True, False, serial))
        wait_for(lambda: self.host.generation(NAME) == 2, "the service replaces it", 60)
        self.assertNotEqual(self.serial(), serial)
        self.assertNotEqual(self.host.pem(NAME, "privkey.pem"), key, "a compromised key is not used again")
        run = wait_for(lambda: (run := self.last_run())["outcome"] and run, "the run ends")
        self.assertEqual((run["reason"], run["actor"], run["outcome"]), ("revoked", "scheduler", "deployed"))

        [entry] = self.entries("revoke")
        self.assertRegex(entry["actor"], rf"^user:{os.getuid()}:")
        self.assertIn(f"keycompromise, serial {serial}", entry["reason"])
        self.assertEqual(entry["outcome"], "revoked")
        self.assertIn("asks for its revocation: keycompromise", self.said())
        self.assertNotIn("revoked", self.expect(self.host.run("why", NAME), DONE).out)
        self.stop(process)
        self.expect(self.host.run("audit", "verify"), DONE)

    def test_what_somebody_reads(self):
        process = self.start_service()
        serial = self.serial()
        done = self.expect(self.host.run("-vv", "revoke", NAME), DONE)
        self.assertIn(f"{NAME}: revoked: serial {serial}", done.out)
        self.assertIn("the service orders a new certificate now", done.out)
        self.assertIn("Congratulations! You have successfully revoked", done.out)
        self.stop(process)

    def test_a_run_under_way_is_waited_for(self):
        process = self.start_service()
        first = self.serial()
        self.host.settings["certificates"][0]["propagation_seconds"] = 4
        self.host.write_config()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "read again and is in force" in self.said(), "the configuration is read again")
        forced = self.host.start("issue", "--force", NAME)
        wait_for(lambda: "run is under way" in self.host.run("why", NAME).out, "a run is under way")
        told = self.expect(self.host.run("--json", "revoke", NAME), DONE).json
        self.expect(self.host.finish(forced), DONE)
        self.assertNotEqual(told["serial"], first, "what was published when its turn came is revoked")
        renewed, revoked = [entry for entry in self.host.audit_entries() if entry["action"] in ("renew", "revoke")][:2]
        self.assertEqual((renewed["action"], revoked["action"]), ("renew", "revoke"))
        self.assertEqual(told["serial"], renewed["generation"]["serial"])
        self.stop(process)

    def test_no_run_begins_meanwhile_and_a_client_may_go_away(self):
        process = self.start_service()
        before = self.lab.requests()["POST revokeCert"]
        self.lab.fault("delay", seconds=5, on="revokeCert")
        asking = self.host.start("revoke", NAME)
        self.revocation_begins(before)
        asking.kill()
        self.host.finish(asking)
        self.assertIn("it is being revoked", self.host.run("why", NAME).out)
        run = self.issue(NAME, "--force")
        [entry] = self.entries("revoke")
        self.assertEqual(entry["outcome"], "revoked", "whoever asked need not stay")
        began = min(phase["start"] for phase in run["phases"] if phase["phase"] != "queue")
        self.assertLess(entry["time"], began)
        self.assertEqual(run["outcome"], "deployed")
        self.assertEqual(self.host.generation(NAME), 2, "one new certificate, not two")
        self.stop(process)

    def test_what_the_ca_refuses_changes_nothing(self):
        process = self.start_service()
        self.lab.rate_limit(600, on="revokeCert", detail="too many revocations today")
        done = self.expect(self.host.run("revoke", NAME), FAILED)
        self.assertIn("too many revocations today", done.out)
        self.assertEqual(self.entries("revoke")[0]["failure"]["class"], "rate_limited")
        self.assertIn("rate_limited", self.said())
        self.assertNotIn("revoked", self.host.run("why", NAME).out)
        self.assertIn("not due", self.expect(self.host.run("issue", NAME), DONE).out)
        self.assertEqual(self.host.generation(NAME), 1)
        self.stop(process)

    def test_a_stop_meanwhile_ends_it_in_good_order(self):
        process = self.start_service()
        before = self.lab.requests()["POST revokeCert"]
        self.lab.fault("hang", on="revokeCert")
        asking = self.host.start("revoke", NAME)
        self.revocation_begins(before)
        self.stop(process)
        self.expect(self.host.finish(asking), FAILED)
        self.assertEqual(self.entries("revoke")[0]["failure"]["class"], "interrupted")
        self.expect(self.host.run("audit", "verify"), DONE)

    def test_what_was_revoked_without_it_is_replaced_when_it_starts(self):
        self.host.want(NAME)
        self.assertEqual(self.issue()["outcome"], "deployed")
        done = self.expect(self.host.run("revoke", NAME), DONE)
        self.assertIn(f"certherd issue {NAME}", done.out)
        self.assertIn("so it is due: revoked", self.host.run("why", NAME).out)
        process = self.serve()
        wait_for(lambda: self.host.generation(NAME) == 2, "the service replaces it", 60)
        wait_for(lambda: self.last_run()["outcome"] == "deployed", "the run ends")
        self.assertEqual(self.last_run()["reason"], "revoked")
        self.stop(process)

    def test_what_the_socket_refuses(self):
        self.host.want("unreachable.example.test", ca="off")
        self.host.settings["cas"]["off"] = {"server": "https://127.0.0.1:9/dir"}
        process = self.start_service()
        self.assertEqual(self.post("nobody.test")[0], 404)
        self.assertIn("configuration in force", self.post("nobody.test")[1]["error"])
        self.assertEqual(self.post("unreachable.example.test")[0], 409)
        self.assertEqual(self.post(NAME, '{"reason": "boredom"}')[0], 400)
        self.assertRegex(self.post(NAME, '{"reason": "boredom"}')[1]["fix"], "keycompromise")
        self.assertEqual(self.post(NAME, '{"reason": 7}')[0], 400)
        self.assertEqual(self.post(NAME, "[")[0], 400)
        self.assertEqual(self.post(NAME, method="GET")[0], 405)
        # A certificate that only the file knows, not the service.
        self.host.want("later.example.test")
        self.host.write_config()
        later = self.expect(self.host.run("revoke", "later.example.test"), FAILED)
        self.assertIn("no certificate 'later.example.test' in the configuration in force", later.err)
        later = self.expect(self.host.run("issue", "later.example.test"), FAILED)
        self.assertIn("after an edit reload the service", later.err)
        self.assertEqual(self.entries("revoke"), [])
        self.stop(process)

    def post(self, name, body="", method="POST"):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.socket))
        connection.request(method, f"/v1/certificates/{name}/revoke", body)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told


if __name__ == "__main__":
    unittest.main()
