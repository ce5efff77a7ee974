"""The verbs that only look: what they show, what they give to programs, and whom they let look."""

import gzip
import json
import os
import subprocess
import unittest

from e2e.harness import (CERTHERD, CONFIGURATION, DONE, FAILED, IS_ROOT, SOME_FAILED, USAGE, Case, Host, as_nobody,
                         start_lab)

VERBS = ["issue", "list", "show", "history", "providers", "config check", "audit tail", "audit verify"]
RUN_KEYS = {"run", "certificate", "domains", "provider", "account", "ca", "actor", "reason", "started", "ended",
            "outcome", "failure", "findings", "phases", "attempts", "hooks", "generation"}
FAILURE_KEYS = {"class", "meaning", "phase", "error", "problem_type", "problem_detail", "problem_domain", "hint", "fix",
                "retry_after_seconds"}
LINE_KEYS = {"name", "domains", "provider", "account", "ca", "hooks", "generation", "directory", "current", "renew_at",
             "due", "reason", "because", "failures", "failure_class", "retry_at", "last_run"}


def setUpModule():
    Case.lab = start_lab()


class Reported(Case):
    """One certificate that was got, one that failed, one that was never tried; nothing here changes them."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Host(cls.lab)
        cls.addClassCleanup(cls.shared.remove)
        cls.shared.settings["accounts"]["b"]["credentials_file"] = cls.lab.credentials("key-a")
        cls.shared.want("example.test", "*.example.test")
        cls.shared.want("other.test")
        cls.issued = cls.shared.issue()
        cls.shared.want("later.example.test")
        cls.good, cls.bad = cls.issued.runs["example.test"], cls.issued.runs["other.test"]

    def setUp(self):
        self.host = self.shared
        self.assertEqual(self.issued.code, SOME_FAILED, str(self.issued))

    def show(self, *arguments, code=DONE):
        done = self.expect(self.host.run(*arguments), code)
        if code == DONE:
            self.assertEqual(done.err, "")
        return done.out

    def json(self, *arguments):
        return json.loads(self.show("--json", *arguments))

    def test_list(self):
        lines = self.show("list").splitlines()
        self.assertEqual(lines[0].split("  ")[0], "NAME")
        self.assertRegex(lines[1], r"^example\.test +example\.test \*\.example\.test +rfc2136 .* 89 days .* deployed$")
        self.assertRegex(lines[2], r"^other\.test +other\.test +rfc2136 +- +missing +- +failed$")
        self.assertRegex(lines[3], r"^later\.example\.test .* missing +- +-$")
        self.assertEqual(len(lines), 4)

    def test_list_for_programs(self):
        good, bad, later = self.json("list")
        self.assertEqual(set(good), LINE_KEYS)
        self.assertEqual((good["generation"], good["last_run"]["run"]), (1, self.good["run"]))
        self.assertEqual((bad["current"], bad["last_run"]["failure"]["class"]), (None, "provider_scope"))
        self.assertEqual(later["last_run"], None)

    def test_show_a_certificate(self):
        out = self.show("show", "example.test")
        for words in ("domains      example.test *.example.test", "provider     rfc2136, account a", "generation   1",
                      "next         nothing is due: valid until", f"run {self.good['run']}: deployed in",
                      "propagation"):
            self.assertIn(words, out)
        self.assertEqual(set(self.json("show", "example.test")), LINE_KEYS)

    def test_show_a_failed_one_with_what_went_wrong_and_what_to_do(self):
        out = self.show("show", "other.test")
        for words in ("next         due: missing", "failure      provider_scope in phase provision: ",
                      "error        ", "REFUSED", "to do        the DNS server refuses updates by this key",
                      "failed here", "attempt 1: certbot "):
            self.assertIn(words, out)

    def test_show_a_run_by_its_id_or_the_beginning_of_it(self):
        run = self.json("show", self.bad["run"])
        self.assertEqual(set(run), RUN_KEYS)
        self.assertEqual(set(run["failure"]), FAILURE_KEYS)
        self.assertEqual(self.json("show", self.bad["run"][:-3]), run)
        self.assertEqual(run, self.bad)

    def test_show_the_beginning_of_several_runs(self):
        done = self.expect(self.host.run("show", self.good["run"][:9]), FAILED)
        self.assertRegex(done.err, "several|more than one|2 runs")

    def test_show_what_does_not_exist(self):
        self.assertIn("did you mean 'example.test'?", self.expect(self.host.run("show", "example.tes"), USAGE).err)
        self.assertRegex(self.expect(self.host.run("show", "20010101T000000Z-nothing"), FAILED).err, "^certherd: there is no run")

    def test_history_is_newest_first_and_filtered(self):
        ids = lambda *filters: [run["run"] for run in self.json("history", *filters)]
        self.assertEqual(ids(), [self.bad["run"], self.good["run"]])
        self.assertEqual(ids("example.test"), [self.good["run"]])
        self.assertEqual(ids("--failed"), [self.bad["run"]])
        self.assertEqual(ids("example.test", "--failed"), [])
        self.assertEqual(ids("--limit", "1"), [self.bad["run"]])
        self.assertEqual(len(ids("--since", "7d")), 2)
        self.assertEqual(set(self.json("history")[0]), RUN_KEYS)
        self.assertIn("provider_scope", self.show("history"))

    def test_history_since_a_time_without_unit(self):
        self.assertIn("--since", self.expect(self.host.run("history", "--since", "7"), USAGE).err)

    def test_providers(self):
        lines = self.show("providers").splitlines()
        self.assertGreater(len(lines), 100)
        self.assertTrue(any(line.startswith("rfc2136") and "dns-rfc2136" in line for line in lines))

    def test_one_provider(self):
        out = self.show("providers", "rfc2136")
        for words in ("plugin        dns-rfc2136", "dns_rfc2136_secret, required, secret",
                      "python3-certbot-dns-rfc2136"):
            self.assertIn(words, out)
        one = self.json("providers", "rfc2136")
        self.assertIn(one, self.json("providers"))
        self.assertTrue(one["installed"].startswith("certbot-dns-rfc2136 "), one["installed"])

    def test_an_unknown_provider(self):
        self.assertIn("did you mean 'cloudflare'?", self.expect(self.host.run("providers", "cloudfare"), USAGE).err)

    def test_audit_tail(self):
        lines = [json.loads(line) for line in self.show("audit", "tail").splitlines()]
        self.assertCountEqual([line["run"] for line in lines], [self.good["run"], self.bad["run"]])
        self.assertEqual([json.loads(line)["run"] for line in self.show("audit", "tail", "-n", "1").splitlines()],
                         [lines[-1]["run"]])

    def test_a_program_that_closes_the_pipe_early_is_no_crash(self):
        done = subprocess.run(f"{CERTHERD} --config {self.host.config} providers | head -1", shell=True,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((len(done.stdout.splitlines()), done.stderr), (1, ""))


class Audit(Case):
    """Somebody edits the audit log of a host that issued three times."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Host(cls.lab)
        cls.addClassCleanup(cls.shared.remove)
        cls.shared.want("example.test")
        for _ in range(3):
            cls.shared.issue("--force", "example.test")
        cls.lines = cls.shared.audit.read_text().splitlines(keepends=True)

    def setUp(self):
        self.host = self.shared
        self.assertEqual(len(self.lines), 3)

    def verify(self, lines):
        self.host.audit.write_text("".join(lines))
        found = self.host.run("--json", "audit", "verify")
        human = self.host.run("audit", "verify")
        self.assertEqual((found.code, human.code), (DONE if found.json["ok"] else FAILED,) * 2)
        if not found.json["ok"]:
            self.assertIn(found.json["problem"], human.err)
        return found.json

    def test_a_whole_one(self):
        self.assertEqual(self.verify(self.lines),
                         {"ok": True, "entries": 3, "problem": None, "begins_at": 1, "files": [str(self.host.audit)],
                          "note": None, "file": None, "line": None})

    def test_rotated_files(self):
        older = [self.host.audit.with_name("audit.jsonl" + suffix) for suffix in (".2.gz", ".1")]
        for path in older:
            self.addCleanup(path.unlink, missing_ok=True)
        older[0].write_bytes(gzip.compress(self.lines[0].encode()))
        older[1].write_text(self.lines[1])
        found = self.verify(self.lines[2:])
        self.assertEqual((found["entries"], found["files"]), (3, [*map(str, older), str(self.host.audit)]))
        self.assertEqual(self.host.run("audit", "tail").out, "".join(self.lines))
        older[0].unlink()
        found = self.verify(self.lines[2:])
        self.assertEqual((found["ok"], found["begins_at"]), (True, 2))
        self.assertEqual(found["note"], "begins at entry 2: earlier files are gone")
        self.assertIn(found["note"], self.host.run("audit", "verify").out)
        older[1].write_text(self.lines[1].replace('"deployed"', '"failed"'))
        found = self.verify(self.lines[2:])
        self.assertEqual((found["file"], found["line"]), (str(older[1]), 1))

    def test_a_changed_line(self):
        changed = self.lines[1].replace('"deployed"', '"failed"')
        self.assertNotEqual(changed, self.lines[1])
        found = self.verify([self.lines[0], changed, self.lines[2]])
        self.assertEqual((found["line"], found["problem"]),
                         (2, "the line was changed: its text does not match its hash"))

    def test_a_removed_line(self):
        found = self.verify([self.lines[0], self.lines[2]])
        self.assertEqual(found["line"], 2)
        self.assertIn("entry 2 is missing before entry 3", found["problem"])

    def test_lines_in_another_order(self):
        found = self.verify([self.lines[1], self.lines[0], self.lines[2]])
        self.assertEqual((found["ok"], found["line"]), (False, 1))

    def test_a_line_cut_off_at_the_end(self):
        found = self.verify(self.lines[:2])
        self.assertIn("entry 3 is missing at the end: the database remembers entry 3", found["problem"])

    def test_a_line_cut_in_half(self):
        found = self.verify([*self.lines[:2], self.lines[2][:100]])
        self.assertEqual((found["ok"], found["line"]), (False, 3))

    def test_all_lines_removed(self):
        self.assertIn("missing at the end", self.verify([])["problem"])


