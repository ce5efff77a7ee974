"""What goes wrong on the host: disks that are full or read-only, directories in the way, other users, other certherds,
clocks. The certificate that was there stays, and what the CA has issued is never ordered twice."""

import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from e2e.harness import CERTHERD, DONE, FAILED, HELD, IS_ROOT, Case, as_nobody, serial_of, start_lab, wait_for


def setUpModule():
    Case.lab = start_lab()


class Namespace:
    """A mount namespace of its own with a small file system at a directory. Nobody else sees it, and it goes away with
    the process that holds it."""

    def __init__(self, directory, size):
        directory.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o size={size},mode=700 none "$1" && echo ready && read -r unused'
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", str(directory)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            reason = self.holder.communicate()[1].strip()
            raise unittest.SkipTest(f"no file system can be mounted here: {reason}")
        self.directory = directory
        self.inside = pathlib.Path(f"/proc/{self.holder.pid}/root{directory}")
        self.prefix = ["nsenter", f"--target={self.holder.pid}", "--mount", "--"]

    def fill(self):
        with open(self.inside / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # full: that was the aim

    def empty(self):
        (self.inside / "filler").unlink()

    def remount(self, option):
        subprocess.run([*self.prefix, "mount", "-o", f"remount,{option}", str(self.directory)], check=True)

    def close(self):
        self.holder.communicate()


@unittest.skipUnless(IS_ROOT, "mounting a small file system needs root")
class Disk(Case):
    def mount(self, name, size):
        space = Namespace(self.host.directory / name, size)
        self.addCleanup(space.close)
        return space

    def test_a_full_disk_before_the_order_asks_the_ca_for_nothing(self):
        space = self.mount("state", "8m")
        self.host.want("example.test")
        self.issue(prefix=space.prefix)
        before = self.lab.ca_requests()
        space.fill()
        done = self.expect(self.host.run("issue", "--force", "example.test", prefix=space.prefix), FAILED)
        self.assertEqual(self.lab.ca_requests(), before)
        self.assertRegex(done.said, "(?i)no space left|disk is full|free space")
        self.assertEqual(os.readlink(space.inside / "certificates/example.test"), "../generations/example.test/1")
        space.empty()
        run = self.issue("--force", "example.test", prefix=space.prefix)
        self.assertEqual(run["generation"]["number"], 2)

    def check_late_fault(self, space, begin, end, words):
        """The store takes nothing when a certificate comes: it stays as it is, and gets it later without an order."""
        self.host.settings["store_dir"] = "store"
        self.host.want("example.test")
        self.issue(prefix=space.prefix)
        old = serial_of((space.inside / "example.test/cert.pem").read_text())
        begin()
        run = self.issue("--force", "example.test", code=FAILED, prefix=space.prefix)
        failure = self.expect_failure(run, "publish_failed", str(self.host.directory / "store"), *words)
        self.assertEqual(failure["phase"], "publish")
        self.assertEqual(serial_of((space.inside / "example.test/cert.pem").read_text()), old)
        end()
        before = self.lab.orders()
        run = self.issue(prefix=space.prefix)
        self.assertEqual((run["outcome"], run["reason"]),
                         ("deployed", "certbot holds a newer certificate than the store"))
        self.assertEqual(self.lab.orders(), before)
        self.assertNotEqual(serial_of((space.inside / "example.test/cert.pem").read_text()), old)

    def test_a_store_whose_disk_is_full(self):
        space = self.mount("store", "256k")
        self.check_late_fault(space, space.fill, space.empty, ["No space left on device", "free some space"])

    def test_a_store_that_is_read_only(self):
        space = self.mount("store", "256k")
        self.check_late_fault(space, lambda: space.remount("ro"), lambda: space.remount("rw"), ["read-only"])

    def test_a_full_disk_while_certbot_works(self):
        space = self.mount("state", "1500k")
        self.host.want("example.test")
        # Enough for the journal, not for what certbot writes.
        with open(space.inside / "filler", "wb") as filler:
            filler.write(b"x" * 1_250_000)
        done = self.expect(self.host.run("issue", "--all", prefix=space.prefix), FAILED)
        self.assertRegex(done.said, "(?i)no space left|disk is full")
        space.empty()
        self.assertEqual(self.issue(prefix=space.prefix)["outcome"], "deployed")


class Store(Case):
    def test_a_directory_in_the_links_place_is_left_alone_and_nothing_is_ordered_twice(self):
        self.host.want("example.test")
        precious = self.host.store / "example.test" / "precious"
        precious.parent.mkdir(parents=True)
        precious.write_text("by hand")
        failure = self.expect_failure(self.issue(code=FAILED), "publish_failed", str(precious.parent), "is a directory",
                                      "move it away")
        self.assertEqual(failure["phase"], "publish")
        self.assertEqual(precious.read_text(), "by hand")
        shutil.move(precious.parent, self.host.directory / "away")
        before = self.lab.orders()
        self.assertEqual(self.issue()["outcome"], "deployed")
        self.assertEqual(self.lab.orders(), before)

    def test_a_group_that_does_not_exist(self):
        self.host.settings["store_dir"] = "store"
        self.host.settings["files"] = {"group": "no-such-group"}
        self.host.want("example.test")
        self.expect_failure(self.issue(code=FAILED), "publish_failed", "there is no group 'no-such-group' on this host")
        self.host.settings["files"] = {"group": str(os.getgid()), "key_mode": "0640"}
        before = self.lab.orders()
        self.issue()
        self.assertEqual(self.lab.orders(), before)
        self.assertEqual(oct(os.stat(self.host.directory / "store/example.test/privkey.pem").st_mode & 0o777), "0o640")


class Users(Case):
    def ordinary(self):
        """The words before a command that make it an ordinary user's, who can read the configuration."""
        if not IS_ROOT:
            return []
        prefix, _ = as_nobody()
        if subprocess.run([*prefix, CERTHERD, "--version"], capture_output=True).returncode:
            self.skipTest(f"an ordinary user cannot run {CERTHERD}")
        self.host.directory.chmod(0o755)
        return prefix

    def test_a_state_directory_that_cannot_be_made(self):
        prefix = self.ordinary()
        self.host.want("example.test")
        (self.host.directory / "closed").mkdir(mode=0o555)
        self.host.settings["state_dir"] = "closed/state"
        done = self.expect(self.host.run("issue", "--all", prefix=prefix), FAILED)
        self.assert_one_error(done, "cannot create the directory", str(self.host.directory / "closed/state"),
                              "Permission denied")

    @unittest.skipUnless(IS_ROOT, "there must be somebody else to make it")
    def test_a_state_directory_of_somebody_else(self):
        prefix = self.ordinary()
        self.host.want("example.test")
        self.host.state.mkdir(mode=0o700)
        done = self.expect(self.host.run("issue", "--all", prefix=prefix), FAILED)
        self.assert_one_error(done, str(self.host.state), "Permission denied", "run as the user that owns it")

    def test_an_ordinary_user_can_do_all_of_it_in_directories_of_his_own(self):
        prefix, bundle = self.ordinary(), self.host.directory / "ca.pem"
        shutil.copy(self.lab.facts["acme"]["ca_bundle"], bundle)
        self.host.settings["cas"]["lab"]["ca_bundle"] = "ca.pem"
        self.host.settings["accounts"] = {"a": {"provider": "rfc2136", "zones": ["example.test"],
                                                "credentials": self.host.credentials()}}
        self.host.want("example.test")
        if IS_ROOT:
            _, nobody = as_nobody()
            bundle.chmod(0o644)
            os.chown(self.host.directory, nobody.pw_uid, nobody.pw_gid)
        run = self.issue(prefix=prefix)
        self.assertEqual((run["outcome"], run["actor"].split(":")[1]),
                         ("deployed", str(self.host.state.stat().st_uid)))


class TwoAtOnce(Case):
    def test_the_second_certherd_says_who_holds_the_state_directory(self):
        self.host.want("example.test", propagation_seconds=60)
        first = self.host.start("issue", "--all")
        wait_for(lambda: self.lab.txt("_acme-challenge.example.test"), "the first one has written its TXT record")
        second = self.expect(self.host.run("issue", "--all"), HELD)
        self.assert_one_error(second, f"another certherd (pid {first.pid}) works on {self.host.state}",
                              "wait until it has ended")
        self.expect(self.host.run("list"), DONE)
        self.assertEqual(self.host.run("--json", "history").json[0]["outcome"], None)
        first.send_signal(signal.SIGTERM)
        self.expect(self.host.finish(first), FAILED)
        self.assertEqual(self.lab.txt("_acme-challenge.example.test"), [])


class Clock(Case):
    """libfaketime moves the clock of certherd and of certbot; the CA and the DNS server keep the right one."""

    def issue_at(self, offset):
        certbot = self.host.directory / "certbot"
        certbot.write_text(f"#!/bin/sh\nexec faketime -f '{offset}' /usr/bin/certbot \"$@\"\n")
        certbot.chmod(0o755)
        self.host.settings["certbot"] = {"path": str(certbot)}
        self.host.want("example.test")
        return self.issue(code=FAILED, prefix=["faketime", "-f", offset])

    def test_a_year_ahead(self):
        failure = self.issue_at("+365d")["failure"]
        self.assertEqual(failure["class"], "provider_auth")
        self.assertRegex(failure["fix"], r"this host's clock is 365 days ahead of the CA's: set it \(timedatectl")

    def test_a_year_behind(self):
        failure = self.issue_at("-365d")["failure"]
        self.assertEqual(failure["class"], "ca_unavailable")
        self.assertIn("not yet valid", failure["error"])
        self.assertIn("check this host's clock (timedatectl)", failure["fix"])


if __name__ == "__main__":
    unittest.main()
