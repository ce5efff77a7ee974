"""What `cmake --install` puts in place, and whether systemd accepts it."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from house.source_tree import ROOT

BUILD = os.environ.get("CERTHERD_BUILD", str(ROOT / "build"))
HIGHEST_EXPOSURE = 1.5
FILES = {
    "etc/certherd/certherd.yaml": 0o644,
    "etc/logrotate.d/certherd": 0o644,
    "usr/bin/certherd": 0o755,
    "usr/libexec/certherd/launcher.py": 0o644,
    "usr/libexec/certherd/warm_host.py": 0o644,
    "usr/lib/systemd/system/certherd.service": 0o644,
    "usr/lib/sysusers.d/certherd.conf": 0o644,
    "usr/lib/tmpfiles.d/certherd.conf": 0o644,
    "usr/share/bash-completion/completions/certherd": 0o644,
    "usr/share/doc/certherd/README.md": 0o644,
    "usr/share/doc/certherd/examples/certherd.yaml": 0o644,
    "usr/share/doc/certherd/examples/certherd-deploy.path": 0o644,
    "usr/share/doc/certherd/examples/certherd-deploy.service": 0o644,
    "usr/share/doc/certherd/examples/polkit-1/rules.d/50-certherd.rules": 0o644,
}


def run(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, **options)


class Installed(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="certherd-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.said = cls.install(cls.root)

    @staticmethod
    def install(root, prefix="/usr"):
        done = run("cmake", "--install", BUILD, "--prefix", prefix, env={**os.environ, "DESTDIR": str(root)})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self):
        return {path.relative_to(self.root).as_posix(): stat.S_IMODE(path.stat().st_mode)
                for path in self.root.rglob("*") if path.is_file()}

    def test_exactly_these_files_are_there(self):
        found = self.files()
        expected = dict(FILES)
        if not (ROOT / "etc/logrotate.d/certherd").exists():
            del expected["etc/logrotate.d/certherd"]
        for path in (ROOT / "plugins-map").glob("*.yaml"):
            expected[f"usr/share/certherd/plugins-map/{path.name}"] = 0o644
        self.assertEqual(found, expected)

    def test_an_administrators_configuration_is_left_alone(self):
        own = self.root / "etc/certherd/certherd.yaml"
        before = own.read_text()
        self.addCleanup(own.write_text, before)
        own.write_text("email: me@example.com\n")
        self.install(self.root)
        self.assertEqual(own.read_text(), "email: me@example.com\n")

    def test_the_example_is_valid(self):
        """Its only fault is the token that it names: that is the administrator's to put there."""
        config = self.root / "etc/certherd/certherd.yaml"
        done = run(self.root / "usr/bin/certherd", "--config", config, "config", "check")
        faults = [line for line in (done.stdout + done.stderr).splitlines() if re.match(r"/.*:\d+:\d+: ", line)]
        self.assertEqual(len(faults), 1, done.stdout + done.stderr)
        self.assertIn("cloudflare-main.token", faults[0])

    def test_the_unit_names_the_program_where_it_went(self):
        other = pathlib.Path(tempfile.mkdtemp(prefix="certherd-install-"))
        self.addCleanup(shutil.rmtree, other)
        self.install(other, "/opt/certherd")
        unit = (other / "opt/certherd/lib/systemd/system/certherd.service").read_text()
        self.assertIn("ExecStart=/opt/certherd/bin/certherd run\n", unit)
        self.assertNotIn("/usr/share/doc", unit)

    def test_systemd_finds_no_fault_in_the_units(self):
        units = [self.root / "usr/lib/systemd/system/certherd.service",
                 *(self.root / "usr/share/doc/certherd/examples").glob("certherd-deploy.*")]
        # Programs are looked up below the root given; only ours has to be there.
        for name in ("usr/bin/systemctl", "bin/sh", "bin/rm"):
            program = self.root / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.symlink_to("/bin/true")
            self.addCleanup(program.unlink)
        for unit in units:
            done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit,
                       env={**os.environ, "SYSTEMD_UNIT_PATH": f"{unit.parent}:"})
            said = [line for line in (done.stdout + done.stderr).splitlines()
                    if "certherd is not executable: No such file" not in line]
            self.assertEqual(said, [], unit.name)

    def test_the_sandbox_leaves_little_exposed(self):
        done = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                   self.root / "usr/lib/systemd/system/certherd.service")
        found = re.search(r"Overall exposure level for certherd.service: ([\d.]+)", done.stdout)
        self.assertTrue(found, done.stdout + done.stderr)
        self.assertLessEqual(float(found[1]), HIGHEST_EXPOSURE, done.stdout)

    def test_sysusers_and_tmpfiles_make_what_the_unit_needs(self):
        if os.geteuid() != 0:
            self.skipTest("files can be given to a user by root only")
        done = run("systemd-sysusers", f"--root={self.root}")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("passwd", "group", "shadow", "gshadow", ".pwd.lock"):
            self.addCleanup((self.root / "etc" / name).unlink, missing_ok=True)
        users = (self.root / "etc/passwd").read_text().splitlines()
        user = next(line for line in users if line.startswith("certherd:"))
        number = int(user.split(":")[2])
        self.assertTrue(user.endswith(":/var/lib/certherd:/usr/sbin/nologin"), user)
        done = run("systemd-tmpfiles", f"--root={self.root}", "--create", "certherd.conf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(shutil.rmtree, self.root / "var")
        self.addCleanup(shutil.rmtree, self.root / "etc/certherd/credentials")
        for name, mode, owner in (("etc/certherd/credentials", 0o700, number), ("etc/certherd", 0o755, 0),
                                  ("var/lib/certherd", 0o700, number), ("var/lib/certherd-store", 0o755, number),
                                  ("var/log/certherd", 0o750, number)):
            status = (self.root / name).stat()
            self.assertEqual((name, oct(stat.S_IMODE(status.st_mode)), status.st_uid), (name, oct(mode), owner))


class Completion(unittest.TestCase):
    """By the installed program's own --help: no verb can be missing."""

    def complete(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _certherd; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        program = os.environ.get("CERTHERD", f"{BUILD}/bin/certherd")
        done = run("bash", "-c", script, "bash", ROOT / "etc/bash-completion/certherd", program, *words)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_verbs(self):
        verbs = self.complete("")
        self.assertLessEqual({"issue", "list", "show", "history", "providers", "config", "audit"}, set(verbs))
        self.assertEqual(self.complete("iss"), ["issue"])

    def test_second_verbs(self):
        self.assertEqual(sorted(self.complete("audit", "")), ["tail", "verify"])
        self.assertEqual(self.complete("audit", "tail", ""), [])

    def test_options(self):
        self.assertIn("--force", self.complete("issue", "--"))
        self.assertIn("--failed", self.complete("history", "example.com", "--f"))
        self.assertIn("--lines", self.complete("audit", "tail", "--l"))
        self.assertEqual(self.complete("import", "certbot", "--w"), ["--write"])
        self.assertEqual(self.complete("revoke", "example.com", "--reason", "k"), ["keycompromise"])
        self.assertIn("--json", self.complete("--"))

    def test_providers_by_id(self):
        self.assertIn("cloudflare", self.complete("providers", "cloudf"))

    def test_names_of_certificates(self):
        with tempfile.TemporaryDirectory(prefix="certherd-completion-") as home:
            config = pathlib.Path(home, "certherd.yaml")
            shutil.copy(ROOT / "etc/certherd.yaml", config)
            config.write_text(config.read_text() + f"state_dir: {home}/state\naudit_log: {home}/audit.jsonl\n")
            self.assertEqual(self.complete("--config", str(config), "show", "ex"), ["example.com"])


if __name__ == "__main__":
    unittest.main()