class ConfigCheck(Case):
    def check(self, code=CONFIGURATION):
        return self.expect(self.host.run("config", "check"), code)

    def test_a_valid_one(self):
        self.host.want("example.test")
        done = self.check(DONE)
        self.assertEqual(done.said, f"{self.host.config}: valid, 1 certificate, 2 accounts, 0 hooks\n")
        found = self.host.run("--json", "config", "check").json
        self.assertEqual(found, {"valid": True, "file": str(self.host.config), "certificates": 1, "faults": [],
                                 "warnings": []})

    def test_every_fault_at_once_with_place_and_caret(self):
        self.host.config.write_text("emial: a@example.test\nagree_tos: true\ncertificates:\n"
                                    "  - {domains: [example.com], dns_provider: cloudfare}\n")
        done = subprocess.run(self.host.command("config", "check"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertEqual(done.stderr, f"""\
{self.host.config}:1:1: 'emial' is not a key of the configuration
    emial: a@example.test
    ^
    did you mean 'email'?
{self.host.config}:4:44: 'cloudfare' is not a provider of the plugins-map
      - {{domains: [example.com], dns_provider: cloudfare}}
                                               ^
    did you mean 'cloudflare'?
{self.host.config}: 2 faults
""")

    def test_no_file_at_all(self):
        done = subprocess.run([CERTHERD, "--config", "/nowhere/certherd.yaml", "list"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertIn("/nowhere/certherd.yaml", done.stderr)

    def credentials_with(self, mode):
        file = self.host.directory / "a.ini"
        file.write_text("\n".join(f"{key} = {value}" for key, value in self.host.credentials().items()) + "\n")
        file.chmod(mode)
        self.host.settings["accounts"]["a"]["credentials_file"] = "a.ini"

    def test_credentials_that_are_missing(self):
        self.host.settings["accounts"]["a"]["credentials_file"] = "gone.ini"
        self.assertIn(f"{self.host.directory}/gone.ini: No such file", self.check().err)

    def test_credentials_that_everybody_can_read(self):
        self.credentials_with(0o644)
        self.assertIn("a.ini is open to every user of this host", self.check().err)

    def test_credentials_that_a_group_can_read_are_a_warning(self):
        self.credentials_with(0o640)
        done = self.check(DONE)
        self.assertRegex(done.err, r"^warning: .*a\.ini is open to its group")

    def test_no_message_shows_a_secret(self):
        self.credentials_with(0o644)
        file = self.host.directory / "a.ini"
        file.write_text(file.read_text().replace("dns_rfc2136_secret =", "dns_rfc2136_sceret ="))
        done = self.check()
        self.assertIn("dns_rfc2136_secret", done.err)
        self.assertNotIn(self.lab.facts["keys"]["key-a"]["secret"], done.said)


class BeforeAnything(Case):
    def test_every_verb_that_looks_works_before_anything_was_issued_and_makes_nothing(self):
        self.host.want("example.test")
        for verb, empty in (("list", None), ("history", []), ("show example.test", None), ("audit verify", None)):
            with self.subTest(verb=verb):
                self.expect(self.host.run(*verb.split()), DONE)
                found = self.expect(self.host.run("--json", *verb.split()), DONE).json
                if empty is not None:
                    self.assertEqual(found, empty)
        self.assertEqual(self.expect(self.host.run("audit", "tail"), DONE).said, "")
        self.assertEqual(sorted(os.listdir(self.host.directory)), ["certherd.yaml"])

    def test_help_of_every_verb_has_examples(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                done = subprocess.run([CERTHERD, *verb.split(), "--help"], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, DONE)
                self.assertIn(f"Examples:\n  certherd {verb}", done.stdout)

    def test_usage_errors(self):
        for words in ([], ["isue"], ["issue"], ["issue", "--all", "example.test"], ["history", "--limit", "-1"]):
            with self.subTest(words=words):
                done = subprocess.run(self.host.command(*words), capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
                self.assertTrue(done.stderr)


@unittest.skipUnless(IS_ROOT, "needs a state directory that belongs to somebody else")
class OrdinaryUser(Case):
    def test_is_told_in_one_error_that_the_state_is_not_for_him(self):
        prefix, _ = as_nobody()
        if subprocess.run([*prefix, CERTHERD, "--version"], capture_output=True).returncode:
            self.skipTest(f"an ordinary user cannot run {CERTHERD}")
        self.host.want("example.test")
        self.issue()
        self.host.directory.chmod(0o755)
        for verb in ("list", "history", "show example.test", "audit tail", "audit verify"):
            with self.subTest(verb=verb):
                done = self.expect(self.host.run(*verb.split(), prefix=prefix), FAILED)
                self.assert_one_error(done, "Permission denied")
                self.assertRegex(done.err, f"{self.host.state}|{self.host.audit}")
        self.expect(self.host.run("providers", "rfc2136", prefix=prefix), DONE)


if __name__ == "__main__":
    unittest.main()
