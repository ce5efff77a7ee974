"""The plugins-map against the plugins that are installed: what certbot's own help says of each of them."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROBE = pathlib.Path(os.environ.get("CERTHERD_BUILD", REPOSITORY / "build")) / "tests" / "providers_probe"
CERTBOT = os.environ.get("CERTHERD_CERTBOT", "/usr/bin/certbot")
# Authenticators of certbot itself; they solve other challenges or need a person.
BUILT_IN = {"standalone", "webroot", "manual", "null", "apache", "nginx"}


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout


def options_of(authenticator):
    """Every option that certbot's help lists for a plugin, with its default."""
    text = output(CERTBOT, "--help", authenticator)
    section = text[text.index(f"\n{authenticator}:\n"):]
    found = re.findall(r"^  (--[\w-]+)(?:, (--[\w-]+))?(?: [A-Z_0-9]+)?(.*?)(?=^  --|\Z)", section, re.M | re.S)
    options = {}
    for name, alias, rest in found:
        default = re.search(r"\(default:\s+(.*?)\)", rest, re.S)
        for option in filter(None, (name, alias)):
            options[option] = default.group(1) if default else None
    return options


class InstalledPlugins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.entries = json.loads(output(PROBE, "map", REPOSITORY / "plugins-map"))
        with tempfile.TemporaryDirectory() as own:
            listed = output(CERTBOT, "plugins", "--authenticators", "--text", "--logs-dir", own,
                            "--config-dir", own, "--work-dir", own)
        cls.installed = set(re.findall(r"^\* (\S+)", listed, re.M)) - BUILT_IN

    def test_every_installed_plugin_has_an_entry_and_its_flags_are_right(self):
        self.assertTrue(self.installed, "no DNS plugin is installed, so nothing was compared")
        compared = set()
        for name, entry in self.entries.items():
            if entry["authenticator"] not in self.installed:
                continue
            with self.subTest(provider=name):
                options = options_of(entry["authenticator"])
                if entry["credentials_flag"]:
                    self.assertIn(entry["credentials_flag"], options)
                else:
                    self.assertNotIn(f"--{entry['authenticator']}-credentials", options)
                if entry["propagation_flag"] in options:
                    self.assertEqual(str(entry["default_seconds"]), options[entry["propagation_flag"]])
                else:
                    self.assertEqual(name, "route53", "only certbot 3.0 and newer drop this flag, for route53 alone")
                compared.add(entry["authenticator"])
        self.assertEqual(compared, self.installed)

    def test_plugins_of_debian_packages_are_those_of_their_entries(self):
        for name, entry in self.entries.items():
            package = entry["debian_package"]
            if not package:
                continue
            with self.subTest(provider=name):
                state = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
                                       capture_output=True, text=True, timeout=60).stdout
                self.assertEqual(state == "installed", entry["authenticator"] in self.installed)


if __name__ == "__main__":
    unittest.main()
